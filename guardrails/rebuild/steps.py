"""The calls of a rebuild: machines that are alike start in one call, and the calls follow each other in waves."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guardrails.rebuild.machine import Machine
from guardrails.values import EMPTY, frozen

# How many machines each wave has; the last is for all others.
WAVES = (1, 5, 25)
# AWS starts all machines of a call or none, so a larger one fails more often.
_LARGEST = 100


@frozen
class Step:
    """A call. `machines` are the ids of the old machines that it is for.

    `key` is the same in every run of the same plan. `params` of RunInstances are without the token.
    """

    key: str
    service: str
    operation: str
    params: Mapping[str, Any]
    machines: tuple[str, ...] = ()
    own_tags: Mapping[str, Mapping[str, str]] = EMPTY

    @property
    def count(self) -> int:
        """How many machines it starts."""
        return len(self.machines)


def waves_of(machines: Sequence[Machine], sizes: Sequence[int] = WAVES) -> list[list[Machine]]:
    """The machines in waves."""
    waves, at = [], 0
    for size in (*sizes, len(machines)):
        if machines[at : at + size]:
            waves.append(list(machines[at : at + size]))
        at += size
    return waves


def launches(
    waves: Iterable[Sequence[Machine]],
    subnet_of: Mapping[str, str],
    groups: Mapping[str, Mapping[str, Any]],
    wanted: Mapping[str, int],
) -> list[list[Step]]:
    """The calls of each wave that start machines.

    `groups` are the Auto Scaling groups as they are now, `wanted` their sizes before the loss. A group that has its
    size still replaces machines by itself, without a call.
    """
    made: list[list[Step]] = []
    grown: dict[str, int] = {name: int(group["desired"]) for name, group in groups.items()}
    for number, wave in enumerate(waves, 1):
        alike: dict[str, list[Machine]] = defaultdict(list)
        of_group: dict[str, list[Machine]] = defaultdict(list)
        for machine in wave:
            if machine.group in groups:
                of_group[machine.group].append(machine)
            elif not machine.group:
                alike[_spec(machine, subnet_of[machine.id])].append(machine)
        batches = [batch for each in alike.values() for batch in _batches(each)]
        steps = [_launch(f"w{number}b{n}", batch, subnet_of[batch[0].id]) for n, batch in enumerate(batches, 1)]
        for name, members in of_group.items():
            size = min(grown[name] + len(members), wanted.get(name, grown[name]))
            if size > grown[name]:
                steps.append(_growth(f"w{number}g{name}", name, size, groups[name], members))
                grown[name] = size
        made.append(steps)
    return made


def _spec(machine: Machine, subnet: str) -> str:
    return json.dumps([machine.launch, subnet], sort_keys=True, default=str)


def _batches(machines: Sequence[Machine]) -> Iterable[Sequence[Machine]]:
    return (machines[start : start + _LARGEST] for start in range(0, len(machines), _LARGEST))


def _launch(key: str, batch: Sequence[Machine], subnet: str) -> Step:
    own = [_editable(machine.tags) for machine in batch]
    common = {name: value for name, value in own[0].items() if all(tags.get(name) == value for tags in own)}
    params = {**batch[0].launch, "SubnetId": subnet, "MinCount": len(batch), "MaxCount": len(batch)}
    if common:
        tags = [{"Key": name, "Value": value} for name, value in common.items()]
        params["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tags}]
    rest = {
        machine.id: {name: value for name, value in tags.items() if name not in common}
        for machine, tags in zip(batch, own, strict=True)
    }
    ids = tuple(machine.id for machine in batch)
    return Step(key, "ec2", "RunInstances", params, ids, {name: tags for name, tags in rest.items() if tags})


def _growth(key: str, name: str, desired: int, group: Mapping[str, Any], members: Sequence[Machine]) -> Step:
    params = {
        "AutoScalingGroupName": name,
        "DesiredCapacity": desired,
        "MaxSize": max(desired, int(group.get("max") or 0)),
    }
    return Step(key, "autoscaling", "UpdateAutoScalingGroup", params, tuple(machine.id for machine in members))


def _editable(tags: Mapping[str, str]) -> dict[str, str]:
    """Users may not write tags that begin with ``aws:``."""
    return {name: value for name, value in tags.items() if not name.startswith("aws:")}


def tags_of(step: Step, new: Mapping[str, str]) -> list[Step]:
    """The calls that give each new machine the tags that it does not share with its batch."""
    alike: dict[str, list[str]] = defaultdict(list)
    for old, tags in step.own_tags.items():
        alike[json.dumps([{"Key": name, "Value": value} for name, value in tags.items()])].append(old)
    return [
        Step(
            f"{step.key}t{n}",
            "ec2",
            "CreateTags",
            {"Resources": [new[old] for old in olds if old in new], "Tags": json.loads(tags)},
            tuple(olds),
        )
        for n, (tags, olds) in enumerate(alike.items(), 1)
    ]


def registrations(machines: Iterable[Machine], new: Mapping[str, str]) -> list[Step]:
    """The calls that put the new machines behind the target groups of the old ones; a group's own are put by it.

    `new` has the id and the private address (``ID ip``) of the machine in the place of each old one.
    """
    by_group: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for machine in machines:
        if not machine.group:
            for arn, port, kind in machine.targets:
                by_group[arn].append((machine.id, port, f"{machine.id} ip" if kind == "ip" else machine.id))
    return [
        Step(
            f"r{n}",
            "elbv2",
            "RegisterTargets",
            {
                "TargetGroupArn": arn,
                "Targets": [
                    {"Id": new.get(name, name), **({"Port": port} if port else {})} for _, port, name in targets
                ],
            },
            tuple(old for old, *_ in targets),
        )
        for n, (arn, targets) in enumerate(sorted(by_group.items()), 1)
    ]


def addresses(machines: Iterable[Machine], new: Mapping[str, str]) -> list[Step]:
    """The calls that put the Elastic IPs of the old machines on the new ones, where no one else holds them."""
    return [
        Step(
            f"a{allocation}",
            "ec2",
            "AssociateAddress",
            {"AllocationId": allocation, "InstanceId": new.get(machine.id, machine.id), "AllowReassociation": False},
            (machine.id,),
        )
        for machine in machines
        if not machine.group
        for allocation, _ in machine.elastic_ips[:1]
    ]
