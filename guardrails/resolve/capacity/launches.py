"""How many machines of which kind a call starts, and which subnets give them addresses.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html: AWS starts as many as it can, down to
MinCount, and says nothing about the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from guardrails.resolve.inventory import INSTANCES, Inventory
from guardrails.values import EMPTY, Answer, Call, Lookup, Target

Params = Mapping[str, Any]
# A prefix that is delegated to an interface is a /28.
_PREFIX = 16
# The subnet of an interface that names none.
ANYWHERE = ""


@frozen
class Launch:
    """What a call starts. `least` is what AWS makes do with.

    `kinds` counts machines by instance type, `fixed` the addresses that each machine takes from a certain subnet
    (`ANYWHERE` where AWS chooses); `spread` are subnets of which AWS chooses one for each machine. `grows` is the
    cluster that the machines are for.
    """

    count: int = 0
    least: int = 0
    kinds: Mapping[str, int] = EMPTY
    vcpus_each: int | None = None
    spot: bool = False
    fixed: Mapping[str, int] = EMPTY
    spread: tuple[str, ...] = ()
    zone: str | None = None
    elastic_ips: int = 0
    grows: str | None = None
    unknown: tuple[Mapping[str, str], ...] = ()


def concerns(call: Call) -> bool:
    """True for an operation that starts machines or takes addresses."""
    return call.operation in _READERS and call.service in ("ec2", "autoscaling")


def lookups(call: Call) -> tuple[Lookup, ...]:
    """The launch template that the call names, if any."""
    template = _template(call)
    return () if template is None else (_template_lookup(template),)


def kinds(call: Call, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """The instance types that the call names, itself, by its launch template, or by machines that there are."""
    spec = _spec(call, answers)
    named = [spec.get("InstanceType"), *(one.get("InstanceType") for one in _overrides(call))]
    ids = set(call.params.get("InstanceIds") or ())
    reservations = answers[INSTANCES.key()].items if ids and INSTANCES.key() in answers else ()
    there = [one for reservation in reservations for one in reservation.get("Instances") or ()]
    named += [one.get("InstanceType") for one in there if one.get("InstanceId") in ids]
    return tuple(sorted({kind for kind in named if isinstance(kind, str)}))


def of(call: Call, answers: Mapping[str, Answer], inventory: Inventory, targets: tuple[Target, ...]) -> Launch:
    """What the call starts, by its parameters, its template, its group or its stopped machines."""
    return _READERS[call.operation](call, _spec(call, answers), inventory, targets)


def _run(call: Call, spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    count = _whole(call.params.get("MaxCount") or call.params.get("InstanceCount") or 1)
    kind = spec.get("InstanceType")
    cores = spec.get("CpuOptions") or {}
    each = _whole(cores["CoreCount"]) * _whole(cores.get("ThreadsPerCore") or 1) if cores.get("CoreCount") else None
    placement = spec.get("Placement") or {}
    return Launch(
        count=count,
        least=_whole(call.params.get("MinCount") or count),
        kinds={kind: count} if kind else {},
        vcpus_each=each,
        spot=(spec.get("InstanceMarketOptions") or {}).get("MarketType") == "spot"
        or call.operation == "RequestSpotInstances",
        fixed=_interfaces(spec),
        zone=placement.get("AvailabilityZone"),
        grows=_tagged(call, inventory.cluster_tag),
    )


def _start(call: Call, _spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    # Stopped machines have kept their private addresses.
    ids = call.params.get("InstanceIds") or ()
    machines = [inventory.machines[name] for name in ids if name in inventory.machines]
    stopped = [machine for machine in machines if machine.state in ("stopped", "stopping")]
    return Launch(len(stopped), len(stopped), Counter(machine.kind for machine in stopped if machine.kind))


def _interface(call: Call, _spec: Params, _inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    return Launch(1, 1, fixed={str(call.params.get("SubnetId") or ANYWHERE): _of_interface(call.params)})


def _elastic_ip(_call: Call, _spec: Params, _inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    return Launch(elastic_ips=1)


def _fleet(call: Call, spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    capacity = call.params.get("TargetCapacitySpecification") or {}
    request = call.params.get("SpotFleetRequestConfig") or {}
    count = _whole(capacity.get("TotalTargetCapacity") or request.get("TargetCapacity") or 0)
    overrides = _overrides(call)
    weighted = any(one.get("WeightedCapacity") for one in overrides)
    subnets = [one.get("SubnetId") or "" for one in overrides] or [*_interfaces(spec)]
    named = [one.get("InstanceType") for one in overrides] or [spec.get("InstanceType")]
    spot = bool(request) or capacity.get("DefaultTargetCapacityType") == "spot"
    unknown = [{"what": "machines", "why": "the fleet counts in weights"}] if weighted else []
    return Launch(
        count=0 if weighted else count,
        kinds={named[0]: count} if len(set(named)) == 1 and named[0] and not weighted else {},
        spot=spot,
        spread=_subnets(subnets),
        grows=_tagged(call, inventory.cluster_tag),
        unknown=tuple(unknown),
    )


def _new_group(call: Call, spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    params = call.params
    count = _whole(params.get("DesiredCapacity") or params.get("MinSize") or 0)
    kind = spec.get("InstanceType")
    tags = {tag.get("Key"): tag.get("Value") for tag in params.get("Tags") or ()}
    return Launch(
        count,
        count,
        kinds={kind: count} if kind else {},
        spread=_subnets([params.get("VPCZoneIdentifier") or ""]),
        grows=tags.get(inventory.cluster_tag),
    )


def _grown_group(call: Call, _spec: Params, inventory: Inventory, targets: tuple[Target, ...]) -> Launch:
    for target in targets:
        if target.type == "asg" and target.resolved:
            return _growth(call.params, target, inventory)
    return Launch(unknown=({"what": "machines", "why": "the group is unknown"},))


def _growth(params: Params, target: Target, inventory: Inventory) -> Launch:
    now = target.facts.get("desired") or 0
    wanted = [params.get("DesiredCapacity"), params.get("MinSize"), now + (params.get("RequestedCapacity") or 0)]
    more = max(_whole(size) for size in wanted if size is not None) - now
    members = [inventory.machines[name] for name in target.facts.get("instances", ()) if name in inventory.machines]
    named = {machine.kind for machine in members if machine.kind}
    return Launch(
        max(more, 0),
        max(more, 0),
        kinds={named.pop(): more} if len(named) == 1 and more > 0 else {},
        spread=_subnets([str(params.get("VPCZoneIdentifier") or ",".join(target.facts.get("subnets", ())))]),
        grows=next(iter(target.clusters), None),
    )


_READERS: Mapping[str, Callable[[Call, Params, Inventory, tuple[Target, ...]], Launch]] = {
    "RunInstances": _run,
    "RequestSpotInstances": _run,
    "StartInstances": _start,
    "CreateNetworkInterface": _interface,
    "CreateNatGateway": _interface,
    "AllocateAddress": _elastic_ip,
    "CreateFleet": _fleet,
    "RequestSpotFleet": _fleet,
    "CreateAutoScalingGroup": _new_group,
    "UpdateAutoScalingGroup": _grown_group,
    "SetDesiredCapacity": _grown_group,
    "LaunchInstances": _grown_group,
}


def _whole(value: Any) -> int:
    return int(value)


def _subnets(texts: list[str]) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for text in texts for name in text.split(",") if name.strip()}))


def _interfaces(spec: Params) -> dict[str, int]:
    """The addresses that one machine takes, by subnet."""
    found: Counter[str] = Counter()
    for interface in spec.get("NetworkInterfaces") or ():
        if not interface.get("NetworkInterfaceId"):
            found[str(interface.get("SubnetId") or spec.get("SubnetId") or ANYWHERE)] += _of_interface(interface)
    if not spec.get("NetworkInterfaces"):
        found[str(spec.get("SubnetId") or ANYWHERE)] += 1
    return dict(found)


def _of_interface(interface: Params) -> int:
    listed = len(interface.get("PrivateIpAddresses") or interface.get("SecondaryPrivateIpAddresses") or ())
    prefixes = interface.get("Ipv4PrefixCount") or len(interface.get("Ipv4Prefixes") or ())
    more = interface.get("SecondaryPrivateIpAddressCount") or 0
    named_first = bool(interface.get("PrivateIpAddresses"))
    return (listed if named_first else 1 + listed) + _whole(more) + _PREFIX * _whole(prefixes)


def _tagged(call: Call, cluster_tag: str) -> str | None:
    specs = [spec for spec in call.params.get("TagSpecifications") or () if spec.get("ResourceType") == "instance"]
    tags = [tag for spec in specs for tag in spec.get("Tags") or ()]
    return next((tag.get("Value") for tag in tags if tag.get("Key") == cluster_tag), None)


# -- launch templates -------------------------------------------------------------------------------------------------


def _template(call: Call) -> Params | None:
    params = call.params
    configs = params.get("LaunchTemplateConfigs") or (params.get("SpotFleetRequestConfig") or {}).get(
        "LaunchTemplateConfigs"
    )
    if configs:
        found = configs[0].get("LaunchTemplateSpecification")
    elif params.get("MixedInstancesPolicy"):
        template = params["MixedInstancesPolicy"].get("LaunchTemplate") or {}
        found = template.get("LaunchTemplateSpecification")
    else:
        found = params.get("LaunchTemplate")
    named = isinstance(found, Mapping) and (found.get("LaunchTemplateId") or found.get("LaunchTemplateName"))
    return found if named else None


def _overrides(call: Call) -> list[Params]:
    params = call.params
    request = params.get("SpotFleetRequestConfig") or {}
    configs = params.get("LaunchTemplateConfigs") or request.get("LaunchTemplateConfigs") or ()
    named = [one for config in configs for one in config.get("Overrides") or ()]
    return [*named, *(request.get("LaunchSpecifications") or ())]


def _template_lookup(template: Params) -> Lookup:
    names = {key: template[key] for key in ("LaunchTemplateId", "LaunchTemplateName") if template.get(key)}
    return Lookup(
        "ec2",
        "DescribeLaunchTemplateVersions",
        "LaunchTemplateVersions",
        {**names, "Versions": [str(template.get("Version") or "$Default")]},
        optional=True,
    )


def _spec(call: Call, answers: Mapping[str, Answer]) -> Params:
    """The parameters of a machine: those of the call, over those of its template."""
    own = call.params.get("LaunchSpecification") or call.params
    template = _template(call)
    answer = answers.get(_template_lookup(template).key()) if template is not None else None
    data = answer.items[0].get("LaunchTemplateData") or {} if answer is not None and answer.items else {}
    return {**data, **own}
