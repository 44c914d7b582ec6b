"""Shadow roll-out: what a rule in dryrun would have done is shown before it is enforced."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.policy.promote.dryrun_record import record_of
from guardrails.policy.promote.edit_config import find_setting, write_level
from guardrails.record.entries import Entry
from tests.support.terminals import Terminal, environment

RULE = "live-cluster/stop"
# It stops everything, as long as the other rule is on trial.
TRIAL = """package guardrails.trial

# METADATA
# title: Nothing is stopped during a trial
# custom:
#   rule: trial/stop
deny contains {"rule": "trial/stop", "target": id, "message": "A trial is on.", "remediation": "Wait."} if {
	object.get(data.guardrails.params, ["enforcement", "live-cluster/stop"], "") == "dryrun"
	"stop" in input.call.effects
	some id, _ in input.targets
}
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "guardrails.toml"
    file.write_text(
        '# ours\nmode = "enforce"\n\n[log]\npath = "decisions.jsonl"\n[state]\nenabled = false\n\n'
        f'[enforcement]\n"{RULE}" = "dryrun"  # a trial\n'
    )
    return file


@pytest.fixture
def tried(site, config):
    """Two calls that the rule in dryrun let pass, as a real guard logged them."""
    guardrails.install(str(config))
    try:
        for machine in site.blue.instance_ids[:2]:
            site.ec2.stop_instances(InstanceIds=[machine])
    finally:
        guardrails.uninstall()
    return config.with_name("decisions.jsonl")


def _promote(config, *args, code=0):
    done = CliRunner().invoke(app, ["policy", "--config", str(config), "promote", *args])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def test_record(tried, config, site):
    """The record counts the hits, targets, programs and people in the log."""
    record = json.loads(_promote(config, RULE, "--format", "json").stdout)
    assert (record["hits"], record["blocked"], record["unknown"]) == (2, 0, 2)
    assert record["targets"] == sorted(site.blue.instance_ids[:2])
    assert record["calls"] == {"ec2:StopInstances": 2}
    assert len(record["programs"]) == len(record["people"]) == 1


def test_what_became_of_hits(tried):
    """A hit is fine when a later decision saw the live cluster as before, harmed when fewer machines ran."""
    first, second = (json.loads(line) for line in tried.read_text().splitlines())

    def later(entry, seconds, running):
        document = json.loads(json.dumps(entry["input"]))
        document["now_s"] += seconds
        document["clusters"]["blue"]["running"] = running
        return {**entry, "result": {"action": "allow", "violations": []}, "input": document}

    def record(*entries):
        return record_of(RULE, [entry if isinstance(entry, str) else Entry(entry) for entry in entries])

    before = first["input"]["clusters"]["blue"]["running"]
    assert record(first, later(first, 10, 0)).unknown == 1
    assert record(first, "not a decision", later(first, 90, before)).fine == 1
    assert record(first, later(first, 90, before - 1)).harmed == 1
    elsewhere = later(first, 90, before)
    elsewhere["input"]["call"]["region"] = "us-east-1"
    assert record(first, elsewhere).unknown == 1
    assert record({**second, "custom": {"sent": False}}).blocked == 1


def test_promoted(tried, config, site):
    """promote removes the rule's line and changes nothing else, and the rule then blocks the call."""
    output = _promote(config, RULE, "--yes").stdout
    assert "would have acted on 2 of the last 2 decisions" in output
    assert config.read_text().endswith("[enforcement]\n")
    assert config.read_text().startswith('# ours\nmode = "enforce"\n')
    guardrails.install(str(config))
    try:
        with pytest.raises(guardrails.CallDenied):
            site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[2]])
    finally:
        guardrails.uninstall()


def test_to_another_level(tried, config):
    """--to warn writes that level, and the comment after it stays."""
    _promote(config, RULE, "--yes", "--to", "warn")
    assert f'"{RULE}" = "warn"  # a trial' in config.read_text()


def test_a_rule_that_another_one_waits_for(tried, config):
    """Where enforcing a rule ends another one, --yes changes nothing; with --wider it does."""
    folder = config.with_name("own") / "guardrails" / "trial"
    folder.mkdir(parents=True)
    (folder / "trial.rego").write_text(TRIAL)
    config.write_text('policies = ["own"]\n' + config.read_text())
    before = config.read_text()
    printed = _promote(config, RULE, "--compare", "--yes", code=1).stdout
    assert "wider     trial/stop" in printed
    assert "--wider promotes the rule anyway" in printed
    assert config.read_text() == before
    _promote(config, RULE, "--compare", "--yes", "--wider")
    assert '"dryrun"' not in config.read_text()


def test_no_one_there(tried, config):
    """Where no one can confirm, nothing is changed, and the exit code says so."""
    before = config.read_text()
    assert "No one can confirm this here" in _promote(config, RULE, code=1).stdout
    assert config.read_text() == before


def _command(config):
    return [sys.executable, "-m", "guardrails", "policy", "--config", str(config), "promote", RULE]


def test_an_edit_while_it_asks(tried, config):
    """The rule is changed where it stands by then; if its level was changed meanwhile, nothing is."""
    moved = config.read_text().replace("[enforcement]\n", '[enforcement]\n"live-cluster/terminate" = "dryrun"\n')
    changed = config.read_text().replace('"dryrun"', '"warn"')
    for edited, after in ((moved, moved.replace(f'"{RULE}" = "dryrun"  # a trial\n', "")), (changed, changed)):
        terminal = Terminal(_command(config), environment())
        terminal.until("[y/N]")
        config.write_text(edited)
        terminal.type("y\n")
        output = terminal.end(code=0 if edited == moved else 2)
        assert config.read_text() == after
        assert ("was changed in the meantime" in " ".join(output.split())) == (edited != moved)
        config.write_text(moved.replace('"live-cluster/terminate" = "dryrun"\n', ""))


@pytest.mark.parametrize(("around", "why"), [("{} &", "in the background"), ("{} 2>/dev/null", "is not a terminal")])
def test_where_no_one_sees_the_question(around, why, tried, config):
    """In the background, and without standard error, it asks no one, changes nothing, and ends at once."""
    shell = f"set -m\n{around.format(shlex.join(_command(config)))}\nwait"
    output = Terminal(["/bin/bash", "-c", shell], environment()).end()
    assert why in " ".join(output.split())
    assert "[y/N]" not in output
    assert '"dryrun"' in config.read_text()


def test_the_same_file(tried, config):
    """The file keeps its mode, its line ends and the link to it."""
    real = config.with_name("real.toml")
    real.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))
    real.chmod(0o640)
    config.unlink()
    config.symlink_to(real)
    _promote(config, RULE, "--yes", "--to", "warn")
    assert config.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert f'"{RULE}" = "warn"  # a trial\r\n'.encode() in real.read_bytes()
    assert sorted(path.name for path in config.parent.glob(".*toml*")) == []


@pytest.mark.parametrize("where", ["[log.labels]\n{}", 'x = """\n{}"""\n'])
def test_a_look_alike_line(where, tried, config):
    """A line that reads like the rule's but is not in `enforcement` is left alone; the rule itself is changed."""
    line = f'"{RULE}" = "dryrun"\n'
    text = f'enforcement = {{ "{RULE}" = "dryrun" }}\n'
    if where.startswith("x"):
        config = config.with_name("pyproject.toml")
        where, text = "[tool.other]\n" + where, f"[tool.guardrails]\n{text}"
    config.write_text(text + where.format(line))
    _promote(config, RULE, "--yes", "--to", "warn")
    assert config.read_text() == text.replace("dryrun", "warn") + where.format(line)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ('enforcement = {{ {} }}\nmode = "warn"\n', 'mode = "warn"\n'),
        ("enforcement.{}\r\n# end\r\n", "# end\r\n"),
        ("[enforcement]\n# why\n{} # trial\n'a/b' = 'warn'\n[log]\n", "# why\n'a/b' = 'warn'\n[log]\n"),
        ("[enforcement]\n  {}", "[enforcement]\n"),
    ],
)
def test_every_way_to_write_it(text, without, tmp_path):
    """Tables, inline tables and dotted keys are edited in place: line ends, comments and all other keys stay."""
    file = tmp_path / "guardrails.toml"
    for key, quote in ((f'"{RULE}"', '"'), (f"'{RULE}'", "'")):
        file.write_bytes(text.format(f"{key} = {quote}dryrun{quote}").encode())
        write_level(find_setting(load(file), RULE), "deny")
        assert file.read_bytes().decode() == text.format(f'{key} = "deny"')
        file.write_bytes(text.format(f"{key} = {quote}dryrun{quote}").encode())
        write_level(find_setting(load(file), RULE), None)
        assert RULE not in file.read_text()
        assert file.read_bytes().decode().endswith(without)


def test_the_organisations_file(tmp_path):
    """A rule in the organisation's file, which locks keys, is promoted there."""
    file = tmp_path / "org.toml"
    file.write_text(f'locked = ["enforcement"]\n[enforcement]\n"{RULE}" = "dryrun"\n')
    settings = load(directory=tmp_path, organisation=file)
    assert write_level(find_setting(settings, RULE), None) == ""
    assert file.read_text() == 'locked = ["enforcement"]\n[enforcement]\n'


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user and return")
def test_a_file_of_another_user():
    """A user who may write the file, but cannot own a new one like it, overwrites it in place."""
    # pytest's own folder is open to root only.
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "guardrails.toml"
        file.write_text(f'[enforcement]\n"{RULE}" = "dryrun"\n')
        Path(name).chmod(0o777)
        file.chmod(0o666)
        setting = find_setting(load(file), RULE)
        os.seteuid(65534)
        try:
            write_level(setting, "warn")
        finally:
            os.seteuid(0)
        assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (0, 0o666)
        assert "warn" in file.read_text()
        assert [path.name for path in Path(name).iterdir()] == [file.name]


@pytest.mark.parametrize("which", ["an attribute", "no room"])
def test_attributes_and_full_disks(which, tried, config, monkeypatch):
    """The file keeps its attributes; on a full disk it stays unchanged, and the error says why.

    A failing function stands in for the full disk.
    """
    before = config.read_text()
    if which == "no room":
        monkeypatch.setattr("os.replace", lambda *_: os.write(os.open("/dev/full", os.O_WRONLY), b"x"))
        error = _promote(config, RULE, "--yes", code=2).stderr
        assert "cannot be written (No space left on device)" in error
        assert config.read_text() == before
    else:
        try:
            os.setxattr(config, "user.mine", b"1")
        except OSError:
            pytest.skip("this file system has no attributes")
        _promote(config, RULE, "--yes")
        assert os.getxattr(config, "user.mine") == b"1"
        assert f'"{RULE}"' not in config.read_text()
    assert [path.name for path in config.parent.glob(".guardrails*")] == []


def test_a_strange_log_line(tried, config):
    """The record skips a line of the log with parts that are not objects."""
    with tried.open("a") as log:
        log.write('{"decision_id": "x", "result": 5, "input": [], "custom": 1}\n')
    assert json.loads(_promote(config, RULE, "--format", "json").stdout)["hits"] == 2


@pytest.mark.parametrize("ctrl_c", [signal.SIG_DFL, signal.SIG_IGN], ids=["", "ignored"])
@pytest.mark.parametrize(("typed", "changed"), [("\x03", False), ("\x04", False), ("\n", False), ("y\n", True)])
def test_the_question_at_a_terminal(typed, changed, ctrl_c, tried, config):
    """At a real terminal only yes changes the file; Ctrl-C (ignored by the shell or not), Ctrl-D and return do not."""
    before = config.read_text()
    terminal = Terminal(_command(config), environment(TERM="dumb", COLUMNS="80"), ctrl_c=ctrl_c)
    terminal.until("[y/N]")
    terminal.type(typed)
    output = terminal.end(code=0 if changed else 1)
    assert (config.read_text() != before) == changed
    assert "Traceback" not in output
    assert "\x1b" not in output


def test_refusals(tried, config):
    """A rule that is not in dryrun, and a configuration that is not a file, end in one sentence."""
    assert "is not in dryrun" in _promote(config, "live-cluster/terminate", code=2).stderr
    with pytest.raises(guardrails.ConfigError, match="which is not a file; edit it there"):
        find_setting(load({"enforcement": {RULE: "dryrun"}}), RULE)


def test_never_hit(config):
    """For a rule without hits, promote says so."""
    assert "was never hit" in _promote(config, RULE, "--yes").stdout
