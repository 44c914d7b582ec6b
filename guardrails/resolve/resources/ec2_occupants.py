"""Who depends on a network: the machines in subnets and VPCs, and those behind a NAT gateway there.

The machines come from the region's inventory. Interfaces show the machines that the inventory lacks, such as those of
another account in a shared VPC: whose they are is unknown. A NAT gateway serves the subnets whose routes point at it,
wherever it stands (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from guardrails.resolve.lists import INTERFACES, ROUTE_TABLES
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources.resolver import Context, Item, strings, uncertain
from guardrails.values import EMPTY, Lookup, Target, TargetFacts, TargetRef, frozen

NAT_GATEWAYS = Lookup("ec2", "DescribeNatGateways", "NatGateways")
# What `in_subnets`, `in_vpc` and `routed` read.
ASKS = (INTERFACES, NAT_GATEWAYS, ROUTE_TABLES)
_SUBNETS = "Associations[].SubnetId"
_GONE = ("deleted", "deleting", "failed")


@frozen
class Occupants:
    """Clusters, and the ids of machines whose cluster is unknown: `untagged` ones and `missing` ones."""

    clusters: frozenset[str] = frozenset()
    untagged: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    def __or__(self, other: Occupants) -> Occupants:
        return Occupants(self.clusters | other.clusters, self.untagged | other.untagged, self.missing | other.missing)

    @property
    def facts(self) -> TargetFacts:
        """The facts of a target that these depend on."""
        return uncertain(self.untagged, self.missing)


def occupied(
    ref: TargetRef,
    kind: str,
    occupants: Occupants,
    context: Context,
    tags: Mapping[str, str] = EMPTY,
    facts: TargetFacts | None = None,
) -> Target:
    """A target that these depend on: it carries their clusters, and the cluster of its own tag."""
    clusters = context.inventory.carried(tags, occupants.clusters)
    known: TargetFacts = {**(facts or TargetFacts()), **occupants.facts}
    resolved = not occupants.missing
    return Target(ref.id, kind, ref.role, resolved=resolved, clusters=clusters, tags=tags, facts=known)


def in_subnets(subnets: Iterable[str], context: Context) -> Occupants:
    """Everything in these subnets."""
    ids = {*subnets}
    machines = [machine for subnet in ids for machine in context.inventory.on("subnet", subnet)]
    return _in_subnets(ids, machines, context)


def in_vpc(vpc: str | None, context: Context) -> Occupants:
    """Everything in this VPC."""
    return _in_vpc(vpc, context.inventory.on("vpc", vpc), lambda _subnet: True, context)


def routed(table: Item, context: Context, *, through_nat: bool = True) -> Occupants:
    """Everything whose routes this table has. The main table of a VPC also serves every subnet without its own."""
    ids, vpc = {*strings(_SUBNETS, table)}, table.get("VpcId")
    inventory = context.inventory
    machines = [machine for subnet in ids for machine in inventory.on("subnet", subnet)]
    if not any(association.get("Main") for association in table.get("Associations") or []):
        return _in_subnets(ids, machines, context, through_nat=through_nat)
    # Of the main table, no other table of its VPC has the subnets.
    others = [other for other in _tables_of(vpc, context) if other is not table]
    elsewhere = {subnet for other in others for subnet in strings(_SUBNETS, other)}
    machines += [machine for machine in inventory.on("vpc", vpc) if not {*machine.subnets} <= elsewhere]
    return _in_vpc(
        vpc, machines, lambda subnet: subnet in ids or subnet not in elsewhere, context, through_nat=through_nat
    )


def behind_nat(gateway: Item, context: Context) -> Occupants:
    """Everything that reaches the internet through this NAT gateway: only tables of its VPC can lead there."""
    tables = _tables_of(gateway.get("VpcId"), context)
    # Every VPC has a table. Of all tables, other checks show whether the answer can be true.
    shown = tables or not context.lists.is_long(ROUTE_TABLES)
    behind = Occupants() if shown else Occupants(missing=frozenset([gateway["NatGatewayId"]]))
    for table in tables:
        if gateway["NatGatewayId"] in strings("Routes[].NatGatewayId", table):
            behind |= routed(table, context, through_nat=False)
    return behind


def _tables_of(vpc: str | None, context: Context) -> tuple[Item, ...]:
    return context.lists.part(ROUTE_TABLES, "vpc-id", [vpc] if vpc else ())


def _in_subnets(ids: set[str], machines: Iterable[Machine], context: Context, *, through_nat: bool = True) -> Occupants:
    interfaces = context.lists.part(INTERFACES, "subnet-id", ids)
    gateways = [each for each in context.items(NAT_GATEWAYS) if through_nat and each.get("SubnetId") in ids]
    return _occupants(machines, interfaces, gateways, context)


def _in_vpc(
    vpc: str | None,
    machines: Iterable[Machine],
    inside: Callable[[str | None], bool],
    context: Context,
    *,
    through_nat: bool = True,
) -> Occupants:
    """These machines, and what interfaces and NAT gateways show of the subnets that are `inside`."""
    interfaces = context.lists.part(INTERFACES, "vpc-id", [vpc] if vpc else ())
    gateways = [each for each in context.items(NAT_GATEWAYS) if through_nat and each.get("VpcId") == vpc]
    return _occupants(
        machines,
        [each for each in interfaces if inside(each.get("SubnetId"))],
        [each for each in gateways if inside(each.get("SubnetId"))],
        context,
    )


def _occupants(
    machines: Iterable[Machine], interfaces: Iterable[Item], gateways: Iterable[Item], context: Context
) -> Occupants:
    """These machines, what holds the interfaces, and what is behind the gateways."""
    machines = [*machines]
    holders = ((interface.get("Attachment") or {}).get("InstanceId") for interface in interfaces)
    everything = Occupants(
        frozenset(machine.cluster for machine in machines if machine.cluster),
        frozenset(machine.id for machine in machines if machine.cluster is None),
        frozenset(context.inventory.missing(holders)),
    )
    for gateway in gateways:
        if gateway.get("State") not in _GONE:
            everything |= behind_nat(gateway, context)
    return everything
