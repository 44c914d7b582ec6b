"""Look-ups of elastic load balancing, and what their answers say about where a listener sends requests.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.resolve.region import Region, in_network, machines_in
from guardrails.values import Answer, Lookup

BALANCERS = Lookup("elbv2", "DescribeLoadBalancers", "LoadBalancers", empty_on=("LoadBalancerNotFound",))
GROUPS = Lookup(
    "elbv2", "DescribeTargetGroups", "TargetGroups", empty_on=("LoadBalancerNotFound", "TargetGroupNotFound")
)
LISTENERS = Lookup("elbv2", "DescribeListeners", "Listeners", empty_on=("LoadBalancerNotFound", "ListenerNotFound"))
RULES = Lookup("elbv2", "DescribeRules", "Rules", empty_on=("ListenerNotFound", "RuleNotFound"))
REGISTERED = Lookup("elbv2", "DescribeTargetHealth", "TargetHealthDescriptions", empty_on=("TargetGroupNotFound",))
CLASSIC = Lookup("elb", "DescribeLoadBalancers", "LoadBalancerDescriptions")
IN_SERVICE = Lookup("elb", "DescribeInstanceHealth", "InstanceStates", empty_on=("LoadBalancerNotFound",))
# arn:…:listener/app/NAME/ID/ID and arn:…:listener-rule/app/NAME/ID/ID/ID belong to arn:…:loadbalancer/app/NAME/ID
_PART = re.compile(r"(?P<head>arn:.*:)listener(?:-rule)?/(?P<name>(?:app|net|gwy)/[^/]+/[^/]+)/.*")
# A target in one of these states gets requests, at least those of connections that exist.
_SERVING = frozenset(("healthy", "draining"))
# For how many machines it is asked whether they are registered with an empty group.
_ASKED = 100


def balancer_of(name: str) -> str:
    """The ARN of the balancer that a listener or rule belongs to; any other name unchanged."""
    part = _PART.fullmatch(name)
    return f"{part['head']}loadbalancer/{part['name']}" if part else name


def registered_with(group: str) -> Lookup:
    """What is registered with a target group, and how healthy it is."""
    return REGISTERED.about(TargetGroupArn=group)


def listeners_of(balancer: str) -> Lookup:
    """The listeners of a balancer."""
    return LISTENERS.about(LoadBalancerArn=balancer)


def rules_of(listener: str) -> Lookup:
    """The rules of a listener, the default one among them."""
    return RULES.about(ListenerArn=listener)


def weights(actions: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """The target groups that these actions forward to, each with its weight; one without a weight has 1."""
    for action in actions:
        groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
        if groups:
            yield from ((group.get("TargetGroupArn") or "", int(group.get("Weight", 1))) for group in groups)
        elif action.get("TargetGroupArn"):
            yield action["TargetGroupArn"], 1


def receiving(registered: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the registered targets that get requests: healthy and draining ones, or all where none is healthy.

    A balancer without a healthy target sends requests to all of them ("fail open",
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health.html).
    """
    items = [*registered]
    states = [(item.get("TargetHealth") or {}).get("State") for item in items]
    if "healthy" not in states:
        return items
    return [item for item, state in zip(items, states, strict=True) if state in _SERVING]


def control(group: Mapping[str, Any], answers: Mapping[str, Answer]) -> Lookup | None:
    """Asks for the health of machines in the group's network: AWS answers for those that are not registered, too.

    In a large region it first asks for some machines of that network.
    """
    member = {"instance": "InstanceId", "ip": "PrivateIpAddress"}.get(str(group.get("TargetType")), "")
    region, some = Region.of(answers), in_network(str(group.get("VpcId") or ""))
    if member and not region.whole and some.key() not in answers:
        return some
    there = region.machines() if region.whole else machines_in(answers[some.key()].items if member else ())
    running = [machine for machine in there if (machine.get("State") or {}).get("Name") == "running"]
    ids = [machine[member] for machine in running if member in machine and machine.get("VpcId") == group.get("VpcId")]
    targets = [{"Id": name} for name in sorted(ids)[:_ASKED]]
    return REGISTERED.about(TargetGroupArn=group["TargetGroupArn"], Targets=targets) if targets else None


def confirmed(lookup: Lookup, items: Iterable[Mapping[str, Any]]) -> bool:
    """Whether AWS says of every machine that a `control` asks about that it is not registered."""
    if "Targets" not in lookup.params:
        return False
    outside = {
        target_id(item) for item in items if (item.get("TargetHealth") or {}).get("Reason") == "Target.NotRegistered"
    }
    return all(target["Id"] in outside for target in lookup.params["Targets"])


def members_of_groups(answers: Mapping[str, Answer]) -> list[tuple[str, str]]:
    """The ids or addresses of what is behind a load balancer, each with the name of its target group."""
    groups = answers[GROUPS.key()].items if GROUPS.key() in answers else ()
    members: list[tuple[str, str]] = []
    for group in groups:
        answer = answers.get(registered_with(group["TargetGroupArn"]).key()) if group.get("LoadBalancerArns") else None
        name = str(group.get("TargetGroupName") or group["TargetGroupArn"])
        members += [(target_id(item), name) for item in (answer.items if answer else ())]
    return members


def not_serving(answers: Mapping[str, Answer]) -> set[str]:
    """The ids or addresses of what is registered behind load balancers, and neither healthy nor draining with any."""
    groups = answers[GROUPS.key()].items if GROUPS.key() in answers else ()
    keys = [registered_with(group["TargetGroupArn"]).key() for group in groups if group.get("LoadBalancerArns")]
    items = [item for key in keys if key in answers for item in answers[key].items]
    serving = {target_id(item) for item in items if (item.get("TargetHealth") or {}).get("State") in _SERVING}
    return {target_id(item) for item in items} - serving


def target_id(item: Mapping[str, Any]) -> str:
    """The id of a registered target: of a machine or a balancer, or an address."""
    return str((item.get("Target") or {}).get("Id") or "")


def machines_of(name: str, inventory: Inventory) -> list[Machine]:
    """The machines that a registered target stands for, by id or private address."""
    return [*inventory.on("instance", name), *inventory.on("private-ip", name)]
