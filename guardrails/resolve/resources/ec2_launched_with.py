"""What machines were launched from or with, or belong to by AWS's own tags: the machines of the region tell.

An image, a key, a group or a Kubernetes cluster that no machine has carries no cluster, whether AWS knows it or not:
nothing runs that could be hurt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from guardrails.resolve.inventory import USES, Inventory, Machine
from guardrails.resolve.resources.ec2_instances import machine_facts
from guardrails.resolve.resources.resolver import Context, Resolver, last_part, merged, no_lookups
from guardrails.values import Target, TargetRef

Find = Callable[[Inventory, str], list[Machine]]


def _by(kind: str) -> Find:
    return lambda inventory, name: inventory.on(kind, last_part(name))


def _tagged(*keys: str) -> Find:
    """Machines with the name in one of these tags; in a key that ends with a slash the name is the rest of the key."""

    def find(inventory: Inventory, name: str) -> list[Machine]:
        short = last_part(name)
        found: dict[str, Machine] = {}
        for key in keys:
            pairs = [f"{key}{short}={value}" for value in ("owned", "shared")] if key[-1] == "/" else [f"{key}={short}"]
            found.update((machine.id, machine) for pair in pairs for machine in inventory.on("tag", pair))
        return list(found.values())

    return find


_KUBERNETES = _tagged("eks:cluster-name", "kubernetes.io/cluster/", "alpha.eksctl.io/cluster-name")


def _node_group(inventory: Inventory, name: str) -> list[Machine]:
    """``CLUSTER/GROUP``; the name of a group alone may occur in several clusters."""
    cluster, _, group = name.partition("/")
    nodes = {machine.id for machine in _KUBERNETES(inventory, cluster)}
    grouped = _tagged("eks:nodegroup-name", "alpha.eksctl.io/nodegroup-name")(inventory, group)
    return [machine for machine in grouped if machine.id in nodes]


_FINDS: Mapping[str, Find] = {
    "vpc": _by("vpc"),
    **{kind: _by(kind) for kind in USES},
    "eks-cluster": _KUBERNETES,
    "eks-nodegroup": _node_group,
    "eb-environment": _tagged("elasticbeanstalk:environment-id", "elasticbeanstalk:environment-name"),
    "launch-configuration": _tagged("aws:autoscaling:launchConfigurationName"),
}


def _resolver(kind: str, find: Find) -> Resolver:
    def resolve(ref: TargetRef, context: Context) -> Target:
        machines = find(context.inventory, ref.id)
        return Target(
            ref.id,
            kind,
            ref.role,
            resolved=True,
            clusters=merged(machine.cluster for machine in machines),
            facts=machine_facts(machines),
        )

    return Resolver(no_lookups, resolve)


RESOLVERS = {kind: _resolver(kind, find) for kind, find in _FINDS.items()}
