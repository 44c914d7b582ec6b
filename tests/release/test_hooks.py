"""The hooks for pre-commit and the action for GitHub, without an index; `python -m tests.release.hooks` has one."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from guardrails.cli.app import app
from tests.release import hooks
from tests.support.environments import PROJECT

MISTAKE = hooks.POLICY.replace("input.call.effects", "input.call.effect")


@pytest.mark.parametrize("hook", hooks.HOOKS, ids=lambda hook: hook["id"])
def test_the_hooks(hook, tmp_path, monkeypatch):
    """Each hook's command finds the mistake in a policy, and runs for the files that say what is enforced."""
    hooks.write(tmp_path, MISTAKE)
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(hook["entry"])
    assert program in PROJECT["scripts"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1, done.output
    assert hook["additional_dependencies"] == [".[cli]"]
    files = [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()]
    assert {file for file in files if re.search(hook["files"], file)} == set(files)
    assert not re.search(hook["files"], "README.md")


def test_the_action(tmp_path):
    """The action's steps pass on a good policy, and a mistake is marked in its file; folders may be left out."""
    install, check, test = hooks.steps()
    assert "pip" in install["run"]
    program = tmp_path / "guardrails" / "bin" / "guardrails"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(sys.executable).with_name("guardrails"))
    repository = tmp_path / "repository"
    hooks.write(repository)
    for step in (check, test):
        done = hooks.run_step(step, repository, tmp_path, folders="", coverage="100")
        assert done.returncode == 0, done.stdout + done.stderr
    hooks.write(repository, MISTAKE)
    done = hooks.run_step(check, repository, tmp_path, folders="rules", coverage="100")
    assert done.returncode == 1
    assert "::error file=rules/own.rego,line=" in done.stdout


def test_an_input_is_not_run(tmp_path):
    """What an input holds is never a part of a script: it cannot run a command."""
    text = hooks.ACTION.read_text("utf-8")
    assert all("${{" not in step["run"] for step in hooks.steps())
    assert set(yaml.safe_load(text)["inputs"]) == set(re.findall(r"inputs\.(\w+)", text))
    folders = f"$(touch {tmp_path}/ran) ; touch {tmp_path}/ran"
    hooks.run_step(hooks.steps()[1], tmp_path, tmp_path, folders=folders, coverage="0")
    assert os.listdir(tmp_path) == []
