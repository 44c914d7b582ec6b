"""Machines (EC2 instances), by id."""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.region import Region
from guardrails.resolve.resources import ec2_routers
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, judged, merged, named, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_ATTRIBUTE = Lookup(
    "ec2",
    "DescribeInstanceAttribute",
    "DisableApiTermination",
    empty_on=("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"),
)
# AWS has no request for the termination protection of several machines.
_ASKED_ONE_BY_ONE = 10


def _protection(machine: str) -> Lookup:
    return _ATTRIBUTE.about(InstanceId=machine, Attribute="disableApiTermination")


def _lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    ids = [target.id for target in call.targets if target.type == "instance"]
    receives = any(target.role == "destination" for target in call.targets if target.type == "instance")
    # A machine that receives an address may displace another one.
    further = (*((ADDRESSES,) if receives else ()), *ec2_routers.lookups(call))
    # One request per machine and attribute: only where the protection of a single machine is being changed.
    protects = "protection" in call.effects and call.tags is None and call.service == "ec2" and len(ids) == 1
    return (*further, _protection(ids[0])) if protects else further


def protections(call: Call) -> tuple[Lookup, ...]:
    """What asks for the protection of each machine of a small batch; it counts where they are in several zones."""
    ids = named(call, "instance")
    if call.operation != "TerminateInstances" or not 1 < len(ids) <= _ASKED_ONE_BY_ONE:
        return ()
    return tuple(evolve(_protection(machine), optional=True) for machine in ids)


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """The protection of each machine of a small batch over several zones: AWS would terminate only some of them.

    And what is behind a machine that routes lead to.
    """
    return (*_zoned(call, answers), *ec2_routers.followups(call, answers))


def _zoned(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    asked = protections(call)
    ids = named(call, "instance") if asked else ()
    zones = {
        machine["InstanceId"]: (machine.get("Placement") or {}).get("AvailabilityZone")
        for machine in Region.of(answers).machines()
        if machine.get("InstanceId") in ids
    }
    if len(set(zones.values())) < 2:
        return ()
    return tuple(lookup for lookup in asked if lookup.params["InstanceId"] in zones)


def _instance(ref: TargetRef, context: Context) -> Target:
    inventory = context.inventory
    machine = inventory.machine(ref.id)
    if machine is None:
        return unknown(ref, "instance")
    # Where the call would point a public address; without a parameter AWS takes the primary private address.
    onto = context.call.params.get("PrivateIpAddress") or machine.primary_ip
    answer = context.answers.get(_protection(ref.id).key())
    protections = {"termination": bool(answer.items[0].get("Value"))} if answer and answer.items else {}
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
        public_ips=merged(machine.public_ips, inventory.elastic_ips_of(ref.id)),
        protections=protections,
        facts={"elastic_ips": inventory.elastic_ips_at(onto, machine=ref.id), "zone": machine.zone},
    )


def _with_routes(ref: TargetRef, context: Context) -> Target:
    target, machine = _instance(ref, context), context.inventory.machine(ref.id)
    return target if machine is None else ec2_routers.with_routes(target, (ref.id, *machine.enis), context)


def _metadata(ref: TargetRef, context: Context) -> Target:
    """A machine whose metadata service changes: it gets the credentials of its role from there.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html
    """
    machine = _instance(ref, context)
    items = Region.of(context.answers).machines()
    present = next((item.get("MetadataOptions") or {} for item in items if item["InstanceId"] == ref.id), {})
    params = context.call.params
    cuts = [
        f"{name} {value}"
        for name, value in (("HttpEndpoint", "disabled"), ("HttpTokens", "required"), ("HttpProtocolIpv6", "disabled"))
        if params.get(name) == value != present.get(name)
    ]
    hops = params.get("HttpPutResponseHopLimit")
    if hops is not None and hops < present.get("HttpPutResponseHopLimit", hops + 1):
        cuts.append(f"HttpPutResponseHopLimit {hops}")
    harm = f"What runs on it may lose its role: {', '.join(cuts)}" if cuts else None
    return (
        judged(machine, harm, "the metadata service still answers whom it answers now") if machine.resolved else machine
    )


RESOLVERS = {
    "instance": Resolver(_with_routes, (ADDRESSES, _ATTRIBUTE, *ec2_routers.ASKS), _lookups, _followups),
    "instance-metadata": Resolver(_metadata, (ADDRESSES,), lambda _call, _keys: ()),
}
