"""Lists that grow with the account: whole, or in a large region the parts that a decision asks for by a filter.

Of such a list, one page is read first. Where that is not all, what a call is about is asked for by AWS's filters. What
was not asked for is open, never empty. A part without an item is believed where the same filter finds an item that the
list is known to have.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from attrs import evolve

from guardrails.resolve.question import FILTER_VALUES, literal, unescaped
from guardrails.values import Answer, Lookup, frozen

INTERFACES = Lookup("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces")
ROUTE_TABLES = Lookup("ec2", "DescribeRouteTables", "RouteTables")
RULES = Lookup("ec2", "DescribeSecurityGroupRules", "SecurityGroupRules")
# In the key of what is kept of a first page that is not all.
_PAGE = "first page"
_EXAMPLES = 10
Item = Mapping[str, Any]
_Values = Callable[[Item], Iterable[Any]]


def _own(member: str) -> _Values:
    return lambda item: (item.get(member),)


def _each(members: str, member: str) -> _Values:
    return lambda item: (each.get(member) for each in item.get(members) or ())


# What the filters of AWS look at. The first of a list finds an item by its own name.
_FILTERS: Mapping[str, Mapping[str, _Values]] = {
    INTERFACES.key(): {
        "network-interface-id": _own("NetworkInterfaceId"),
        "attachment.attachment-id": lambda item: ((item.get("Attachment") or {}).get("AttachmentId"),),
        "subnet-id": _own("SubnetId"),
        "vpc-id": _own("VpcId"),
        "addresses.private-ip-address": _each("PrivateIpAddresses", "PrivateIpAddress"),
    },
    ROUTE_TABLES.key(): {
        "route-table-id": _own("RouteTableId"),
        "association.route-table-association-id": _each("Associations", "RouteTableAssociationId"),
        "route.destination-prefix-list-id": _each("Routes", "DestinationPrefixListId"),
        "route.instance-id": _each("Routes", "InstanceId"),
        "route.transit-gateway-id": _each("Routes", "TransitGatewayId"),
        "vpc-id": _own("VpcId"),
    },
    RULES.key(): {"security-group-rule-id": _own("SecurityGroupRuleId")},
}
_LONG = {lookup.key(): lookup for lookup in (INTERFACES, ROUTE_TABLES, RULES)}
# What finds a target in these lists, by its type.
_NAMED = {
    "eni": (INTERFACES, "network-interface-id"),
    "eni-attachment": (INTERFACES, "attachment.attachment-id"),
    "subnet": (INTERFACES, "subnet-id"),
    "vpc": (INTERFACES, "vpc-id"),
    "route-table": (ROUTE_TABLES, "route-table-id"),
    "new-route": (ROUTE_TABLES, "route-table-id"),
    "route-table-association": (ROUTE_TABLES, "association.route-table-association-id"),
    "security-group-rule": (RULES, "security-group-rule-id"),
}
# A part without an item means something; of the others, what is not found is unknown anyway.
_PROVED = frozenset(("subnet-id", "vpc-id", "addresses.private-ip-address"))


@frozen
class _Part:
    """The answer to a filter with some values; a `sample` is only some of the items."""

    filter: str
    values: frozenset[str]
    sample: bool
    items: tuple[Item, ...]


class Lists:
    """What answers show of these lists, and which parts are open."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self._open: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._indexes: dict[tuple[str, str], Mapping[str, list[Item]]] = {}

    def part(self, lookup: Lookup, name: str, values: Iterable[str]) -> tuple[Item, ...]:
        """The items with one of these values for AWS's filter `name`; of a part that is open, none so far.

        Raises KeyError where nothing of the list was asked for.
        """
        if not is_known(lookup, self._answers):
            raise KeyError(lookup.key())
        wanted = {each for each in values if each}
        if (asked := self.asked(lookup, name)) is not None:
            self._open[lookup.key(), name] |= wanted - asked
        index = self._index(lookup, name)
        return tuple({id(item): item for value in sorted(wanted) for item in index.get(value, ())}.values())

    def is_long(self, lookup: Lookup) -> bool:
        """Whether the list is known in parts only."""
        return lookup.key() not in self._answers

    def items(self, lookup: Lookup) -> tuple[Item, ...]:
        """All items at hand."""
        if not self.is_long(lookup):
            return self._answers[lookup.key()].items
        page, name_of = self._answers.get(_page(lookup)), next(iter(_FILTERS[lookup.key()].values()))
        parts = (page.items if page else (), *(each.items for each in self._parts[lookup.key()]))
        return tuple({next(iter(name_of(item))): item for items in parts for item in items}.values())

    def asked(self, lookup: Lookup, name: str) -> frozenset[str] | None:
        """The values that a long list was asked for by this filter; None where all of it is known."""
        if not self.is_long(lookup):
            return None
        parts = (each for each in self._parts[lookup.key()] if each.filter == name and not each.sample)
        return frozenset[str]().union(*(each.values for each in parts))

    def further(self) -> tuple[Lookup, ...]:
        """The look-ups for what is open; then those that show whether filters that found nothing work at all."""
        wanted = [(key, name, sorted(values)) for (key, name), values in sorted(self._open.items()) if values]
        if wanted:
            return tuple(each for key, name, values in wanted for each in parts(_LONG[key], name, values))
        return tuple(
            evolve(_filtered(lookup, name, [example], MaxResults=5), sample=True)
            for lookup, name, example in self._doubtful()
            if example and not self._tried(lookup, name)
        )

    def failed(self) -> Iterator[tuple[Lookup, str]]:
        """The lists with a filter that finds nothing, and cannot be shown to find anything."""
        for lookup, name, example in self._doubtful():
            if self._tried(lookup, name) or not example:
                yield lookup, name

    def _doubtful(self) -> Iterator[tuple[Lookup, str, str]]:
        """The filters that found nothing, each with a value for which there is an item ("" without one)."""
        for key, lookup in _LONG.items():
            if _page(lookup) in self._answers:
                parts = self._parts[key]
                found = {each.filter for each in parts if each.items}
                for name in sorted(({each.filter for each in parts} & _PROVED) - found):
                    yield lookup, name, next(iter(sorted(self._index(lookup, name))), "")

    def _tried(self, lookup: Lookup, name: str) -> bool:
        return any(each.sample and each.filter == name for each in self._parts[lookup.key()])

    def _index(self, lookup: Lookup, name: str) -> Mapping[str, list[Item]]:
        key = lookup.key(), name
        if key not in self._indexes:
            index: dict[str, list[Item]] = defaultdict(list)
            for item in self.items(lookup):
                for value in _FILTERS[lookup.key()][name](item):
                    if value:
                        index[value].append(item)
            self._indexes[key] = index
        return self._indexes[key]

    @cached_property
    def _parts(self) -> Mapping[str, list[_Part]]:
        parts: dict[str, list[_Part]] = defaultdict(list)
        for key, answer in self._answers.items():
            _, brace, text = key.partition("{")
            params = json.loads(brace + text) if _is_part(key) and brace else {}
            for each in params.get("Filters") or ():
                values = frozenset(map(unescaped, each["Values"]))
                of = next(long for long, lookup in _LONG.items() if key.startswith(_operation(lookup)))
                parts[of].append(_Part(each["Name"], values, "MaxResults" in params, answer.items))
        return parts


def is_long(key: str) -> bool:
    """Whether the look-up with this key asks for the whole of such a list."""
    return key in _LONG


def _is_part(key: str) -> bool:
    return key not in _LONG and any(key.startswith(_operation(lookup)) for lookup in _LONG.values())


def is_of_long(key: str) -> bool:
    """Whether the answer with this key shows something of such a list: all, a part, or a page."""
    return key in _LONG or _is_part(key)


def is_known(lookup: Lookup, answers: Mapping[str, Answer]) -> bool:
    """Whether the answers show all of a list, or that it is long."""
    return lookup.key() in answers or _page(lookup) in answers


def long_in(answers: Mapping[str, Answer]) -> frozenset[str]:
    """The keys of the lists that these answers show to be long."""
    return frozenset(key for key, lookup in _LONG.items() if _page(lookup) in answers)


def narrowed(lookup: Lookup, name: str, value: str, answers: Mapping[str, Answer]) -> Lookup:
    """The look-up for the items with this value; for all of them unless the list is known to be long."""
    if lookup.key() not in _LONG or _page(lookup) not in answers:
        return lookup
    # Without a filter for it, another one that finds every item.
    return _filtered(lookup, name, [value]) if name else lookup.about(Filters=[{"Name": "vpc-id", "Values": ["*"]}])


def one_page(lookup: Lookup, *, long: bool) -> Lookup:
    """One page of a list, or a few items where it is known to be `long`."""
    return evolve(lookup.about(MaxResults=_EXAMPLES) if long else lookup, first_page=True)


def with_examples(answers: Mapping[str, Answer], whole: Mapping[str, Answer]) -> Mapping[str, Answer]:
    """The `whole` ones of some answers, and of each list that is more than a page some of its items."""
    kept: dict[str, Answer] = {}
    for key, lookup in _LONG.items():
        few = one_page(lookup, long=True).key()
        for answer in (answers[each] for each in (key, few) if each in answers):
            kept |= {key: answer} if answer.whole else {_page(lookup): evolve(answer, items=answer.items[:_EXAMPLES])}
    return {**whole, **kept} if kept else whole


def named(kind: str, name: str) -> Lookup | None:
    """What finds a target of this type in a list that is long; None for other types."""
    lookup, by = _NAMED.get(kind, (None, ""))
    return _filtered(lookup, by, [name]) if lookup else None


def parts(lookup: Lookup, name: str, values: Sequence[str]) -> Iterator[Lookup]:
    """The look-ups for the items of a long list with one of these values."""
    starts = range(0, len(values), FILTER_VALUES)
    return (_filtered(lookup, name, values[start : start + FILTER_VALUES]) for start in starts)


def whole_of(part: Lookup) -> str:
    """The key of the list that this is a part of."""
    return part.about().key()


def _filtered(lookup: Lookup, name: str, values: Iterable[str], **params: Any) -> Lookup:
    return lookup.about(Filters=[{"Name": name, "Values": [*map(literal, values)]}], **params)


def _operation(lookup: Lookup) -> str:
    return f"{lookup.service}:{lookup.operation} "


def _page(lookup: Lookup) -> str:
    return f"{_operation(lookup)}{_PAGE}"
