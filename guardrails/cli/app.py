"""The group of commands, and what they share: one configuration option and one way to fail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import click

from guardrails.cli.lazy import LazyGroup
from guardrails.errors import CallDenied, GuardrailsError


class _App(LazyGroup):
    """Turns the guard's own errors into one sentence on stderr and the documented exit code."""

    modules: ClassVar = {
        "run": "run",
        "break-glass": "break_glass",
        "check": "check",
        "live": "live",
        "log": "log",
        "demo": "demo",
        "doctor": "doctor",
        "policy": "policy",
        "report": "report",
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


@click.group(cls=_App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="botocore-guardrails")
def app() -> None:
    """Admission guard for AWS calls made from Python.

    Exit codes: 0 done or allowed, 1 a claim or the script failed, 2 wrong usage, configuration or policy, 3 blocked.
    """
