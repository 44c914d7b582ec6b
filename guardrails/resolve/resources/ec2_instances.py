"""Instances, their volumes, and the fleets that launched them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve

from guardrails.resolve.inventory import ADDRESSES, INSTANCES, Machine
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, merged, no_lookups, tags_of, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

# AWS refuses more values in one filter.
_FILTER_VALUES = 200
# No request tells the termination protection of several machines.
_ASKED_ONE_BY_ONE = 10


def _instance_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    found: tuple[Lookup, ...] = ()
    ids = [target.id for target in call.targets if target.type == "instance"]
    if any(target.role == "destination" for target in call.targets if target.type == "instance"):
        # Who loses an address when another one is put on the machine.
        found += (ADDRESSES,)
    if "protection" in call.effects and call.tags is None and call.service == "ec2" and len(ids) == 1:
        # One request per machine and attribute: asked only where a single machine's protection is being changed.
        found += (_protection(ids[0]),)
    return found


def _instance_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """The protection of each machine of a small batch over several zones, of which AWS would terminate a part."""
    ids = {target.id for target in call.targets if target.type == "instance"}
    if call.operation != "TerminateInstances" or len(ids) > _ASKED_ONE_BY_ONE or INSTANCES.key() not in answers:
        return ()
    machines = [one for reservation in answers[INSTANCES.key()].items for one in reservation.get("Instances") or ()]
    named = [one for one in machines if one.get("InstanceId") in ids]
    if len({(one.get("Placement") or {}).get("AvailabilityZone") for one in named}) < 2:
        return ()
    return tuple(evolve(_protection(one["InstanceId"]), optional=True) for one in named)


def _protection(machine_id: str) -> Lookup:
    return Lookup(
        "ec2",
        "DescribeInstanceAttribute",
        "DisableApiTermination",
        {"InstanceId": machine_id, "Attribute": "disableApiTermination"},
        empty_on=("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"),
    )


def _instance(ref: TargetRef, context: Context) -> Target:
    machine = context.inventory.machines.get(ref.id)
    if machine is None:
        return unknown(ref, "instance")
    # Where the call would point a public address; without a parameter AWS takes the primary private address.
    onto = context.call.params.get("PrivateIpAddress") or machine.primary_ip
    protections = {}
    answer = context.answers.get(_protection(ref.id).key())
    if answer is not None and answer.items:
        protections["termination"] = bool(answer.items[0].get("Value"))
    return Target(
        ref.id,
        "instance",
        ref.role,
        resolved=True,
        clusters=merged([machine.cluster]),
        tags=machine.tags,
        state=machine.state,
        vpc=machine.vpc,
        subnet=machine.subnet,
        private_ips=machine.private_ips,
        public_ips=merged(machine.public_ips, context.inventory.elastic_ips_of(ref.id)),
        protections=protections,
        facts={"elastic_ips": context.inventory.elastic_ips_at(onto, machine=ref.id), "zone": machine.zone},
    )


def _volume_lookup(call: Call, _tag: str = "") -> tuple[Lookup, ...]:
    ids = sorted({target.id for target in call.targets if target.type == "volume"})
    if len(ids) > _FILTER_VALUES:
        return (Lookup("ec2", "DescribeVolumes", "Volumes"),)
    # A filter, not VolumeIds: an unknown id leaves the others answered.
    return (Lookup("ec2", "DescribeVolumes", "Volumes", {"Filters": [{"Name": "volume-id", "Values": ids}]}),)


def _volume(ref: TargetRef, context: Context) -> Target:
    for volume in context.items(_volume_lookup(context.call)[0]):
        if volume.get("VolumeId") != ref.id:
            continue
        tags = tags_of(volume)
        holders = [attachment.get("InstanceId") for attachment in volume.get("Attachments") or []]
        carried = {context.inventory.cluster_of(holder) for holder in holders}
        carried |= context.inventory.clusters_on("volume", ref.id)
        return Target(
            ref.id,
            "volume",
            ref.role,
            resolved=True,
            clusters=merged(carried) or merged([tags.get(context.inventory.cluster_tag)]),
            tags=tags,
            state=volume.get("State"),
            facts={"instances": [holder for holder in holders if holder]},
        )
    return unknown(ref, "volume")


def machine_facts(machines: Iterable[Machine]) -> dict[str, Any]:
    """The machines of a group, and those of them that carry no cluster tag: nobody knows whose they are."""
    present = [machine for machine in machines if machine.state != "terminated"]
    return {
        "instances": sorted(machine.id for machine in present),
        "untagged": sorted(machine.id for machine in present if machine.cluster is None),
    }


def _fleet(tag: str) -> Resolver:
    def resolve(ref: TargetRef, context: Context) -> Target:
        # EC2 writes the fleet's id into a tag of every machine it launches; a fleet without machines hurts none.
        machines = context.inventory.on("tag", f"{tag}={ref.id}")
        return Target(
            ref.id,
            "fleet",
            ref.role,
            resolved=True,
            clusters=merged(machine.cluster for machine in machines),
            facts=machine_facts(machines),
        )

    return Resolver(no_lookups, resolve)


RESOLVERS = {
    "instance": Resolver(_instance_lookups, _instance, _instance_followups),
    "volume": Resolver(_volume_lookup, _volume),
    "fleet": _fleet("aws:ec2:fleet-id"),
    "spot-fleet": _fleet("aws:ec2spot:fleet-request-id"),
}
