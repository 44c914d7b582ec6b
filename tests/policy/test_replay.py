"""`policy replay`: recorded calls are decided again exactly, and only changes are reported."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

import guardrails
from guardrails import assembly
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.policy.replay.log_chunks import chunks
from guardrails.policy.replay.page import page
from guardrails.policy.replay.run import replay
from guardrails.policy.replay.tally import ReplayTally

QUIET = """package guardrails.quiet

# METADATA
# title: Nothing is stopped
# custom:
#   rule: quiet/stop
deny contains {
	"rule": "quiet/stop",
	"target": id,
	"message": "<script>alert(1)</script>",
	"remediation": "Leave it.",
} if {
	"stop" in input.call.effects
	some id, _ in input.targets
}
"""

# Prints a line when the first chunk is done, so that the test knows when to press Ctrl-C.
INTERRUPTED = """
import sys
import guardrails.cli.policy_replay as cli
from guardrails.cli.app import app

sizes = []
def progress(size):
    sizes.append(size)
    if len(sizes) == 1:
        print("going", file=sys.stderr, flush=True)

run = cli.run
cli.run = lambda *args, **options: run(*args, **(options | {{"progress": progress}}))
if __name__ == "__main__":
    app({command!r})
"""


@pytest.fixture
def recorded(site, install, log):
    """The log of a real guard: two denials, two allowed calls, a dry run."""
    # The default, as in `same`.
    install(max_fact_age_s=5)
    for call in (site.ec2.terminate_instances, site.ec2.stop_instances):
        with pytest.raises(guardrails.CallDenied):
            call(InstanceIds=[site.blue.instance_ids[0]])
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    with contextlib.suppress(Exception):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]], DryRun=True)
    guardrails.uninstall()
    return log


@pytest.fixture
def candidate(tmp_path):
    """A configuration with one more policy, which denies every stop."""
    folder = tmp_path / "own" / "guardrails" / "quiet"
    folder.mkdir(parents=True)
    (folder / "quiet.rego").write_text(QUIET)
    config = tmp_path / "candidate.toml"
    config.write_text('policies = ["own"]\n[log]\npath = "decisions.jsonl"\n')
    return config


@pytest.fixture
def same(tmp_path):
    """The configuration that was used for recording."""
    config = tmp_path / "same.toml"
    config.write_text('[log]\npath = "decisions.jsonl"\n')
    return config


def _replay(config, *args, code=0):
    done = CliRunner().invoke(app, ["policy", "--config", str(config), "replay", *map(str, args)])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def test_own_policies_change_nothing(recorded, same):
    """With the policies that wrote the log nothing changes, and calls without a decision of policies are counted."""
    result = json.loads(_replay(same, recorded, "--format", "json").stdout)
    assert (result["decisions"], result["changed"], result["undecided"]) == (5, 0, 1)
    assert result["recorded"] == {result["candidate"]: 5}


def test_newly_denied(recorded, candidate):
    """A new rule shows the call that it would have stopped, by rule and person; another denial gains the rule."""
    result = json.loads(_replay(candidate, recorded, "--format", "json", code=1).stdout)
    assert result["kinds"] == {"newly denied": 1, "newly allowed": 0, "other change": 1}
    assert result["rules"] == {"quiet/stop": {"newly denied": 1, "other change": 1}}
    assert sum(counts["newly denied"] for counts in result["people"].values()) == 1
    new = next(change for change in result["changes"] if change["kind"] == "newly denied")
    assert (new["call"], new["was"], new["now"], new["gained"]) == (
        "ec2:StopInstances",
        "allow",
        "deny",
        ["quiet/stop"],
    )
    assert new["place"].endswith(":3")


def test_newly_allowed(recorded, same):
    """A rule in dryrun in the candidate would let through what it stopped."""
    with same.open("a") as file:
        file.write('[enforcement]\n"live-cluster/stop" = "dryrun"\n')
    result = json.loads(_replay(same, recorded, "--format", "json", code=1).stdout)
    assert result["kinds"]["newly allowed"] == 1
    assert result["kinds"]["newly denied"] == 0


def test_compared_with_other_policies(recorded, same, candidate):
    """What other policies stop and these do not is listed beside the recorded calls that change."""
    result = json.loads(_replay(same, recorded, "--compare", candidate, "--format", "json", code=1).stdout)
    assert result["changed"] == 0
    assert [each["rule"] for each in result["compare"]["wider"]] == ["quiet/stop"]
    assert "stop" in result["compare"]["wider"][0]["input"]["call"]["effects"]


def test_jobs_do_not_matter(recorded, candidate):
    """One process and three give the same output, byte for byte."""
    log = recorded.read_bytes()
    recorded.write_bytes(log * 400)
    one = _replay(candidate, recorded, "--format", "json", "--jobs", 1, code=1).stdout
    assert json.loads(one)["decisions"] == 2000
    assert one == _replay(candidate, recorded, "--format", "json", "--jobs", 3, code=1).stdout


def test_corrupt_lines_are_named(recorded, same):
    """A corrupt line is reported with its number, and the decisions before and after it are replayed."""
    lines = recorded.read_bytes().splitlines(keepends=True)
    lines[1:1] = [b'{"decision_id": "half\n', b"\xff\xfe\n", b"[1]\n", b"[" * 100_000 + b"\n"]
    recorded.write_bytes(b"".join(lines) + b'{"decision_id')
    done = _replay(same, recorded)
    assert re.findall(r":(\d+): not a decision", done.stderr) == ["2", "3", "4", "5", "10"]
    assert "5 decisions, 0 changed" in done.stdout


def test_a_misshapen_result_is_not_a_change(recorded, same):
    """A misshapen recorded result is a fault with its place, never a change."""
    entry = json.loads(recorded.read_text().splitlines()[0])
    entry["result"] = {"action": "allow", "violations": "none"}
    recorded.write_text(json.dumps(entry) + "\n")
    done = _replay(same, recorded, code=1)
    assert ":1: cannot be decided again" in done.stderr


def test_rotated_and_zipped(recorded, same, tmp_path):
    """The configured log is read with its rotated files; named files may be gzipped."""
    lines = recorded.read_bytes().splitlines(keepends=True)
    recorded.with_name(f"{recorded.name}.1").write_bytes(b"".join(lines[:3]))
    recorded.write_bytes(b"".join(lines[3:]))
    assert "5 decisions" in _replay(same).stdout
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(b"".join(lines)))
    assert "5 decisions" in _replay(same, packed).stdout


def test_missing_and_broken_files(same, tmp_path):
    """A missing log, or one that is not gzip despite its name, is one sentence and exit code 2."""
    assert "no such decision log" in _replay(same, tmp_path / "none.jsonl", code=2).stderr
    broken = tmp_path / "log.gz"
    broken.write_bytes(b"no gzip")
    assert "cannot read the decision log" in _replay(same, broken, code=2).stderr


def test_page(recorded, candidate, tmp_path):
    """The page has the timeline and the changes, loads nothing, and escapes what is from a log."""
    text = recorded.read_text().replace('"program": "', '"program": "<b>bold</b>')
    recorded.write_text(text)
    html = tmp_path / "replay.html"
    _replay(candidate, recorded, "--html", html, code=1)
    shown = html.read_text()
    assert "1 newly denied" in shown
    assert "<svg" in shown
    assert "quiet/stop" in shown
    assert "&lt;b&gt;bold" in shown
    assert "<b>" not in shown
    assert not re.search(r"https?://|<script|src=", shown)


def test_page_of_nothing():
    """An empty replay also has a page."""
    assert "0 of 0 decisions" in page(ReplayTally(), "abc", interrupted=False)


def test_interrupted(recorded, same, tmp_path):
    """Ctrl-C ends a replay with the result so far, no traceback and exit code 130."""
    recorded.write_bytes(recorded.read_bytes() * 20_000)
    command = [sys.executable, "-m", "guardrails", "policy", "--config", str(same), "replay", "--format", "json"]
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED.format(command=command[3:]))
    started = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert started.stderr.readline() == "going\n"
    os.killpg(started.pid, signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert started.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    result = json.loads(out)
    assert result["interrupted"]
    assert 0 < result["decisions"] < 100_000
    assert result["changed"] == 0


def test_interrupted_in_the_library(recorded, same):
    """An interrupted replay says so, and its tally has what was done."""

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    tally, interrupted = replay(chunks([recorded]), assembly.policies(load(same)), jobs=2, progress=stop)
    assert interrupted
    assert tally.decisions == 5
