"""Machines and interfaces that routes lead to: NAT machines, firewalls, routers. What is behind them needs them to run.

A route to an interface of a machine names the machine, too: its filter finds both.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from attrs import evolve

from guardrails.resolve import lists
from guardrails.resolve.lists import INTERFACES, ROUTE_TABLES, Lists
from guardrails.resolve.region import Region
from guardrails.resolve.resources.ec2_occupants import ASKS, NAT_GATEWAYS, Occupants, routed
from guardrails.resolve.resources.resolver import Answers, Context, Item, merged, named, strings
from guardrails.values import Call, Lookup, Target, TargetFacts

_INSTANCE, _BY_INSTANCE = "InstanceId", "route.instance-id"
# After any other effect, packets go through it as before.
_CUTS = frozenset(("terminate", "stop", "replace", "network"))
KINDS = ("instance", "eni", "eni-attachment")
__all__ = ["ASKS", "KINDS", "followups", "lookups", "of_long_list", "with_routes"]


def lookups(call: Call) -> tuple[Lookup, ...]:
    """All route tables: they are the same for every machine, so many calls share one answer."""
    acts = any(target.type in KINDS and target.role == "target" for target in call.targets)
    return (ROUTE_TABLES,) if acts and not _CUTS.isdisjoint(call.effects) else ()


def of_long_list(call: Call) -> Iterator[Lookup]:
    """The same where there are known to be more tables than a page."""
    machines = named(call, "instance")
    if machines and lookups(call):
        yield from lists.parts(ROUTE_TABLES, _BY_INSTANCE, machines)


def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """What shows who is behind a machine or an interface, where a route leads to one that the call names."""
    if not lookups(call) or not lists.is_known(ROUTE_TABLES, answers):
        return ()
    ids = {*named(call, *KINDS)}
    known = Lists(answers)
    machines = [machine for machine in Region.of(answers).machines() if machine["InstanceId"] in ids]
    ids |= {name for machine in machines for name in strings("NetworkInterfaces[].NetworkInterfaceId", machine)}
    for eni in known.items(INTERFACES) if lists.is_known(INTERFACES, answers) else ():
        held = eni.get("Attachment") or {}
        if not ids.isdisjoint((eni.get("NetworkInterfaceId"), held.get("AttachmentId"))):
            ids |= {str(eni.get("NetworkInterfaceId")), str(held.get(_INSTANCE))}
    return (INTERFACES, NAT_GATEWAYS) if any(_leads(table, ids) for table in known.items(ROUTE_TABLES)) else ()


def with_routes(target: Target, ids: Iterable[str | None], context: Context) -> Target:
    """The target, which also carries the clusters whose routes lead to one of these machines and interfaces."""
    if target.role != "target" or not lookups(context.call):
        return target
    wanted = {each for each in ids if each}
    # What is open of a long list is asked for.
    context.lists.part(ROUTE_TABLES, _BY_INSTANCE, {each for each in wanted if each.startswith("i-")})
    behind = Occupants()
    for table in context.lists.items(ROUTE_TABLES):
        if _leads(table, wanted):
            behind |= routed(table, context)
    own = target.clusters
    if not (behind.clusters - {*own} or behind.untagged - wanted or behind.missing):
        return target
    untagged = {*target.facts.get("untagged", ()), *(behind.untagged - wanted)}
    facts: TargetFacts = {**target.facts, "routes": sorted(behind.clusters - {*own}), "untagged": sorted(untagged)}
    if behind.missing:
        facts["missing"] = sorted({*target.facts.get("missing", ()), *behind.missing})
    return evolve(
        target,
        resolved=target.resolved and not behind.missing,
        clusters=merged(own, behind.clusters),
        facts=facts,
    )


def _leads(table: Item, ids: Collection[str]) -> bool:
    return any(
        route.get(name) in ids for route in table.get("Routes") or () for name in (_INSTANCE, "NetworkInterfaceId")
    )
