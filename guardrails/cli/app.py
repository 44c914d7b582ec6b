"""The group of commands, and what they share: one configuration option and one way to fail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from guardrails.errors import CallDenied, GuardrailsError

# The command's name is that of a module here, or the module stands beside it. Read when it is asked for: `run` should
# start quickly.
_COMMANDS = {
    "run": "run",
    "check": "check",
    "live": "live",
    "log": "log",
    "demo": "demo",
    "policy": "policy",
    "activate": "activate",
    "deactivate": "activate",
}


class _App(click.Group):
    """Turns the guard's own errors into one sentence on stderr and the documented exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (the group's signature)
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"guardrails.cli.{_COMMANDS[cmd_name]}")
        found: click.Command = getattr(module, cmd_name)
        return found

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
