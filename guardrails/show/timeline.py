"""Decisions over time, for a page: bars of a minute up to four weeks, and an axis with round times in UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from attrs import Factory, define

from guardrails.show.sentences import counted
from guardrails.values import frozen

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# The seconds of a bar, and how a caption names them.
_BARS = {
    _MINUTE: "a minute", 5 * _MINUTE: "5 minutes", 15 * _MINUTE: "15 minutes", _HOUR: "an hour", 4 * _HOUR: "4 hours",
    _DAY: "a day", 7 * _DAY: "7 days", 28 * _DAY: "28 days",
}  # fmt: skip
_TICKS = (
    *(number * _MINUTE for number in (5, 10, 15, 30)),
    *(number * _HOUR for number in (1, 2, 3, 6, 12)),
    *(number * _DAY for number in (1, 2, 7, 14, 28, 91, 182, 364)),
)
_MOST_BARS, _LEAST_BARS, _MOST_TICKS = 62, 15, 8
# An entry with a wrong date does not push the others out of the picture.
_OLDEST = 3660 * _DAY
_KEPT_MINUTES = 10_000
_WIDTH, _HEIGHT = 1000, 115


@define
class Activity:
    """Counts ``decisions`` and kinds by the minute; by the hour, once very many minutes have some."""

    counts: dict[str, Counter[str]] = Factory(dict)
    # Of a key: ``2026-11-24T15:22`` or ``2026-11-24T15``.
    _length: int = 16

    def add(self, time: str, kinds: Iterable[str]) -> None:
        """Count these at `time` (RFC 3339, UTC)."""
        self.counts.setdefault(time[: self._length], Counter()).update(kinds)
        if self._length == 16 and len(self.counts) > _KEPT_MINUTES:
            self._length, self.counts = 13, self.by_hour()

    def merge(self, other: Activity) -> None:
        """Take in the counts of another one."""
        for time, counts in other.counts.items():
            self.add(time, counts.elements())

    def by_hour(self) -> dict[str, Counter[str]]:
        """The counts by ``2026-11-24T15``."""
        hours: dict[str, Counter[str]] = {}
        for time, counts in self.counts.items():
            hours.setdefault(time[:13], Counter()).update(counts)
        return hours


@frozen
class Part:
    """One colour of a bar; `top` and `height` are units of the picture."""

    kind: str
    top: float
    height: float


@frozen
class Bar:
    """One bar; the parts that come later cover earlier ones."""

    left: float
    width: float
    title: str
    parts: tuple[Part, ...]


@frozen
class Tick:
    """A time on the axis, `percent` of its length from the left."""

    percent: float
    label: str


@frozen
class Timeline:
    """What timeline.html.j2 draws. `kinds` are those that occur."""

    caption: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    kinds: frozenset[str]
    width: int = _WIDTH
    height: int = _HEIGHT


def timeline(activity: Activity, labels: Mapping[str, str]) -> Timeline | None:
    """All decisions as ``sent``, those of the kinds in `labels` in front of them; None where there are no times."""
    known = {at: counts for time, counts in activity.counts.items() if (at := _seconds(time)) is not None}
    if not known:
        return None
    last = max(known)
    first = max(min(known), last - _OLDEST)
    step = next((step for step in _BARS if (last - first) / step < _MOST_BARS), 28 * _DAY)
    start = first // step * step
    bins = [Counter[str]() for _ in range(max((last - start) // step + 1, _LEAST_BARS))]
    for at, counts in known.items():
        if at >= start:
            bins[(at - start) // step].update(counts)
    most = max(counts["decisions"] for counts in bins)
    wide = _WIDTH / len(bins)
    bars = tuple(
        Bar(
            round(number * wide, 1),
            round(wide * 0.85, 1),
            _title(start + number * step, step, counts, labels),
            tuple(_parts(counts, tuple(labels), most)),
        )
        for number, counts in enumerate(bins)
        if counts["decisions"]
    )
    caption = f"{_span(first, last)} UTC, at most {counted(most, 'decision')} in {_BARS[step]}"
    occurring = frozenset(part.kind for bar in bars for part in bar.parts)
    return Timeline(caption, bars, tuple(_ticks(start, step * len(bins))), occurring)


def _parts(counts: Counter[str], kinds: Sequence[str], most: int) -> Iterator[Part]:
    scale, below = _HEIGHT / most, 0
    if counts["decisions"] > sum(counts[kind] for kind in kinds):
        high = counts["decisions"] * scale
        yield Part("sent", round(_HEIGHT - high, 1), round(high, 1))
    for kind in kinds:
        if counts[kind]:
            below += counts[kind]
            # One of very many is still to be seen.
            high = max(2.0, counts[kind] * scale)
            yield Part(kind, round(min(_HEIGHT - below * scale, _HEIGHT - high), 1), round(high, 1))


def _ticks(start: int, length: int) -> Iterator[Tick]:
    step = next((step for step in _TICKS if length / step <= _MOST_TICKS), _TICKS[-1])
    for at in range(-(-start // step) * step, start + length, step):
        percent = round((at - start) / length * 100, 2)
        # A label that starts at the very end would be cut off.
        if percent <= 95:
            yield Tick(percent, _label(at, step))


def _label(at: int, step: int) -> str:
    time = datetime.fromtimestamp(at, UTC)
    if step >= 28 * _DAY:
        return f"{time:%b %Y}"
    return f"{time.day} {time:%b}" if at % _DAY == 0 else f"{time:%H:%M}"


def _title(at: int, step: int, counts: Counter[str], labels: Mapping[str, str]) -> str:
    when = f"{_stamp(at)} UTC" if step < _DAY else _stamp(at)[:10]
    until = f" to {_stamp(at + step - _DAY)[:10]}" if step > _DAY else ""
    details = [f"{counts[kind]:,} {label}" for kind, label in labels.items() if counts[kind]]
    return f"{when}{until}: {', '.join([counted(counts['decisions'], 'decision'), *details])}"


def _span(first: int, last: int) -> str:
    begin, end = _stamp(first), _stamp(last)
    if begin == end:
        return begin
    return f"{begin} to {end[11:] if begin[:10] == end[:10] else end}"


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _seconds(time: str) -> int | None:
    """Seconds since the epoch; None for what is not a time from 1970 to 2999."""
    try:
        at = int(datetime.fromisoformat(f"{time}:00+00:00" if len(time) == 16 else f"{time}:00:00+00:00").timestamp())
    except ValueError:
        return None
    return at if 0 <= at < 32_503_680_000 else None
