"""``guardrails policy eval``: the decision of the policies on an input document."""

from __future__ import annotations

import json
import sys
from typing import IO

import click
from rich.text import Text

from guardrails import assembly
from guardrails.cli import compare_sources, input_document
from guardrails.cli.options import config_option, format_option, policies_option
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.errors import PolicyError
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import Engine, EngineFailure, read_result

_STYLES = {"allow": "green", "warn": "yellow", "confirm": "yellow", "deny": "red", "dryrun": "cyan"}


@click.command("eval")
@config_option
@click.argument("document", type=click.File("r", encoding="utf-8"), default="-")
@policies_option
@format_option
def eval_(config: str | None, document: IO[str], policies: str | None, fmt: str) -> None:
    """Evaluate the policies on an input document.

    DOCUMENT is a file, or - for stdin: JSON as policies/schemas/input.json describes it, or an entry of the decision
    log. The configured engine evaluates it, and the embedded one where --policies names others. Exit code 3 if the
    policies deny or need confirmation.
    """
    asked = input_document.read(document)
    engine = assembly.engine(load(config)) if policies is None else _embedded(policies)
    try:
        result = engine.evaluate(asked).result
        action, violations = read_result(result)
    except EngineFailure as error:
        raise PolicyError(f"the policies cannot be evaluated: {error}") from error
    if fmt == "json":
        click.echo(json.dumps(result, indent=2))
    else:
        out = console()
        out.print(Text(action.upper(), style=f"bold {_STYLES[action]}"))
        for violation in violations:
            action_column = (f"{violation.action:>7}  ", _STYLES[violation.action])
            out.print(Text.assemble(action_column, (violation.rule, "bold"), f"  {violation.message}"))
            out.print(Text(f"         instead: {violation.remediation}", style="dim"))
    sys.exit(3 if action in ("deny", "confirm") else 0)


def _embedded(policies: str) -> Engine:
    return EmbeddedEngine(compare_sources.read(policies).bundle)
