"""What a planned call does to the world, for calls whose effect on later reads is known.

An effect has the changes, and what of the answer the service model alone would not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve, field
from botocore.model import ServiceModel

from guardrails.planning.answers import item_of
from guardrails.planning.kinds import CHANGES, ENDS, MAKES, Listing, noun_of, reader
from guardrails.planning.planned_ids import PlannedIds
from guardrails.planning.world import Change, Item, place_of
from guardrails.values import Call, Lookup, frozen

INSTANCES = Lookup("ec2", "DescribeInstances", "Reservations")


@frozen
class Effect:
    """`known` is false where later reads of the same kind may show something that the plan does not know.

    `unseen` are other kinds for which that holds: services with their nouns.
    """

    changes: tuple[Change, ...] = ()
    answer: Mapping[str, Any] = field(factory=dict)
    known: bool = True
    unseen: tuple[tuple[str, str], ...] = ()


@frozen
class Planned:
    """A call that would change something. `find` returns the items of a look-up as they would be now.

    `params` are those of the request, whole; `botocore` is what botocore calls the service.
    """

    call: Call
    params: Mapping[str, Any]
    model: ServiceModel
    ids: PlannedIds
    find: Callable[[Lookup], tuple[Item, ...]]
    ask_account: Callable[[], str]

    @property
    def account(self) -> str:
        """The account that the call is made in, "" where AWS does not say."""
        return self.ask_account()

    @property
    def place(self) -> str:
        """Where the call is made, see world.py."""
        return place_of(self.call.account, self.call.region)

    def change(self, noun: str, name: str, item: Item | None) -> Change:
        return Change(self.call.service, self.place, noun, name, item)

    def machines(self, ids: Iterable[str]) -> list[Item]:
        """The machines with these ids."""
        wanted = [*ids]
        if not wanted:
            return []
        asked = INSTANCES.about(Filters=[{"Name": "instance-id", "Values": wanted}])
        return [
            machine
            for reservation in self.find(asked)
            for machine in reservation.get("Instances") or ()
            if machine["InstanceId"] in wanted
        ]

    def things(self, noun: str, names: Iterable[str]) -> list[Item]:
        """The things of this kind with these ids, as their own read describes them."""
        found = reader(self.model, self.call.service, noun)
        if found is None:
            return []
        operation, listing = found
        members = operation.input_shape.members if operation.input_shape is not None else {}
        plural, wanted = f"{listing.key}s", [*names]
        params: Mapping[str, Any] = {}
        if listing.single and len(wanted) > 1:
            return []
        if plural in members:
            params = {plural: wanted}
        elif listing.key in members and len(wanted) == 1:
            params = {listing.key: wanted[0]}
        service = self.model.service_name
        if listing.single and not params:
            return []
        items = self.find(Lookup(service, operation.name, listing.member, params))
        return [item for item in items if item.get(listing.key) in wanted]


def effect_of(planned: Planned) -> Effect:
    """The effect of a call by its own function, else by what its name says of a thing that reads describe."""
    own = OWN.get((planned.call.service, planned.call.operation))
    effect = own(planned) if own is not None else by_name(planned)
    # These start and end machines as they need them.
    machines = planned.call.service in ("elasticbeanstalk", "eks", "elasticmapreduce", "opsworks", "batch")
    return evolve(effect, unseen=(*effect.unseen, ("ec2", "Instance"))) if machines else effect


def register(service: str, *operations: str) -> Callable[[Callable[[Planned], Effect]], Callable[[Planned], Effect]]:
    """Marks the function that knows the effect of these operations."""

    def keep(function: Callable[[Planned], Effect]) -> Callable[[Planned], Effect]:
        OWN.update({(service, operation): function for operation in operations})
        return function

    return keep


OWN: dict[tuple[str, str], Callable[[Planned], Effect]] = {}


def by_name(planned: Planned) -> Effect:
    """What the name of a call says: it makes, changes or ends things of the kind that its noun names."""
    verb, noun = noun_of(planned.call.operation)
    found = reader(planned.model, planned.call.service, noun)
    if found is None:
        return Effect(known=False)
    listing = found[1]
    named = _named(planned.params, listing.key)
    if verb in ENDS and named:
        return Effect(tuple(planned.change(noun, name, None) for name in named))
    if verb in MAKES and verb != "Register":
        shape: Any = found[0].output_shape
        member = shape.members[listing.member]
        return _made(planned, noun, listing, member if listing.single else member.member)
    if verb in CHANGES and named:
        items = planned.things(noun, named)
        changed = {name: value for name, value in planned.params.items() if name in (items[0] if items else ())}
        changes = tuple(planned.change(noun, item[listing.key], {**item, **changed}) for item in items)
        return Effect(changes, known=bool(items))
    return Effect(known=False)


def _made(planned: Planned, noun: str, listing: Listing, shape: Any) -> Effect:
    """A new thing, which has the id or name that the request gives it."""
    named = _named(planned.params, listing.key)
    key = listing.key
    ids: dict[str, Any] = {key: named[0] if named else _new_id(planned, noun, key, shape.members[key])}
    arn = next((name for name in shape.members if name in (f"{noun}Arn", "Arn")), "")
    if arn and arn not in ids:
        ids[arn] = _arn(planned, noun)
    if "OwnerId" in shape.members:
        ids["OwnerId"] = planned.account
    if isinstance(planned.params.get("Name"), str) and f"{noun}Name" in shape.members:
        ids.setdefault(f"{noun}Name", planned.params["Name"])
    ids |= _endpoints(planned, shape)
    item = item_of(shape, planned.params, ids)
    return Effect((planned.change(noun, str(ids[listing.key]), item),), item)


# The usual ports of databases, by the first letters of their engine; others listen at 5432.
_PORTS = {"mysql": 3306, "maria": 3306, "auror": 3306, "oracl": 1521, "sqlse": 1433, "redis": 6379, "valke": 6379}


def _endpoints(planned: Planned, shape: Any) -> dict[str, Any]:
    """Where a new thing can be reached, in the form of its read."""
    made: dict[str, Any] = {}
    for member in ("Endpoint", "ReaderEndpoint", "ConfigurationEndpoint", "DNSName"):
        own = shape.members.get(member)
        if own is None:
            continue
        host = f"{planned.ids.other()}.{planned.call.region}.{planned.model.endpoint_prefix}.amazonaws.com"
        if own.type_name == "string":
            made[member] = host
        elif own.type_name == "structure" and "Address" in own.members:
            port = planned.params.get("Port") or _PORTS.get(str(planned.params.get("Engine"))[:5], 5432)
            made[member] = {"Address": host, "Port": port}
    return made


def _new_id(planned: Planned, noun: str, key: str, shape: Any) -> str:
    if planned.call.service == "ec2":
        return planned.ids.ec2(noun)
    # Some requests call the name of a thing just that.
    given = planned.params.get("Name")
    if isinstance(given, str) and key.endswith("Name"):
        return given
    return _arn(planned, noun) if key.endswith("Arn") else planned.ids.fitting(shape)


def _arn(planned: Planned, noun: str) -> str:
    signing = planned.model.signing_name
    kind, name = _kind_in_arn(planned, noun), planned.params.get("Name")
    return planned.ids.arn(signing, planned.call.region, planned.account, f"{kind}/{name}" if name else kind)


# Which balancer a listener belongs to, and which listener a rule, is read from their ARNs.
_WITHIN = {"Listener": ("LoadBalancerArn", "loadbalancer/", "listener/"),
           "Rule": ("ListenerArn", "listener/", "listener-rule/")}  # fmt: skip
_BALANCERS = {"network": "net", "gateway": "gwy"}


def _kind_in_arn(planned: Planned, noun: str) -> str:
    params, kind = planned.params, noun.lower()
    if planned.call.service != "elbv2":
        return kind
    if noun == "LoadBalancer":
        return f"{kind}/{_BALANCERS.get(str(params.get('Type')), 'app')}"
    name, own, new = _WITHIN.get(noun, ("", "", ""))
    return str(params[name]).rpartition(":")[2].replace(own, new, 1) if name in params else kind


def _named(params: Mapping[str, Any], key: str) -> list[str]:
    for name, value in params.items():
        if name.lower() in (key.lower(), f"{key}s".lower()):
            return [str(each) for each in value] if isinstance(value, list) else [str(value)]
    return []
