"""What the last decision asked after the first round, so that the next one asks it in the first.

A hint is only about what to ask. Every answer is the decision's own, and counts only where its other answers call for
it: which balancers and groups there are, their weights and their health are read anew each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from attrs import frozen

from guardrails.resolve import region
from guardrails.resolve.question import Question, question
from guardrails.values import Call, Lookup, Origin

# A process works in few places, and asks little there.
_PLACES = 16
_LOOKUPS = 100
_QUESTIONS = 1000


@frozen
class _Hint:
    """`questions` are about machines; None where the first page shows them all. `account` is whose place it is."""

    lookups: tuple[Lookup, ...] = ()
    questions: frozenset[Question] | None = None
    account: str | None = None


class Hints:
    """The follow-up look-ups of the last decision in each place."""

    def __init__(self) -> None:
        self._by_place: OrderedDict[tuple[object, ...], _Hint] = OrderedDict()

    def of(self, origin: Origin, call: Call) -> tuple[Lookup, ...]:
        """What will probably be asked, and in a large region the machines that the call names."""
        hint = self._hint(origin)
        if hint.questions is None:
            return hint.lookups
        return (*hint.lookups, *region.lookups(hint.questions | _named(call)))

    def large(self, origin: Origin) -> bool:
        """Whether one page is not all machines of the place."""
        return self._hint(origin).questions is not None

    def account(self, origin: Origin) -> str | None:
        """The account that the place is in, None where nothing has shown it yet."""
        return self._hint(origin).account

    def note(
        self,
        origin: Origin,
        lookups: Iterable[Lookup],
        questions: frozenset[Question] | None,
        account: str | None,
        call: Call,
    ) -> None:
        """What was asked after the first round, and of machines if the region is large (None: it is not)."""
        if questions is not None or self.large(origin):
            questions = frozenset([*((questions or frozenset()) - _named(call))][:_QUESTIONS])
        self._by_place[_place(origin)] = _Hint(tuple(lookups)[:_LOOKUPS], questions, account)
        while len(self._by_place) > _PLACES:
            self._by_place.popitem(last=False)

    def _hint(self, origin: Origin) -> _Hint:
        return self._by_place.get(_place(origin), _Hint())


def _named(call: Call) -> frozenset[Question]:
    ids = [target.id for target in call.targets if target.type == "instance"]
    return frozenset(filter(None, (question("instance", name) for name in ids)))


def _place(origin: Origin) -> tuple[object, ...]:
    # A hint for others would only ask in vain.
    return origin.identity, origin.region, origin.home_region, origin.endpoint_url
