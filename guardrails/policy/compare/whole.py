"""Changes of a whole input: other names, more of the same, another time of the week, one fact for each of several.

Each is one that no single part shows: a rule that counts machines, or that looks at the weekday, needs them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from guardrails.policy.compare.changes import Change, Renamed, applied, together
from guardrails.policy.compare.reads import Reads
from guardrails.policy.compare.situations import NOW_S, Document, copied, when
from guardrails.policy.compare.words import named

# Larger batches are not made: each target makes a decision slower.
LARGEST = 120
_NAMES = 40
_HOUR_S = 3600
_HOURS = 7 * 24
_DAY_S = 24 * _HOUR_S
# The end of the year 9998: nothing after 9999 can be written as a time.
_LAST_S = 253_370_764_799
# Seconds since the epoch are larger.
_A_TIME = 1e8
# Functions that make an hour, a weekday or a day of a time; and how many seconds these have.
_CLOCKS = frozenset(("clock", "weekday", "date", "parse_rfc3339_ns", "format"))
# Functions that take a part of a time that is a string.
_CUTS = frozenset(("substring", "startswith", "contains", "split", "match", "endswith", "indexof"))
_ROUND = frozenset((3600, 86_400, 604_800))
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def changed_as_a_whole(document: Document, reads: Reads, *, clock: bool) -> Iterator[Document]:
    """The input with other names, more of the same and, if rules look at the `clock`, at other times."""
    for name in named(reads, _NAMES):
        for cluster in document.get("clusters") or ():
            yield renamed(document, cluster, name)
    for size in _sizes(reads.numbers):
        yield from sized(document, size, reads.names)
    if clock:
        for moment in _moments(reads):
            yield at(document, moment)


def looks_at_the_clock(reads: Reads) -> bool:
    """Whether rules that read this can tell one hour from another."""
    as_text = "time" in reads.names and bool(reads.names & _CUTS)
    return (
        as_text or bool(reads.names & _CLOCKS) or ("now_s" in reads.names and bool(_ROUND.intersection(reads.numbers)))
    )


def siblings(document: Document, change: Change) -> Iterator[Document]:
    """The same change in every target or cluster; and, of a string, another one in each; or names that begin alike."""
    if isinstance(change.value, Renamed):
        new = change.value.name
        some = enumerate(document.get("targets") or ())
        yield applied(document, *(Change(("targets", id_), Renamed(f"{new}-{place}"), "") for place, id_ in some))
        return
    group, _, *rest = change.path if len(change.path) > 2 else ("", "")
    members = document.get(str(group))
    if not rest or not isinstance(members, Mapping) or len(members) < 2:
        return
    for values in ([change.value] * len(members), [f"{change.value}-{number}" for number in range(len(members))]):
        changes = [Change((str(group), name, *rest), value, "") for name, value in zip(members, values, strict=True)]
        changed = together(document, changes)
        if changed is not None:
            yield changed
        if not isinstance(change.value, str):
            return


def renamed(value: Any, old: str, new: str) -> Any:
    """With another name wherever this one stands."""
    if isinstance(value, dict):
        return {new if name == old else name: renamed(inner, old, new) for name, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, old, new) for inner in value]
    return new if value == old else value


def _sizes(numbers: Collection[float]) -> Sequence[int]:
    return sorted({int(number) + more for number in numbers for more in (-1, 0, 1) if 3 < number + more <= LARGEST})


def sized(document: Document, size: int, names: Collection[str]) -> Iterator[Document]:
    """The input with so many targets, with such a large cluster, and with lists that are so long."""
    targets = document.get("targets")
    if isinstance(targets, Mapping) and targets:
        yield _with_targets(document, size)
        yield _with_targets(document, size, role="destination")
    for cluster in document.get("clusters") or ():
        yield _grown(copied(document), cluster, size)
    for path in _lists(document, ()):
        if path[-1] in names:
            yield applied(document, Change(path, [f"x-{number}" for number in range(size)], ""))


def _with_targets(document: Document, size: int, role: str = "target") -> Document:
    """So many targets, like the first one with this role; the clusters have as many machines more."""
    changed: Document = copied(document)
    some = [(id_, each) for id_, each in changed["targets"].items() if each.get("role") == role]
    for id_, each in some[:1]:
        for number in range(len(some), size):
            changed["targets"][f"{id_}-{number}"] = copied(each)
        for cluster in each.get("clusters") or () if role == "target" else ():
            if cluster in changed["clusters"]:
                _grown(changed, cluster, size)
    return changed


def _grown(document: Document, cluster: str, taken: int) -> Document:
    """The cluster loses so many machines, and has as many left as before."""
    counts = document["clusters"][cluster]
    more = taken - counts["targeted"]
    for name in ("running", "total", "serving"):
        counts[name] = (counts[name] or 0) + more
    counts.update(targeted=taken, serving_targeted=taken)
    return document


def _lists(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """The paths of lists of strings, not those within lists."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _lists(inner, (*path, name))
    elif isinstance(value, list) and all(isinstance(item, str) for item in value) and path:
        yield path


def _moments(reads: Reads) -> Iterator[float]:
    """Each hour of a week, and the days that the rules name: their first second, the one before, and their last."""
    first = NOW_S - NOW_S % _HOUR_S
    for hour in range(_HOURS):
        yield first + hour * _HOUR_S
        yield first + hour * _HOUR_S + _HOUR_S / 2
    written = " ".join(text for texts in reads.strings.values() for text in texts)
    for day in sorted(set(_DAY.findall(written))):
        with suppress(ValueError):  # no such day
            start = datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
            yield from (each for each in (start - 1, start, start + _DAY_S - 1, start + _DAY_S) if 0 < each < _LAST_S)


def at(document: Document, moment: float) -> Document:
    """The same input at another time: everything in it is as long ago as it was."""
    now = document.get("now_s")
    if not isinstance(now, (int, float)):
        return document
    changed: Document = _moved(document, moment - now)
    return {**changed, "time": when(moment), "now_s": moment}


def _moved(value: Any, seconds: float) -> Any:
    if isinstance(value, dict):
        return {name: _moved(inner, seconds) for name, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, seconds) for inner in value]
    is_time = isinstance(value, (int, float)) and not isinstance(value, bool) and value > _A_TIME
    return value + seconds if is_time else value
