"""The result of a replay on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from guardrails.policy.replay.tally import KINDS, ChangedDecision, ReplayTally
from guardrails.show.sentences import counted

_STYLES = {"newly denied": "red", "newly allowed": "green", "other change": "yellow"}
_SHOWN = 20


def show(out: Console, tally: ReplayTally, revision: str) -> None:
    """The counts, who and what is affected, the first changes; what could not be replayed goes to stderr."""
    recorded = ", ".join(sorted(tally.revisions)) or "nothing"
    out.print(Text(f"policies {revision}; recorded with {recorded}", style="dim"))
    kinds = ", ".join(f"{tally.kinds[kind]} {kind}" for kind in KINDS if tally.kinds[kind])
    out.print(
        Text(
            f"{counted(tally.decisions, 'decision')}, {tally.changed} changed{f': {kinds}' if kinds else ''}",
            style="bold",
        )
    )
    _show_gaps(out, tally)
    for title, counts in (("rule", tally.rules), ("program", tally.programs), ("person", tally.people)):
        if counts:
            out.print(_table(title, counts))
    for change in tally.changes[:_SHOWN]:
        out.print(_line(change), soft_wrap=True)
    if tally.changed > _SHOWN:
        out.print(Text(f"and {tally.changed - _SHOWN} more; --html FILE or --format json lists them", style="dim"))
    for fault in tally.faults:
        click.echo(f"guardrails: {fault}", err=True)


def _show_gaps(out: Console, tally: ReplayTally) -> None:
    """What was approximated, and what was left out."""
    if tally.approximated:
        about = f"approximated: the facts of {tally.approximated} were not recorded with the call"
        out.print(Text(about, style="bold"))
    gaps = [
        (tally.undecided, "recorded without a decision of the policies"),
        (tally.unreadable, "unreadable lines"),
        *((count, f"calls {reason}") for reason, count in sorted(tally.left_out.items())),
    ]
    for count, reason in gaps:
        if count:
            out.print(Text(f"left out: {count} {reason}", style="dim"))


def _table(title: str, counts: Mapping[str, Counter[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(title, overflow="fold")
    for kind in KINDS:
        table.add_column(kind, justify="right")
    for name in sorted(counts, key=lambda name: (-counts[name].total(), name)):
        table.add_row(Text(name), *(str(counts[name][kind] or "") for kind in KINDS))
    return table


def _line(change: ChangedDecision) -> Text:
    source = f"  (facts of the {change.approximated})" if change.approximated else ""
    rules = [f"+{rule}" for rule in change.gained] + [f"-{rule}" for rule in change.lost]
    return Text.assemble(
        f"{change.time[:19]}  ",
        (f"{change.was} -> {change.now}", _STYLES[change.kind]),
        f"  {change.call}  {' '.join(rules)}  {', '.join(change.targets)}  {change.program}{source}  ",
        (change.decision_id[:8], "dim"),
    )
