"""Run cases, each in a fork of one process that has imported boto3 and the guard, and installed nothing.

A line of JSON asks for one: its name and its environment variables. So does the answer: the exit code, and what the
case printed. Cases about imports and about processes of their own are not run like this.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

import boto3

import guardrails.guard  # noqa: F401  (otherwise each fork imports it)


def run(name: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """How a case ends in a child of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, sys.stdout.fileno())
        os.close(reading)
        os.close(writing)
        os.environ.update(environment)
        from tests.bypass import cases

        cases.report(cases.CASES[name])
        sys.stdout.flush()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as printed:
        said = printed.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


if __name__ == "__main__":
    boto3.Session()
    for line in sys.stdin:
        print(json.dumps(run(*json.loads(line))), flush=True)
