"""How many machines of which type a call starts, and which subnets they take addresses from.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html: AWS starts as many as it can, down to
MinCount, and says nothing about the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from guardrails.resolve.capacity.machine_spec import (
    ANYWHERE,
    Params,
    addresses_by_subnet,
    addresses_of_interface,
    machine_tags,
    overrides,
    spec_of,
)
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.region import Region
from guardrails.values import EMPTY, Answer, Call, Target, Unknown, frozen


@frozen
class Launch:
    """What a call starts. `least` is how few machines AWS may start instead of `count`.

    `kinds` counts machines by instance type. `fixed` is how many addresses each machine takes from a certain subnet
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
    unknown: tuple[Unknown, ...] = ()


def concerns(call: Call) -> bool:
    """True for an operation that starts machines or takes addresses."""
    return call.operation in _READERS and call.service in ("ec2", "autoscaling")


def kinds(call: Call, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """The instance types of the call: its own, its launch template's, or those of the machines that it starts."""
    types = [spec_of(call, answers).get("InstanceType"), *(variant.get("InstanceType") for variant in overrides(call))]
    ids = set(call.params.get("InstanceIds") or ())
    existing = Region.of(answers).machines() if ids else ()
    types += [machine.get("InstanceType") for machine in existing if machine.get("InstanceId") in ids]
    return tuple(sorted({kind for kind in types if isinstance(kind, str)}))


def of(call: Call, answers: Mapping[str, Answer], inventory: Inventory, targets: tuple[Target, ...]) -> Launch:
    """What the call starts, by its parameters, its template, its group or its stopped machines."""
    return _READERS[call.operation](call, spec_of(call, answers), inventory, targets)


def _run(call: Call, spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    count = int(call.params.get("MaxCount") or call.params.get("InstanceCount") or 1)
    kind = spec.get("InstanceType")
    cores = spec.get("CpuOptions") or {}
    each = int(cores["CoreCount"]) * int(cores.get("ThreadsPerCore") or 1) if cores.get("CoreCount") else None
    market = (spec.get("InstanceMarketOptions") or {}).get("MarketType")
    return Launch(
        count=count,
        least=int(call.params.get("MinCount") or count),
        kinds={kind: count} if kind else {},
        vcpus_each=each,
        spot=market == "spot" or call.operation == "RequestSpotInstances",
        fixed=addresses_by_subnet(spec),
        zone=(spec.get("Placement") or {}).get("AvailabilityZone"),
        grows=inventory.ownership.named(machine_tags(call)),
    )


def _start(call: Call, _spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    # Stopped machines have kept their private addresses.
    ids = call.params.get("InstanceIds") or ()
    machines = [*filter(None, map(inventory.machine, ids))]
    stopped = [machine for machine in machines if machine.state in ("stopped", "stopping")]
    return Launch(len(stopped), len(stopped), Counter(machine.kind for machine in stopped if machine.kind))


def _interface(call: Call, _spec: Params, _inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    return Launch(1, 1, fixed={str(call.params.get("SubnetId") or ANYWHERE): addresses_of_interface(call.params)})


def _elastic_ip(_call: Call, _spec: Params, _inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    return Launch(elastic_ips=1)


def _fleet(call: Call, spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    capacity = call.params.get("TargetCapacitySpecification") or {}
    request = call.params.get("SpotFleetRequestConfig") or {}
    count = int(capacity.get("TotalTargetCapacity") or request.get("TargetCapacity") or 0)
    variants = overrides(call)
    weighted = any(variant.get("WeightedCapacity") for variant in variants)
    subnets = [variant.get("SubnetId") or "" for variant in variants] or [*addresses_by_subnet(spec)]
    types = {variant.get("InstanceType") for variant in variants} or {spec.get("InstanceType")}
    kind = types.pop() if len(types) == 1 else None
    unknown: list[Unknown] = [{"what": "machines", "why": "the fleet counts weights, not machines"}] if weighted else []
    return Launch(
        count=0 if weighted else count,
        kinds={kind: count} if kind and not weighted else {},
        spot=bool(request) or capacity.get("DefaultTargetCapacityType") == "spot",
        spread=_names(subnets),
        grows=inventory.ownership.named(machine_tags(call)),
        unknown=tuple(unknown),
    )


def _new_group(call: Call, spec: Params, inventory: Inventory, _: tuple[Target, ...]) -> Launch:
    params = call.params
    count = int(params.get("DesiredCapacity") or params.get("MinSize") or 0)
    kind = spec.get("InstanceType")
    tags = {str(tag.get("Key")): str(tag.get("Value") or "") for tag in params.get("Tags") or ()}
    return Launch(
        count,
        count,
        kinds={kind: count} if kind else {},
        spread=_names([params.get("VPCZoneIdentifier") or ""]),
        grows=inventory.ownership.named(tags),
    )


def _grown_group(call: Call, _spec: Params, inventory: Inventory, targets: tuple[Target, ...]) -> Launch:
    for target in targets:
        if target.type == "asg" and target.resolved:
            return _growth(call.params, target, inventory)
    return Launch(unknown=({"what": "machines", "why": "AWS does not know the group"},))


def _growth(params: Params, target: Target, inventory: Inventory) -> Launch:
    now = target.facts.get("desired") or 0
    sizes = [params.get("DesiredCapacity"), params.get("MinSize"), now + (params.get("RequestedCapacity") or 0)]
    more = max(int(size) for size in sizes if size is not None) - now
    ids = target.facts.get("instances", ())
    types = {machine.kind for machine in map(inventory.machine, ids) if machine is not None} - {""}
    return Launch(
        max(more, 0),
        max(more, 0),
        kinds={types.pop(): more} if len(types) == 1 and more > 0 else {},
        spread=_names([str(params.get("VPCZoneIdentifier") or ",".join(target.facts.get("subnets", ())))]),
        grows=next(iter(target.clusters), None),
    )


def _names(lists: Iterable[str]) -> tuple[str, ...]:
    """The names in comma-separated lists."""
    return tuple(sorted({name.strip() for names in lists for name in names.split(",") if name.strip()}))


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
