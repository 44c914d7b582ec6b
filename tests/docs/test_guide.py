"""A test runs every block of the policy author's guide; test_pages.py does so for the other pages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import guardrails
from guardrails.evaluate import bundle

GUIDE = (bundle.shipped() / "README.md").read_text()


def _blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def written(tmp_path):
    """The guide's policy and test, in the files it names."""
    files = re.findall(r"Put this into `(my-policies/[^`]+)`.*?```rego\n(.*?)```", GUIDE, re.DOTALL)
    assert len(files) == 2
    for name, text in files:
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return tmp_path / "my-policies"


def test_the_guides_policy_denies(written, aws, install):
    """The guide's rule, in the folder it names, denies its call and lets the sibling pass."""
    aws.start_cluster("blue", 1, addresses=1)
    kept = aws.start_cluster("green", 1, tags={"Name": "keep-db"}).instance_ids
    other = aws.start_cluster("green", 1, tags={"Name": "web-1"}).instance_ids
    ec2 = aws.client("ec2")
    install(policies=[str(written)])
    with pytest.raises(guardrails.CallDenied, match="naming/keep"):
        ec2.terminate_instances(InstanceIds=list(kept))
    assert aws.count("TerminateInstances") == 0
    ec2.terminate_instances(InstanceIds=list(other))
    assert aws.count("TerminateInstances") == 1


def test_the_guides_enforcement(written, aws, install):
    """The guide's `dryrun` lets the call pass."""
    aws.start_cluster("blue", 1, addresses=1)
    kept = aws.start_cluster("green", 1, tags={"Name": "keep-db"}).instance_ids
    ec2 = aws.client("ec2")
    (toml,) = [block for block in _blocks(GUIDE, "toml") if "enforcement" in block]
    install(policies=[str(written)], **tomllib.loads(toml))
    ec2.terminate_instances(InstanceIds=list(kept))
    assert aws.count("TerminateInstances") == 1


def test_the_guides_tests_pass(written, opa, run):
    """The guide's commands pass on its own files, on a real OPA."""
    commands = [line for block in _blocks(GUIDE, "bash") for line in block.splitlines()]
    assert len(commands) == 3
    for command in commands:
        program, *arguments = command.split()
        assert program == "opa"
        run(opa, *[str(written) if argument == "my-policies" else argument for argument in arguments])


def test_the_guides_parameters_are_the_shipped_ones():
    """The guide's table lists every parameter with its default."""
    declared = dict(bundle.params_of(bundle.read([bundle.shipped()])))
    for own in ("cluster_tag", "cluster_tags", "enforcement", "live", "max_fact_age_s", "waves", "window_s"):
        del declared[own]
    for nested in ("capacity", "cutover", "remaining"):
        declared |= {f"{nested}.{name}": value for name, value in declared.pop(nested).items()}
    table = GUIDE.split("## Parameters")[1].split("##")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", table, re.MULTILINE)
    assert {name: json.loads(default) for name, default in rows} == declared


def test_own_parameters(tmp_path):
    """A data.json beside a rule declares a parameter, which [params] may set; the shipped ones are kept."""
    folder = tmp_path / "guardrails" / "params"
    folder.mkdir(parents=True)
    (folder / "data.json").write_text('{"prefix": "keep"}')
    (tmp_path / "x.rego").write_text("package guardrails.x\n\nprefix := data.guardrails.params.prefix\n")
    config = {"policies": [str(tmp_path)], "params": {"prefix": "hold"}, "log": {"enabled": False}}
    guardrails.Guard.from_config(config)
    both = bundle.params_of(bundle.read([bundle.shipped(), tmp_path]))
    assert (both["prefix"], both["untagged"]) == ("keep", "confirm")


OPS = """
import sys
sys.path[:0] = {path!r}
import guardrails
from guardrails.testing import SimulatedAWS

with SimulatedAWS() as aws:
    aws.start_cluster("blue", 3, addresses=1)
    green = aws.start_cluster("green", 3).instance_ids
    ec2 = aws.client("ec2")
    guardrails.install()
    for call, machine in ((ec2.stop_instances, 0), (ec2.start_instances, 0), (ec2.terminate_instances, 1)):
        try:
            call(InstanceIds=[green[machine]])
        except guardrails.CallDenied as denied:
            print("blocked:", *sorted({{violation.rule for violation in denied.decision.violations}}))
"""


def test_the_guides_tour(tmp_path, opa):
    """Every command of the tour prints what the guide shows (… stands for anything), from scaffold to denial."""
    (tmp_path / "guardrails.toml").write_text('policies = ["my-policies"]\n[log]\npath = "decisions.jsonl"\n')
    (tmp_path / "my-policies").mkdir()
    (tmp_path / "ops.py").write_text(OPS.format(path=[str(bundle.shipped().parent)]))
    programs = os.pathsep.join((str(Path(sys.executable).parent), str(Path(opa).parent), os.environ["PATH"]))
    place = {**os.environ, "PATH": programs, "COLUMNS": "80", "PYTHONPATH": str(bundle.shipped().parent)}

    def shell(command):
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=tmp_path, env=place, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    # The calls that were recorded before the tour.
    (tmp_path / "recording.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    shell("GUARDRAILS_CONFIG=recording.toml python ops.py")
    tour = _blocks(GUIDE.split("## From an idea")[1].split("\n## ")[0], "console")
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(tour), re.MULTILINE)
    assert len(steps) == 9
    for command, shown in steps:
        wanted = "".join(".*" if part == "…" else re.escape(part) for part in re.split("(…)", shown.rstrip("\n")))
        printed = shell(command).rstrip("\n")
        assert re.fullmatch(wanted, printed, re.DOTALL), f"$ {command}\n{printed}"
    assert (tmp_path / "replay.html").is_file()
