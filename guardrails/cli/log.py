"""``guardrails log``: read the decision log."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import click
from rich.text import Text

from guardrails.cli.show import console
from guardrails.config import load
from guardrails.decision_log import read

_STYLES = {"deny": "red", "warn": "yellow", "dryrun": "cyan", "allow": "green"}


@click.command()
@click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found.")
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many decisions.")
@click.option("--denied", is_flag=True, help="Only calls that were blocked.")
@click.option("--id", "decision_id", help="One decision, whole, by its id or the beginning of it.")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def log(config: str | None, last: int, denied: bool, decision_id: str | None, fmt: str) -> None:
    """Show the last decisions, newest last. With --format json, one JSON line each."""
    settings = load(config)
    entries: deque[dict[str, Any]] = deque(maxlen=last)
    for found in read(settings.log.path, settings.log.keep):
        if isinstance(found, str):
            click.echo(f"guardrails: {found}", err=True)
        elif _wanted(found, decision_id, denied=denied):
            entries.append(found)
    if not entries:
        click.echo(f"guardrails: no such decision in {settings.log.path}", err=True)
    for entry in entries:
        if fmt == "json":
            click.echo(json.dumps(entry))
        elif decision_id:
            click.echo(json.dumps(entry, indent=2))
        else:
            _line(entry)


def _wanted(entry: dict[str, Any], decision_id: str | None, *, denied: bool) -> bool:
    if denied and entry.get("custom", {}).get("sent", True):
        return False
    return not decision_id or str(entry["decision_id"]).startswith(decision_id)


def _line(entry: dict[str, Any]) -> None:
    call, custom = entry.get("input", {}).get("call", {}), entry.get("custom", {})
    rules = sorted({violation["rule"] for violation in entry.get("result", {}).get("violations", [])})
    enforcement = str(custom.get("enforcement", "?"))
    console().print(
        Text.assemble(
            f"{entry.get('timestamp')}  ",
            (f"{enforcement:<6}", _STYLES.get(enforcement, "")),
            f"  {call.get('service')}:{call.get('operation')}  {call.get('region') or ''}  ",
            ", ".join(rules) or str(custom.get("unavailable") or custom.get("reason") or ""),
            (f"  {str(entry['decision_id'])[:8]}", "dim"),
        ),
        # One line a decision, for grep; a terminal wraps it by itself.
        soft_wrap=True,
    )
