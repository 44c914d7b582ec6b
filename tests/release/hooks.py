"""Try the hooks and the action as others use them: ``python -m tests.release.hooks``.

In a scratch repository with a policy, the real pre-commit runs both hooks from this checkout's last commit, and a shell
runs the action's steps; then both again with a mistake in the policy. It needs git and a package index.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import yaml

from tests.release.bill import environment
from tests.support.environments import ROOT

TOOL = "pre-commit>=4,<5"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
ACTION = ROOT / ".github" / "actions" / "policy" / "action.yml"
NAME = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]

POLICY = """package guardrails.own

# METADATA
# title: Machines of the database are stopped by its team
# custom:
#   rule: own/stop
deny contains {
	"rule": "own/stop",
	"target": id,
	"message": sprintf("%s is a database machine.", [id]),
	"remediation": "Ask the database team to fail over first.",
} if {
	"stop" in input.call.effects
	some id, target in input.targets
	target.tags.Role == "database"
}
"""
TEST = """package guardrails.own_test

import data.guardrails.own

database := {"call": {"effects": ["stop"]}, "targets": {"i-1": {"tags": {"Role": "database"}}}}

test_stop if count(own.deny) == 1 with input as database
"""
CONFIG = 'policies = ["rules"]\n'


def write(folder: Path, policy: str = POLICY) -> None:
    """A repository's policy, its test and its configuration."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "rules" / "own.rego").write_text(policy, "utf-8")
    (folder / "rules" / "own_test.rego").write_text(TEST, "utf-8")
    (folder / "guardrails.toml").write_text(CONFIG, "utf-8")


def steps() -> list[dict[str, Any]]:
    """The steps of the action, in order."""
    found: list[dict[str, Any]] = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
    return found


def run_step(step: dict[str, Any], folder: Path, temporary: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """A step of the action as GitHub's runner starts it, in `folder`, with the inputs that it names."""
    variables = {
        name: inputs[value.strip("${} ").removeprefix("inputs.")] for name, value in step.get("env", {}).items()
    }
    places = {"RUNNER_TEMP": str(temporary), "GITHUB_ACTION_PATH": str(ACTION.parent)}
    return subprocess.run(
        ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]),
        cwd=folder, env={**os.environ, **places, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def results(folder: Path, tool: Path, temporary: Path) -> list[tuple[str, bool]]:
    """(name, passed) of each hook and of each step of the action."""
    found = []
    for hook in HOOKS:
        command = ("try-repo", str(ROOT), hook["id"], "--all-files", "--verbose")
        done = subprocess.run(
            [tool, "-m", "pre_commit", *command], cwd=folder, capture_output=True, text=True, check=False
        )
        print(done.stdout, done.stderr, sep="", end="")
        found.append((hook["id"], done.returncode == 0))
    for step in steps():
        tried = run_step(step, folder, temporary, folders="rules", coverage="100")
        print(tried.stdout, tried.stderr, sep="", end="")
        found.append((step["name"], tried.returncode == 0))
    return found


def main() -> int:
    """Both with a good policy and with one that has a mistake; exit code 1 where one says the wrong thing."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tool = environment(work / "tool", TOOL)
        folder = work / "repository"
        write(folder)
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        subprocess.run(["git", "add", "."], cwd=folder, check=True)
        good = results(folder, tool, work)
        write(folder, POLICY.replace("input.call.effects", "input.call.effect"))
        bad = results(folder, tool, work)
    print(f"{NAME}: with a good policy {good}", f"with a mistake {bad}", sep="\n")
    return (
        0
        if all(passed for _, passed in good) and [name for name, passed in bad if passed] == [steps()[0]["name"]]
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
