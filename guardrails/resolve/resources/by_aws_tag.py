"""EKS node groups and Elastic Beanstalk environments: by the tags that AWS writes on their machines."""

from __future__ import annotations

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources.machines import of_machines, tagged

_nodes_of = tagged("eks:cluster-name", "kubernetes.io/cluster/", "alpha.eksctl.io/cluster-name")
_grouped_in = tagged("eks:nodegroup-name", "alpha.eksctl.io/nodegroup-name")


def _node_group(inventory: Inventory, name: str) -> list[Machine]:
    """``CLUSTER/GROUP``: several clusters may have a group of one name."""
    cluster, _, group = name.partition("/")
    nodes = {machine.id for machine in _nodes_of(inventory, cluster)}
    return [machine for machine in _grouped_in(inventory, group) if machine.id in nodes]


RESOLVERS = {
    "eks-nodegroup": of_machines("eks-nodegroup", _node_group),
    "eb-environment": of_machines(
        "eb-environment", tagged("elasticbeanstalk:environment-id", "elasticbeanstalk:environment-name")
    ),
}
