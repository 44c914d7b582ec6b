"""Asks the probe for its steps, and counts at the simulated AWS what each of them sent."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from guardrails.testing import SimulatedAWS
from tests.support.environments import ROOT

# How many requests to end machines each step sends, and how many of any kind (None: look-ups are allowed).
SENDS = {
    "install": (0, None),
    "denied": (0, None),
    "passes": (1, None),
    "ungoverned": (0, 1),
    "plan": (0, None),
    "child": (0, None),
    "awaited": (1, None),
    "log": (0, 0),
    "command": (0, None),
    "simulated": (0, 0),
}


def ask(python: str, steps: Iterable[str], aws: SimulatedAWS, folder: Path, *arguments: str) -> dict[str, str]:
    """What is wrong in each step, "" where nothing is. In an account with a live cluster blue, and green beside it."""
    aws.reset()
    blue, green = aws.start_cluster("blue", 2, addresses=1), aws.start_cluster("green", 2)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDRAILS_", "PYTHON"))}
    own = {"BLUE": blue.instance_ids[0], "GREEN": ",".join(green.instance_ids), "PROBE_LOG": str(folder / "log.jsonl")}
    own |= {"PYTHONPATH": str(ROOT), "HOME": str(folder), "GUARDRAILS_APPROVALS": str(folder / "approvals")}
    command = [python, "-W", "error::DeprecationWarning:guardrails", "-m", "tests.versions.probe", *arguments]
    (folder / "guardrails.toml").write_text(f'[log]\npath = "{folder / "checks.jsonl"}"\n')
    found = {}
    with subprocess.Popen(
        command, cwd=folder, env={**kept, **aws.environment(), **own}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        for step in steps:
            aws.clear()
            found[step] = _answer(child, step) or _counted(aws, *SENDS[step])
        _, said = child.communicate()
    return {step: wrong.replace("<end>", said[-1500:]) for step, wrong in found.items()}


def _answer(child: subprocess.Popen[str], step: str) -> str:
    try:
        child.stdin.write(f"{step}\n")
        child.stdin.flush()
        answer = child.stdout.readline()
    except BrokenPipeError:
        answer = ""
    return str(json.loads(answer)) if answer else "the interpreter ended: <end>"


def _counted(aws: SimulatedAWS, ends: int, most: int | None) -> str:
    sent = aws.count("TerminateInstances")
    if sent != ends:
        return f"{sent} requests to terminate, not {ends}"
    if most is not None and len(aws.requests) != most:
        return f"{len(aws.requests)} requests, not {most}: {[request.operation for request in aws.requests]}"
    return ""
