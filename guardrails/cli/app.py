"""The root of the command line: the commands, their exit codes, and errors as one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import click

from guardrails.cli.groups import LazyGroup
from guardrails.errors import CallDenied, GuardrailsError

_EXIT_CODES = """\b
Exit codes:
  0  done, or the call would be allowed
  1  a problem, a failed test or a changed decision was found
  2  wrong usage, configuration or policy
  3  blocked, or the live cluster is not known
"""


class _App(LazyGroup):
    """Turns the guard's own errors into one sentence on stderr and the documented exit code."""

    modules: ClassVar = {
        "init": "init",
        "run": "run",
        "approve": "approve",
        "requests": "requests",
        "break-glass": "break_glass",
        "check": "check",
        "live": "live",
        "log": "log",
        "demo": "demo",
        "docs": "docs",
        "cutover": "cutover",
        "freeze": "freeze",
        "doctor": "doctor",
        "notify": "notify",
        "policy": "policy",
        "rebuild": "rebuild",
        "report": "report",
        "state": "state",
        "backstop": "backstop",
        "activate": "activate",
        "deactivate": "activate",
    }

    def invoke(self, ctx: click.Context) -> Any:
        with _one_sentence():
            return super().invoke(ctx)


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except GuardrailsError as error:
        click.echo(f"guardrails: {error}", err=True)
        sys.exit(2)
    except CallDenied as error:
        click.echo(f"guardrails: {error.paragraph}", err=True)
        sys.exit(3)


@click.group(
    cls=_App,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="botocore-guardrails")
def app() -> None:
    """Admission guard for AWS calls made from Python."""
