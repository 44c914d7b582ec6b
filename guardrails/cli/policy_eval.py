"""``guardrails policy eval``: the verdict of the policies on an input document."""

from __future__ import annotations

import json
import sys
from typing import IO, Any

import click
from rich.text import Text

from guardrails import assembly
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate.engine import EngineFailure, read_result

_STYLES = {"allow": "green", "warn": "yellow", "confirm": "yellow", "deny": "red", "dryrun": "cyan"}


@click.command("eval")
@click.argument("document", type=click.File("r", encoding="utf-8"), default="-")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.pass_obj
def eval_(config: str | None, document: IO[str], fmt: str) -> None:
    """Ask the policies, on the configured engine, about an input DOCUMENT (a file, or - for stdin).

    DOCUMENT is JSON as policies/schemas/input.json describes it, or an entry of the decision log. Exit code 3 when the
    verdict is to block.
    """
    asked = _read(document)
    engine = assembly.engine(load(config))
    try:
        result = engine.evaluate(asked).result
        action, violations = read_result(result)
    except EngineFailure as error:
        raise PolicyError(f"the policies gave no answer: {error}") from error
    if fmt == "json":
        click.echo(json.dumps(result, indent=2))
    else:
        out = console()
        out.print(Text(action.upper(), style=f"bold {_STYLES[action]}"))
        for found in violations:
            out.print(
                Text.assemble(
                    (f"{found.action:>7}  ", _STYLES[found.action]), (found.rule, "bold"), f"  {found.message}"
                )
            )
            out.print(Text(f"         instead: {found.remediation}", style="dim"))
    sys.exit(3 if action in ("deny", "confirm") else 0)


def _read(document: IO[str]) -> dict[str, Any]:
    try:
        found = json.load(document)
    except ValueError as error:
        raise ConfigError(f"{document.name}: not valid JSON: {error}") from error
    if isinstance(found, dict) and "decision_id" in found:
        found = found.get("input")
    if not isinstance(found, dict):
        raise ConfigError(f"{document.name}: must hold a JSON object, the input document")
    return found
