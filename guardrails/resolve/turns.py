"""When the look-ups of a round leave: those of load balancers as AWS's limits allow, others beside the last of these.

No answer of a round is then older than it must be, however long the round had to wait.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from guardrails.memory.rate_limits import BALANCERS
from guardrails.resolve.connection import failure
from guardrails.resolve.kept_answers import KeptAnswers
from guardrails.resolve.own_requests import OwnRequests, TooManyLookups
from guardrails.values import Answer, Lookup, LookupFailure, frozen


@frozen
class Turns:
    """The look-ups, each with the seconds in which it leaves; `refused` are those that would leave too late."""

    pauses: tuple[tuple[Lookup, float], ...]
    refused: tuple[LookupFailure, ...] = ()


def at_hand(
    wanted: Mapping[str, Lookup], place: Hashable, memory: KeptAnswers, own: OwnRequests, max_age_s: float
) -> dict[str, Answer]:
    """The answers that will not be older than `max_age_s` when the missing ones have had their turn.

    Where that turn is not at once, also those from before a call of the script that hardly changed them.
    """

    def wait() -> float:
        missing = [each.service for key, each in wanted.items() if key not in answers and not memory.under_way(each)]
        return max(own.wait(place, name, missing.count(name)) for name in BALANCERS)

    answers = memory.recent(wanted, max_age_s)
    spare = wait() > 0
    if spare:
        answers = memory.recent(wanted, max_age_s, spare=True)
    while answers:
        young = memory.recent(wanted, max_age_s - wait(), spare=spare)
        if len(young) == len(answers):
            break
        answers = young
    return answers


def turns_of(lookups: Iterable[Lookup], place: Hashable, memory: KeptAnswers, own: OwnRequests) -> Turns:
    """The turns of a round of look-ups from `place`. What someone asks already needs none."""
    alike: dict[str, list[Lookup]] = {name: [] for name in BALANCERS}
    others = list[Lookup]()
    for lookup in lookups:
        (others if memory.under_way(lookup) else alike.get(lookup.service, others)).append(lookup)
    pauses, refused, last = list[tuple[Lookup, float]](), list[LookupFailure](), 0.0
    for service, each in alike.items():
        try:
            waits = own.together(place, service, len(each))
        except TooManyLookups as error:
            refused += [failure(lookup, type(error).__name__, str(error)) for lookup in each]
        else:
            pauses += zip(each, waits, strict=True)
            last = max([last, *waits[-1:]])
    return Turns((*((lookup, last) for lookup in others), *pauses), tuple(refused))
