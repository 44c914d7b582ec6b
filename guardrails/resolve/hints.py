"""What the last decision asked after the first round, so that the next one asks it in the first.

A hint is only about what to ask. Every answer is the decision's own, and counts only where its other answers call for
it: which balancers and groups there are, their weights and their health are read anew each time. So hints may come from
an earlier process, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from attrs import evolve

from guardrails.resolve import lists, region
from guardrails.resolve.kept_hints import KeptHints
from guardrails.resolve.machine import USES
from guardrails.resolve.question import EVERYTHING, Question, question
from guardrails.resolve.resources import ec2_instances, ec2_routers
from guardrails.resolve.resources.resolver import last_part
from guardrails.values import Call, Lookup, Origin, frozen

# A process works in few places, and asks little there.
_PLACES = 16
_LOOKUPS = 300
_QUESTIONS = 1000
# Of these targets it is asked which machines are there.
_KINDS = frozenset((*USES, "instance", "subnet", "vpc", "eni", "volume"))


@frozen
class Hint:
    """What a decision asked in a place.

    `questions` are about machines; None where the first page shows them all. `account` is whose place it is, `long` are
    the keys of lists that are more than a page. `zoned` is False where the last batch of machines was in one zone. What
    is `recalled` from an earlier process says nothing of how many machines there are.
    """

    lookups: tuple[Lookup, ...] = ()
    questions: frozenset[Question] | None = None
    account: str | None = None
    long: frozenset[str] = frozenset()
    zoned: bool = True
    recalled: bool = False

    @property
    def large(self) -> bool:
        """Whether one page is not all machines of the place."""
        return self.questions is not None and not self.recalled


class Hints:
    """The follow-up look-ups of the last decision in each place; `kept` has those of earlier processes."""

    def __init__(self, kept: KeptHints | None = None) -> None:
        self._by_place: OrderedDict[tuple[object, ...], Hint] = OrderedDict()
        self._kept = kept

    def of(self, origin: Origin) -> Hint:
        """What was asked there last."""
        place = _place(origin)
        if place not in self._by_place:
            lookups, questions = self._kept.read(_name(origin)) if self._kept else ((), frozenset[Question]())
            self._by_place[place] = Hint(lookups, questions or None, recalled=True)
        return self._by_place[place]

    def lookups(self, origin: Origin, call: Call) -> Iterator[Lookup]:
        """What will probably be asked, and in a large region what the call names."""
        hint = self.of(origin)
        yield from hint.lookups
        if hint.questions is not None:
            yield from region.lookups(hint.questions | _named(call))
        named = (lists.named(target.type, target.id) for target in call.targets if hint.long)
        yield from (lookup for lookup in named if lookup and lists.whole_of(lookup) in hint.long)
        yield from ec2_routers.of_long_list(call) if lists.ROUTE_TABLES.key() in hint.long else ()
        yield from ec2_instances.protections(call) if hint.zoned else ()

    def note(self, origin: Origin, call: Call, asked: Hint) -> None:
        """What was asked after the first round."""
        before, questions = self.of(origin), asked.questions
        if questions is not None or before.large:
            questions = frozenset([*((questions or frozenset()) - _named(call))][:_QUESTIONS])
        zoned = asked.zoned if any(ec2_instances.protections(call)) else before.zoned
        now = evolve(asked, lookups=asked.lookups[:_LOOKUPS], questions=questions, zoned=zoned)
        self._by_place[_place(origin)] = now
        if self._kept:
            self._kept.write(_name(origin), (now.lookups, now.questions or frozenset()))
        while len(self._by_place) > _PLACES:
            self._by_place.popitem(last=False)


def _named(call: Call) -> frozenset[Question]:
    """The machines that the call names, and those on what it names."""
    asked = (question(each.type, last_part(each.id)) for each in call.targets if each.type in _KINDS and each.id)
    return frozenset(each for each in asked if each and each != EVERYTHING)


def _name(origin: Origin) -> str:
    """A place for other processes: they have other credentials."""
    return f"{origin.region} {origin.home_region} {origin.endpoint_url}"


def _place(origin: Origin) -> tuple[object, ...]:
    # A hint for others would only ask in vain.
    return origin.identity, origin.region, origin.home_region, origin.endpoint_url
