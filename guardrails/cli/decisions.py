"""Decisions of the decision log: one by its id, and one as a line for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from guardrails.config.settings import LogSettings
from guardrails.errors import ConfigError
from guardrails.record.entries import Entry, part, texts

_STYLES = {"deny": "red", "warn": "yellow", "dryrun": "cyan", "allow": "green"}
_TARGETS = 2
_GAP = "  "


def place(log: LogSettings, named: Sequence[str] = ()) -> str:
    """The logs that are read, for people."""
    return ", ".join(named) or f"{log.path}{'' if log.enabled else ' (log.enabled is false)'}"


def by_id(entries: Iterable[Entry | str], decision_id: str, where: str) -> Entry:
    """The entry whose id begins with `decision_id`. Raises ConfigError unless exactly one does, `where` it looked."""
    matches = {
        entry.decision_id: entry
        for entry in entries
        if isinstance(entry, Entry) and entry.decision_id.startswith(decision_id)
    }
    if not matches:
        raise ConfigError(f"{where}: no decision {decision_id}; `guardrails log` lists them")
    if len(matches) > 1:
        raise ConfigError(f"{where}: {len(matches)} decisions begin with {decision_id}; give more of the id")
    return next(iter(matches.values()))


def lines(entry: Entry, width: int | None, *, host: bool = False) -> Iterator[Text]:
    """One decision in lines of at most `width` columns, broken between fields only; in one line if `width` is None.

    With `host`, it says where the decision was made.
    """
    line = Text()
    for field in _fields(entry, host=host):
        if width is not None and line and line.cell_len + len(_GAP) + field.cell_len > width:
            yield line
            line = Text(_GAP) + field
        else:
            line = line + _GAP + field if line else field
    yield line


def _fields(entry: Entry, *, host: bool) -> list[Text]:
    """When, what was decided, the call, its targets and their clusters, who made it, why, and the decision's id."""
    targets = part(entry.input, "targets")
    clusters = dict.fromkeys(name for target in targets for name in texts(part(targets, target).get("clusters")))
    user = str(entry.caller.get("os_user") or entry.person)
    fields = (
        Text(f"{entry.when}Z"),
        Text(f"{entry.enforcement:<6}", _STYLES.get(entry.enforcement, "")),
        Text(entry.call_name),
        Text(entry.region),
        Text(_first(tuple(targets))),
        Text(f"cluster {', '.join(clusters)}" if clusters else ""),
        Text(f"by {entry.program}"),
        Text(f"as {user}"),
        Text(f"on {entry.host or '?'}" if host else ""),
        Text(f"approved by {', '.join(entry.approvers)}" if entry.approvers else "", "magenta"),
        Text("under break glass" if part(entry.input, "break_glass") else "", "magenta"),
        Text(", ".join(entry.rules()) or entry.why),
        Text(entry.short_id, "dim"),
    )
    return [field for field in fields if field]


def _first(targets: Sequence[str]) -> str:
    more = len(targets) - _TARGETS
    return ", ".join(targets[:_TARGETS]) + (f" and {more} more" if more > 0 else "")
