"""The machines of a region that a decision knows: all of them, or in a large region those that it asked for.

Up to a page of machines (1,000) one unfiltered look-up answers for any number of targets. Beyond that, each question
("which machines are in this subnet?") is a filter of DescribeInstances. An unknown id does not make such a request
fail, and a question that was not asked is open, never answered with "none". A filter without a match is believed where
the same kind of filter finds something.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from attrs import evolve, field

from guardrails.aws.xml_items import with_only
from guardrails.resolve.question import EVERYTHING, FILTER_VALUES, Question, family_of, literal, unescaped
from guardrails.values import Answer, Lookup, frozen

INSTANCES = Lookup("ec2", "DescribeInstances", "Reservations")
_STATES = ["pending", "running", "shutting-down", "terminated", "stopping", "stopped"]


def _filtered(name: str, values: Iterable[str]) -> Lookup:
    return INSTANCES.about(Filters=[{"Name": name, "Values": [*values]}])


# Every machine of a region that is known to be large; the key differs from that of a first page.
_EVERY = _filtered("instance-state-name", _STATES)
_OPERATION = f"{INSTANCES.service}:{INSTANCES.operation} "
# What is kept of a first page that is not all: some machines whose values show that a filter works.
_PAGE = f"{_OPERATION}first page"
_EXAMPLES = 10


@frozen
class Region:
    """What answers show of the machines. `whole` is True where they are all there, otherwise `asked` is what was asked.

    `reservations` are as DescribeInstances returns them; a machine of several answers is in it once. `found` are the
    families of filters that found something, and `tried` are those that were tried with a known machine.
    """

    reservations: tuple[Mapping[str, Any], ...]
    observed_at: float
    whole: bool = True
    asked: frozenset[Question] = field(factory=frozenset)
    found: frozenset[str] = field(factory=frozenset)
    tried: frozenset[str] = field(factory=frozenset)

    @classmethod
    def of(cls, answers: Mapping[str, Answer]) -> Region:
        """The region that these answers show; of one that is known to be large, perhaps nothing yet."""
        every = answers.get(_EVERY.key())
        # More than a page of machines, and then none: that is no answer.
        whole = answers.get(INSTANCES.key()) or (every if every and every.items else None)
        if whole:
            return cls(whole.items, whole.observed_at)
        parts = {key: answer for key, answer in answers.items() if key.startswith(_OPERATION)}
        conditions = {key: condition for key in parts if (condition := _condition(key))}
        # A sample without a machine asks whether there are any.
        asked = (each for key, each in conditions.items() if each.all_of or not (each.alone or parts[key].items))
        return cls(
            tuple(_merged(answer.items for answer in parts.values())),
            min((answer.observed_at for answer in parts.values()), default=time.time()),
            whole=False,
            asked=frozenset(Question(each.filter, value) for each in asked for value in each.values),
            found=frozenset(family_of(each.filter) for key, each in conditions.items() if parts[key].items),
            tried=frozenset(family_of(each.filter) for each in conditions.values() if each.alone and not each.all_of),
        )

    @property
    def account(self) -> str | None:
        """The account that the machines belong to, None where no answer says so."""
        return next((each["OwnerId"] for each in self.reservations if each.get("OwnerId")), None)

    @property
    def doubtful(self) -> frozenset[str]:
        """The families of filters that were asked and found nothing."""
        return frozenset(each.family for each in self.asked) - self.found

    def machines(self) -> Iterator[Mapping[str, Any]]:
        """The known machines, as DescribeInstances describes them."""
        return machines_in(self.reservations)


def machines_in(reservations: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The machines of these reservations."""
    return (machine for reservation in reservations for machine in reservation.get("Instances") or ())


class Open:
    """What a region was asked, and cannot answer yet."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._wanted: set[Question] = set()
        self._asked: set[Question] = set()

    @property
    def asked(self) -> frozenset[Question]:
        """All questions, except the one for all machines."""
        return frozenset(self._asked - {EVERYTHING})

    def ask(self, asked: Question | None) -> None:
        """Note a question; it is open if no look-up has asked it so far."""
        if asked is None or self._region.whole:
            return
        self._asked.add(asked)
        if asked not in self._region.asked:
            self._wanted.add(asked)

    def further(self, known: Iterable[Question]) -> tuple[Lookup, ...]:
        """The look-ups that answer what is open; then those that show whether filters without a match work at all.

        `known` are questions that the known machines answer.
        """
        if self._wanted or self._region.whole:
            return lookups(self._wanted)
        examples = {each.family: each for each in known} if self._region.doubtful else {}
        untried = examples.keys() - self._region.tried
        if self._region.doubtful - untried:
            # No machine at hand can show it, or one should have been found and was not.
            return (_EVERY,)
        return tuple(_example(examples[family]) for family in sorted(self._region.doubtful))


def nothing_but(account: str | None) -> Mapping[str, Answer]:
    """What is known of a region that is known to be large, before anything was asked: whose it is."""
    return {_PAGE: Answer(({"OwnerId": account, "Instances": ()},), time.time())}


def is_about_machines(key: str) -> bool:
    """Whether the look-up with this key asks for machines."""
    return key.startswith(_OPERATION)


def without_pages(answers: Mapping[str, Answer], names: Container[str] = ()) -> Mapping[str, Answer]:
    """The answers without those that are one of several pages. Of machines, those of these names and some are kept."""
    if all(answer.whole for answer in answers.values()):
        return answers
    whole = {key: answer for key, answer in answers.items() if answer.whole}
    page = answers.get(INSTANCES.key())
    if page is None or page.whole:
        return whole
    named = (each for each in page.items[_EXAMPLES:] if any(one["InstanceId"] in names for one in machines_in([each])))
    return {**whole, _PAGE: evolve(page, items=(*page.items[:_EXAMPLES], *named))}


def lookups(questions: Iterable[Question]) -> tuple[Lookup, ...]:
    """What asks these questions, in as few requests as AWS allows."""
    wanted = {*questions}
    if EVERYTHING in wanted:
        return (_EVERY,)
    by_filter: dict[str, list[str]] = defaultdict(list)
    for each in sorted(wanted, key=lambda one: (one.filter, one.value)):
        by_filter[each.filter].append(_literal(each))
    return tuple(
        _filtered(name, values[start : start + FILTER_VALUES])
        for name, values in by_filter.items()
        for start in range(0, len(values), FILTER_VALUES)
    )


def in_network(vpc: str) -> Lookup:
    """Some running machines of a VPC."""
    filters = {"vpc-id": [vpc], "instance-state-name": ["running"]}
    asked = INSTANCES.about(
        Filters=[{"Name": key, "Values": values} for key, values in filters.items()], MaxResults=100
    )
    return evolve(asked, sample=True)


def _example(known: Question) -> Lookup:
    """Some machines for a question that has an answer: where there are none, the filter does not work."""
    return evolve(INSTANCES.about(**_filtered(known.filter, [_literal(known)]).params, MaxResults=5), sample=True)


def _literal(asked: Question) -> str:
    """The value, in which nothing stands for other characters but in the pattern for an instance profile's ARN."""
    return asked.value if asked.filter == "iam-instance-profile.arn" else literal(asked.value)


@frozen
class _Condition:
    """What a look-up asked: by a filter that stands `alone`, or with others; and whether for all such machines."""

    filter: str
    values: tuple[str, ...]
    alone: bool
    all_of: bool


@lru_cache(maxsize=256)
def _condition(key: str) -> _Condition | None:
    """By a look-up's key; None for one without a filter."""
    _, brace, text = key.partition("{")
    params = json.loads(brace + text) if brace else {}
    filters: list[Mapping[str, Any]] = params.get("Filters") or []
    if not filters:
        return None
    values = tuple(map(unescaped, filters[0]["Values"]))
    alone = len(filters) == 1
    return _Condition(filters[0]["Name"], values, alone, alone and "MaxResults" not in params)


def _merged(lists: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
    seen: set[str] = set()
    for items in lists:
        for reservation in items:
            machines = reservation.get("Instances") or ()
            new = [each for each in machines if each["InstanceId"] not in seen]
            seen.update(each["InstanceId"] for each in new)
            if len(new) == len(machines):
                yield reservation
            elif new:
                yield with_only(reservation, "Instances", new)
