"""``guardrails log``: reads the decision log."""

from __future__ import annotations

import json
import sys
from collections import deque
from pathlib import Path

import attrs
import click
from rich.text import Text

from guardrails.audit.reconcile import Bypass, reconcile
from guardrails.classify.catalogue import Catalogue
from guardrails.cli import decisions
from guardrails.cli.groups import SuggestingGroup
from guardrails.cli.options import config_option, format_option
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.config.settings import LogSettings
from guardrails.record.entries import Entry, read
from guardrails.show.sentences import counted


@click.group(cls=SuggestingGroup, invoke_without_command=True)
@config_option
@click.option(
    "--last", type=click.IntRange(1, 1_000_000_000), default=20, show_default=True, help="How many decisions."
)
@click.option("--denied", is_flag=True, help="Only calls that were blocked.")
@click.option("--id", "decision_id", help="One decision in full, by its id or the beginning of it.")
@format_option
@click.pass_context
def log(context: click.Context, config: str | None, last: int, denied: bool, decision_id: str | None, fmt: str) -> None:
    """Show the last decisions, the newest last.

    With --format json, one JSON line each. At a terminal a decision that is too wide takes several lines.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load(config).log
    if decision_id:
        click.echo(json.dumps(decisions.by_id(settings, decision_id).document, indent=None if fmt == "json" else 2))
        return
    entries = _last(settings, last, denied=denied)
    if not entries:
        click.echo(f"guardrails: {_why_none(settings, denied=denied)}", err=True)
    out = console()
    for entry in entries:
        if fmt == "json":
            click.echo(json.dumps(entry.document))
            continue
        # One line each for grep, unless someone reads it at a terminal.
        for line in decisions.lines(entry, out.width if out.is_terminal else None):
            out.print(line, soft_wrap=True)


def _why_none(settings: LogSettings, *, denied: bool) -> str:
    """The sentence for a log that has nothing to show."""
    off = "" if settings.enabled else " (log.enabled is false)"
    if any(isinstance(entry, Entry) for entry in read(settings.path, settings.keep)):
        return f"no call was blocked, by {settings.path}{off}" if denied else f"no decision in {settings.path}{off}"
    if settings.path.is_file():
        return f"{settings.path} has no decision yet; every governed call adds one{off}"
    return (
        f"there is no decision log at {settings.path}{off}; the first governed call makes it. If your program uses "
        "another configuration, name it with --config"
    )


def _last(settings: LogSettings, count: int, *, denied: bool) -> deque[Entry]:
    entries: deque[Entry] = deque(maxlen=count)
    for entry in read(settings.path, settings.keep):
        if isinstance(entry, str):
            click.echo(f"guardrails: {entry}", err=True)
        elif not denied or not (entry.sent or entry.not_sent):
            entries.append(entry)
    return entries


@log.command("reconcile")
@config_option
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--log", "logs", multiple=True, type=click.Path(path_type=Path), help="Another host's decision log.")
@format_option
def reconcile_(config: str | None, files: tuple[Path, ...], logs: tuple[Path, ...], fmt: str) -> None:
    """List governed calls in CloudTrail that bypassed the guard.

    FILES are CloudTrail files, gzipped or not, or folders of them. A guarded call is recognized by the decision id in
    its User-Agent. Exit code 1 if a call bypassed the guard.
    """
    settings = load(config)
    known = []
    for path, keep in ((settings.log.path, settings.log.keep), *((path, 0) for path in logs)):
        for entry in read(path, keep):
            if isinstance(entry, str):
                click.echo(f"guardrails: {entry}", err=True)
            else:
                known.append(entry)
    count = 0
    for bypass in reconcile(files, known, Catalogue()):
        if isinstance(bypass, str):
            click.echo(f"guardrails: {bypass}", err=True)
            continue
        count += 1
        if fmt == "json":
            click.echo(json.dumps(attrs.asdict(bypass)))
        else:
            _show_bypass(bypass)
    if fmt == "pretty":
        click.echo(f"{counted(count, 'governed call')} bypassed the guard ({counted(len(known), 'decision')} known)")
    sys.exit(1 if count else 0)


def _show_bypass(bypass: Bypass) -> None:
    console().print(
        Text.assemble(
            f"{bypass.time}  ",
            (f"{bypass.why:<16}", "red" if not bypass.error else "yellow"),
            f"  {bypass.service}:{bypass.operation}  {bypass.region}  {bypass.principal}  {bypass.address}",
            f"  refused: {bypass.error}" if bypass.error else "",
            (f"  {bypass.event_id}", "dim"),
        ),
        soft_wrap=True,
    )
