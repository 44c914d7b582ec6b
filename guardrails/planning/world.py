"""The world as it would be: what the calls of a plan made, changed and ended, laid over the answers of AWS.

Of each thing that a planned call touches, the world has the whole item as a read would describe it, or None where it
is gone. An answer loses these items, and gets back those that the request asks for, as they would be.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field
from botocore.model import ServiceModel

from guardrails.planning import filters
from guardrails.planning.kinds import listings, noun_of
from guardrails.planning.rows import Page, rows_of
from guardrails.values import frozen

Item = Mapping[str, Any]
# The service, the place and the noun, and the id.
Key = tuple[str, str, str, str]
# The states of a target in its group, by group and id; None where it is deregistered.
TARGETS = "TargetHealth"
# What DescribeInstanceAttribute says of a machine, as far as it was changed.
ATTRIBUTES = "InstanceAttribute"
# Which machines were started by one call.
RESERVATION = "Reservation"
# Services of so many kinds of things that an unknown change of one says nothing about most others.
_LARGE = frozenset(("ec2",))
# What they show belongs to other services.
OF_EVERYTHING = frozenset(("tagging", "resource-groups", "resource-explorer-2", "config"))
# Between the account and the region of a place.
_IN = "/"
_WORD = re.compile(r"[A-Z][a-z]+")


def place_of(account: str | None, region: str) -> str:
    """Where a call is made. Two accounts may have things of one name; "" is an account that AWS does not say."""
    return f"{account or ''}{_IN}{region}"


@frozen
class Change:
    """What a planned call makes of one thing; `item` is None where it is gone. `place` is as `place_of` writes it."""

    service: str
    place: str
    noun: str
    id: str
    item: Item | None

    @property
    def key(self) -> Key:
        return self.service, self.place, self.noun, self.id


@frozen
class Seen:
    """An answer as it would be; `certain` is false where the plan does not know whether something belongs in it.

    `shown` are the ids of what was changed that it or an earlier page shows.
    """

    answer: dict[str, Any]
    certain: bool = True
    shown: frozenset[str] = frozenset()


@frozen
class World:
    """What a plan has changed so far.

    `unseen` says where it does not know what a call changed: the service, the place and the noun of the call; or "*"
    for any service, the place and the service of the call.
    """

    things: Mapping[Key, Item | None] = field(factory=dict)
    unseen: frozenset[tuple[str, str, str]] = field(factory=frozenset)

    def after(self, changes: Iterable[Change], unseen: Iterable[tuple[str, str, str]] = ()) -> World:
        """The world after these changes as well."""
        return World({**self.things, **{each.key: each.item for each in changes}}, self.unseen.union(unseen))

    def of_kind(self, service: str, place: str, noun: str) -> dict[str, Item | None]:
        """What was changed of this kind, by id."""
        return {key[3]: item for key, item in self.things.items() if key[:3] == (service, place, noun)}

    def touches(self, service: str, place: str) -> bool:
        """Whether an answer of this service may look different. Of a region alone: in any account."""
        return any(
            (key[1] == place or key[1].endswith(f"{_IN}{place}"))
            and (key[0] in (service, "*") or service in OF_EVERYTHING)
            for key in (*self.unseen, *self.things)
        )

    def is_certain(self, service: str, place: str, operation: str) -> bool:
        """False where a read may show what an earlier call changed, and the world does not know it."""
        if service in OF_EVERYTHING or (service, operation) == ("ec2", "DescribeTags"):
            return not self.touches(service, place)
        if any(whose == "*" and where == place and noun != service for whose, where, noun in self.unseen):
            return False
        nouns = {noun for whose, where, noun in self.unseen if (whose, where) == (service, place)}
        if service not in _LARGE:
            return not nouns
        words = {_first_word(noun) for noun in nouns}
        return not words & {_first_word(noun_of(operation)[1]), ""}

    def named(
        self, model: ServiceModel, service: str, operation: str, place: str, params: Item
    ) -> dict[str, Item | None]:
        """The things that a read names by their ids, and that the plan has made, changed or ended."""
        found: dict[str, Item | None] = {}
        for listing in listings(model, service, operation):
            changed = self.of_kind(service, place, listing.noun)
            found |= {each: changed[each] for each in filters.ids_in(params, listing.key) if each in changed}
        return found

    def seen(
        self,
        model: ServiceModel,
        service: str,
        operation: str,
        place: str,
        params: Item,
        answer: Item,
        earlier: frozenset[str] = frozenset(),
    ) -> Seen:
        """The answer to this read as it would be. `answer` is AWS's, or {} where it was not asked.

        `earlier` are the ids that earlier pages of it have shown.
        """
        shown = earlier
        certain, made = self.is_certain(service, place, operation), dict(answer)
        if operation == "DescribeInstanceAttribute":
            own = self.of_kind(service, place, ATTRIBUTES).get(str(params.get("InstanceId"))) or {}
            new = {name: [own[name]] if isinstance(made[name], list) else own[name] for name in own if name in made}
            return Seen({**made, **new}, certain)
        if operation == "DescribeTargetHealth":
            return Seen(_with_targets(made, self.of_kind(service, place, TARGETS), params), certain)
        for listing in listings(model, service, operation):
            changed = self.of_kind(service, place, "Instance" if listing.noun == "InstanceStatus" else listing.noun)
            if changed and listing.single:
                item = next((changed[each] for each in filters.ids_in(params, listing.key) if each in changed), None)
                made |= {listing.member: copy.deepcopy(item)} if item is not None else {}
            elif changed:
                found = rows_of(listing, made, Page(changed, earlier, self._reservations(service, place)), params)
                made[listing.member], shown = found.rows, shown | found.shown
                certain = certain and found.certain
        return Seen(made, certain, shown)

    def _reservations(self, service: str, place: str) -> dict[str, str]:
        """The reservation of each new machine."""
        every = self.of_kind(service, place, RESERVATION)
        return {machine: name for name, item in every.items() for machine in (item or {}).get("ids", ())}


def _with_targets(answer: dict[str, Any], changed: Mapping[str, Item | None], params: Item) -> dict[str, Any]:
    group = str(params.get("TargetGroupArn", ""))
    mine = {key.partition("|")[2]: item for key, item in changed.items() if key.partition("|")[0] == group}
    if not mine:
        return answer
    rows = [row for row in answer.get("TargetHealthDescriptions") or () if row["Target"]["Id"] not in mine]
    wanted = {each["Id"] for each in params.get("Targets") or ()}
    new = [
        item or {"Target": {"Id": name}, "TargetHealth": {"State": "unused", "Reason": "Target.NotRegistered"}}
        for name, item in mine.items()
        if (item is not None and not wanted) or name in wanted
    ]
    return {**answer, "TargetHealthDescriptions": [*rows, *new]}


def _first_word(noun: str) -> str:
    """``Route`` for ``RouteTable``."""
    found = _WORD.match(noun)
    return found[0].removesuffix("s") if found else noun
