"""``guardrails doctor``: what is well and what is not about the guard here."""

from __future__ import annotations

import json
import sys
import time

import attrs
import click
from rich.text import Text

from guardrails.cli.show import console
from guardrails.doctor import examine

_STYLES = {"well": "green", "note": "yellow", "ill": "red"}


@click.command()
@click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found.")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def doctor(config: str | None, fmt: str) -> None:
    """Say which configuration and policies are in force here, and in the guarded processes of this host.

    A process is known by its last decision in the decision log, and shown while it runs. Exit code 1 when something is
    ill: the configuration or the policies do not load, or a process is behind because an edit does not.
    """
    findings = list(examine(config, time.time()))
    if fmt == "json":
        click.echo(json.dumps([attrs.asdict(finding) for finding in findings], indent=2))
    else:
        out = console()
        for finding in findings:
            said = Text.assemble(
                (f"{finding.state:<5}", _STYLES[finding.state]), f"{finding.about}: {finding.sentence}"
            )
            out.print(said, soft_wrap=True)
    sys.exit(1 if any(finding.state == "ill" for finding in findings) else 0)
