"""What the sources of liveness asked after the first round, so that the next decision asks it in the first.

A hint is only about what to ask. Every answer is the decision's own, and counts only where its other answers call for
it: which balancers and groups there are, their weights and their health are read anew each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from guardrails.values import Lookup, Origin

# A process works in few places, and asks little there.
_PLACES = 16
_LOOKUPS = 100


class Hints:
    """The follow-up look-ups of the last decision in each place."""

    def __init__(self) -> None:
        self._by_place: OrderedDict[tuple[object, ...], tuple[Lookup, ...]] = OrderedDict()

    def of(self, origin: Origin) -> tuple[Lookup, ...]:
        """What the sources will probably ask."""
        return self._by_place.get(_place(origin), ())

    def note(self, origin: Origin, lookups: Iterable[Lookup]) -> None:
        """These were asked after the first round."""
        self._by_place[_place(origin)] = tuple(lookups)[:_LOOKUPS]
        while len(self._by_place) > _PLACES:
            self._by_place.popitem(last=False)


def _place(origin: Origin) -> tuple[object, ...]:
    # A hint for others would only ask in vain.
    return origin.identity, origin.region, origin.home_region, origin.endpoint_url
