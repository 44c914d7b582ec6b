"""``guardrails log``: read the decision log."""

from __future__ import annotations

import json
import sys
from collections import deque
from pathlib import Path

import attrs
import click
from rich.text import Text

from guardrails.audit.reconcile import Round, reconcile
from guardrails.classify.catalogue import Catalogue
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.record.entries import Entry, read

_STYLES = {"deny": "red", "warn": "yellow", "dryrun": "cyan", "allow": "green"}


@click.group(invoke_without_command=True)
@click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found.")
@click.option(
    "--last", type=click.IntRange(1, 1_000_000_000), default=20, show_default=True, help="How many decisions."
)
@click.option("--denied", is_flag=True, help="Only calls that were blocked.")
@click.option("--id", "decision_id", help="One decision, whole, by its id or the beginning of it.")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.pass_context
def log(context: click.Context, config: str | None, last: int, denied: bool, decision_id: str | None, fmt: str) -> None:
    """Show the last decisions, newest last. With --format json, one JSON line each."""
    if context.invoked_subcommand is not None:
        context.obj = config
        return
    settings = load(config)
    entries: deque[Entry] = deque(maxlen=last)
    for found in read(settings.log.path, settings.log.keep):
        if isinstance(found, str):
            click.echo(f"guardrails: {found}", err=True)
        elif _wanted(found, decision_id, denied=denied):
            entries.append(found)
    if not entries:
        off = "" if settings.log.enabled else " (log.enabled is false)"
        click.echo(f"guardrails: no such decision in {settings.log.path}{off}", err=True)
    for entry in entries:
        if fmt == "json":
            click.echo(json.dumps(entry.document))
        elif decision_id:
            click.echo(json.dumps(entry.document, indent=2))
        else:
            _line(entry)


def _wanted(entry: Entry, decision_id: str | None, *, denied: bool) -> bool:
    return not (denied and entry.sent) and entry.decision_id.startswith(decision_id or "")


def _line(entry: Entry) -> None:
    console().print(
        Text.assemble(
            f"{entry.timestamp}  ",
            (f"{entry.enforcement:<6}", _STYLES.get(entry.enforcement, "")),
            f"  {entry.call_name}  {entry.region}  ",
            ", ".join(entry.rules()) or entry.why,
            (f"  {entry.short_id}", "dim"),
        ),
        # One line a decision, for grep; a terminal wraps it by itself.
        soft_wrap=True,
    )


@log.command("reconcile")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--log", "logs", multiple=True, type=click.Path(path_type=Path), help="Another host's decision log.")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.pass_obj
def reconcile_(config: str | None, files: tuple[Path, ...], logs: tuple[Path, ...], fmt: str) -> None:
    """List the governed calls in CloudTrail's FILES that went round the guard.

    FILES are CloudTrail's, gzipped or not, or folders of them. A call is known by the decision's id in its User-Agent.
    Exit code 1 when there is one.
    """
    settings = load(config)
    decisions = []
    for path, keep in ((settings.log.path, settings.log.keep), *((path, 0) for path in logs)):
        for entry in read(path, keep):
            if isinstance(entry, str):
                click.echo(f"guardrails: {entry}", err=True)
            else:
                decisions.append(entry)
    count = 0
    for found in reconcile(files, decisions, Catalogue()):
        if isinstance(found, str):
            click.echo(f"guardrails: {found}", err=True)
            continue
        count += 1
        if fmt == "json":
            click.echo(json.dumps(attrs.asdict(found)))
        else:
            _round(found)
    if fmt == "pretty":
        click.echo(f"{count} governed call{'s' * (count != 1)} went round the guard ({len(decisions)} decisions known)")
    sys.exit(1 if count else 0)


def _round(found: Round) -> None:
    console().print(
        Text.assemble(
            f"{found.time}  ",
            (f"{found.why:<16}", "red" if not found.error else "yellow"),
            f"  {found.service}:{found.operation}  {found.region}  {found.principal}  {found.address}",
            f"  refused: {found.error}" if found.error else "",
            (f"  {found.event_id}", "dim"),
        ),
        soft_wrap=True,
    )
