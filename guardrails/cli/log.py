"""``guardrails log``: reads the decision log."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator

import click

from guardrails.cli import decisions
from guardrails.cli.log_group import LogGroup
from guardrails.cli.options import config_option, format_option
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.config.settings import LogSettings
from guardrails.record.entries import Entry
from guardrails.record.many_logs import gathered


@click.group(cls=LogGroup, invoke_without_command=True)
@config_option
@click.option(
    "--last", type=click.IntRange(1, 1_000_000_000), default=20, show_default=True, help="How many decisions."
)
@click.option("--denied", is_flag=True, help="Only calls that were blocked.")
@click.option("--id", "decision_id", help="One decision in full, by its id or the beginning of it.")
@click.option(
    "--log",
    "logs",
    multiple=True,
    help="A log to read instead of this host's: a file, folder or pattern, or s3://BUCKET/PREFIX. Without --log, as an "
    "argument: guardrails log s3://BUCKET/PREFIX.",
)
@format_option
@click.pass_context
def log(
    context: click.Context,
    config: str | None,
    last: int,
    denied: bool,
    decision_id: str | None,
    logs: tuple[str, ...],
    fmt: str,
) -> None:
    """Show the last decisions, the newest last.

    With --format json, one JSON line each. At a terminal a decision that is too wide takes several lines. Decisions of
    several hosts have the host, and each is shown once.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load(config).log
    with gathered(settings, logs) as found:
        if decision_id:
            entry = decisions.by_id(found.read(), decision_id, decisions.place(settings, logs))
            click.echo(json.dumps(entry.document, indent=None if fmt == "json" else 2))
            return
        entries = _last(found.read(), last, denied=denied)
        if not entries:
            anything = any(isinstance(entry, Entry) for entry in found.read())
            click.echo(f"guardrails: {_why_none(settings, logs, denied=denied and anything)}", err=True)
    _show(entries, fmt)


def _show(entries: list[Entry], fmt: str) -> None:
    out = console()
    several = len({entry.host for entry in entries}) > 1
    for entry in entries:
        if fmt == "json":
            click.echo(json.dumps(entry.document))
            continue
        # One line each for grep, unless someone reads it at a terminal.
        for line in decisions.lines(entry, out.width if out.is_terminal else None, host=several):
            out.print(line, soft_wrap=True)


def _why_none(settings: LogSettings, logs: tuple[str, ...], *, denied: bool) -> str:
    """The sentence for logs that have nothing to show; no more than no denials where `denied`."""
    where = decisions.place(settings, logs)
    if denied:
        return f"no call was blocked, by {where}"
    if logs or settings.path.is_file():
        return f"{where} has no decision yet; every governed call adds one"
    return (
        f"there is no decision log at {where}; the first governed call makes it. If your program uses "
        "another configuration, name it with --config"
    )


def _last(found: Iterator[Entry | str], count: int, *, denied: bool) -> list[Entry]:
    """The newest, by their own time: the logs come one after the other."""
    chosen = enumerate(_chosen(found, denied=denied))
    newest = heapq.nlargest(count, chosen, key=lambda one: (one[1].timestamp, one[0]))
    return [entry for _, entry in reversed(newest)]


def _chosen(found: Iterator[Entry | str], *, denied: bool) -> Iterator[Entry]:
    for entry in found:
        if isinstance(entry, str):
            click.echo(f"guardrails: {entry}", err=True)
        elif not denied or not (entry.sent or entry.not_sent):
            yield entry
