"""Many notices that are alike become one: the first goes out at once, then one for each minute, with their number."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, evolve

from guardrails.notify.notices import Notice

PERIOD_S = 60.0


@define
class _Group:
    """Notices that are alike since one went out at `sent_at`: the newest that waits, and how many."""

    sent_at: float
    newest: Notice | None = None
    waiting: int = 0


class Grouping:
    """Notices by what makes them alike. Times are on a clock that nobody sets."""

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._groups: dict[tuple[object, ...], _Group] = {}

    def add(self, notice: Notice, now: float) -> Notice | None:
        """The notice if it goes out now, None if it waits for others like it."""
        key = (notice.kind, *notice.alike)
        group = self._groups.get(key)
        if group is None:
            self._groups[key] = _Group(now)
            return notice
        group.newest = notice
        group.waiting += 1
        return None

    def due(self, now: float) -> Iterator[Notice]:
        """What goes out now, of those that waited. A kind that was quiet for a whole period starts anew."""
        for key, group in list(self._groups.items()):
            if group.sent_at + self._period_s > now:
                continue
            if group.newest is None:
                del self._groups[key]
                continue
            yield evolve(group.newest, count=group.waiting)
            self._groups[key] = _Group(now)

    def all(self) -> Iterator[Notice]:
        """All that waits, because the process ends."""
        for group in self._groups.values():
            if group.newest is not None:
                yield evolve(group.newest, count=group.waiting)
        self._groups.clear()

    def wait_s(self, now: float) -> float | None:
        """How long until something may be due; None where nothing is kept."""
        times = [group.sent_at + self._period_s - now for group in self._groups.values()]
        return max(0.0, min(times)) if times else None
