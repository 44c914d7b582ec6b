"""``guardrails requests``: the blocked calls that wait for a second person."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from guardrails.cli.options import config_option, format_option
from guardrails.config.load import load
from guardrails.memory import StateUnavailable, configured
from guardrails.memory.approvals import Board, Record
from guardrails.show.printable import printable
from guardrails.values import rfc3339

_PAUSE_S = 5.0


@click.command()
@config_option
@click.option("--all", "every", is_flag=True, help="Also those that were used, or are over.")
@click.option("--watch", is_flag=True, help="Go on, and print each new request; Ctrl-C ends it.")
@format_option
def requests(config: str | None, *, every: bool, watch: bool, fmt: str) -> None:
    """List the calls that wait for a second person's approval.

    With --format json, one JSON line each. Exit code 1 if the place of the requests cannot be read; with --watch, it is
    tried again.
    """
    board = configured.board(load(config))
    shown: set[tuple[str, str]] = set()
    away = ""
    try:
        while True:
            try:
                _print_new(board, shown, every=every, fmt=fmt)
            except StateUnavailable as error:
                if not watch:
                    raise
                away = _report(away, str(error))
            else:
                away = _report(away, "")
            if not watch:
                break
            time.sleep(_PAUSE_S)
    except StateUnavailable as error:
        click.echo(f"guardrails: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        return
    if not shown:
        click.echo("guardrails: no call waits for an approval", err=True)


def _print_new(board: Board, shown: set[tuple[str, str]], *, every: bool, fmt: str) -> None:
    for record, state in _listed(board.all(), time.time(), every=every):
        if (record.request.id, state) not in shown:
            shown.add((record.request.id, state))
            click.echo(json.dumps(_document(record, state)) if fmt == "json" else _line(record, state))


def _report(before: str, why: str) -> str:
    """Say, once for each reason, that requests cannot be read, and that they can be read again."""
    if why and why != before:
        click.echo(f"guardrails: requests are not seen now, it is tried again every {_PAUSE_S:g} s: {why}", err=True)
    elif before and not why:
        click.echo("guardrails: requests are seen again", err=True)
    return why


def _listed(records: list[Record], now: float, *, every: bool) -> Iterator[tuple[Record, str]]:
    for record in records:
        state = _state(record, now)
        if every or state in ("open", "approved"):
            yield record, state


def _state(record: Record, now: float) -> str:
    """``open``, ``approved``, ``used`` or ``expired``."""
    if record.used_by:
        return "used"
    if any(now < grant.at + record.request.minutes * 60 for grant in record.grants):
        return "approved"
    return "open" if now < record.request.until else "expired"


def _document(record: Record, state: str) -> dict[str, Any]:
    request = record.request
    return {
        "id": request.id,
        "state": state,
        "summary": request.summary,
        "rules": list(request.rules),
        "targets": list(request.document["targets"]),
        "asked_by": request.asked_by.id,
        "asker": request.asked_by.name,
        "until": rfc3339(request.until),
        "digest": request.digest,
        "approved_by": [grant.by for grant in record.grants],
        "used_by": record.used_by,
    }


def _line(record: Record, state: str) -> str:
    request = record.request
    by = f" by {', '.join(grant.name or grant.by for grant in record.grants)}" if record.grants else ""
    until = rfc3339(request.until)[:16].replace("T", " ")
    return printable(
        f"{request.id}  {state}{by}  until {until} UTC  {request.summary}  {', '.join(request.rules)}  asked by "
        f"{request.asked_by.shown}"
    )
