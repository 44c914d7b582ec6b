"""EKS node groups and Elastic Beanstalk environments: by the tags that AWS writes on their machines.

A node group is described, too: its Auto Scaling groups may have machines without these tags, and it has its own tags.
https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html
"""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources.machines import of_machines, tagged, target
from guardrails.resolve.resources.resolver import Context, Item, Resolver, named, strings, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_GROUP = "eks-nodegroup"
_DESCRIBED = Lookup("eks", "DescribeNodegroup", "nodegroup", empty_on=("ResourceNotFoundException",))
_nodes_of = tagged("eks:cluster-name", "kubernetes.io/cluster/", "alpha.eksctl.io/cluster-name")
_grouped_in = tagged("eks:nodegroup-name", "alpha.eksctl.io/nodegroup-name")


def _lookup(name: str) -> Lookup:
    """``CLUSTER/GROUP``: several clusters may have a group of one name."""
    cluster, _, group = name.partition("/")
    return _DESCRIBED.about(clusterName=cluster, nodegroupName=group)


def _lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    return tuple(_lookup(name) for name in named(call, _GROUP))


def _machines(inventory: Inventory, name: str, described: tuple[Item, ...]) -> list[Machine]:
    cluster, _, group = name.partition("/")
    nodes = {machine.id for machine in _nodes_of(inventory, cluster)}
    found = {machine.id: machine for machine in _grouped_in(inventory, group) if machine.id in nodes}
    for item in described:
        for name_of_group in strings("resources.autoScalingGroups[].name", item):
            members = inventory.with_tag("aws:autoscaling:groupName", name_of_group)
            found.update((machine.id, machine) for machine in members)
    return [*found.values()]


def _node_group(ref: TargetRef, context: Context) -> Target:
    lookup = _lookup(ref.id)
    described = tuple(
        item for item in context.items(lookup) if item.get("nodegroupName") == lookup.params["nodegroupName"]
    )
    machines = _machines(context.inventory, ref.id, described)
    if not described and not machines:
        return unknown(ref, _GROUP)
    found = target(ref, _GROUP, machines)
    tags = next((item.get("tags") or {} for item in described), {})
    return evolve(found, tags=tags, clusters=context.inventory.carried(tags, found.clusters))


RESOLVERS = {
    _GROUP: Resolver(_node_group, (_DESCRIBED,), _lookups),
    "eb-environment": of_machines(
        "eb-environment", tagged("elasticbeanstalk:environment-id", "elasticbeanstalk:environment-name")
    ),
}
