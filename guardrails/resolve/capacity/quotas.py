"""Quotas of running vCPUs and of Elastic IPs, with what is in use.

https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html: quotas count vCPUs of running On-Demand
machines by family. No API tells whether AWS has capacity left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from guardrails.resolve.capacity.launches import Launch
from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.values import Answer, Call, Lookup, Quota, Unknown, frozen


@frozen
class _Family:
    code: str
    name: str
    letters: tuple[str, ...]


_FAMILIES = (
    _Family("L-1216C47A", "running On-Demand standard machines", ("a", "c", "d", "h", "i", "m", "r", "t", "z")),
    _Family("L-74FC7D96", "running On-Demand F machines", ("f",)),
    _Family("L-DB2E81BA", "running On-Demand G and VT machines", ("g", "vt")),
    _Family("L-417A185B", "running On-Demand P machines", ("p",)),
    _Family("L-7295265B", "running On-Demand X machines", ("x",)),
    _Family("L-1945791B", "running On-Demand Inf machines", ("inf",)),
    _Family("L-2C3B7624", "running On-Demand Trn machines", ("trn",)),
)
_ELASTIC_IPS = "L-0263D0A3"


QUOTA = Lookup("service-quotas", "GetServiceQuota", "Quota", optional=True)
TYPES = Lookup("ec2", "DescribeInstanceTypes", "InstanceTypes", optional=True)


def _quota(code: str) -> Lookup:
    return QUOTA.about(ServiceCode="ec2", QuotaCode=code)


def _type(kind: str) -> Lookup:
    return TYPES.about(InstanceTypes=[kind])


def _family(kind: str) -> _Family | None:
    """By the letters before the first digit: ``m`` of m7i.large, ``inf`` of inf2.xlarge, ``is`` of is4gen.medium."""
    head = "".join(itertools.takewhile(str.isalpha, kind))
    # AWS counts Im4gn and Is4gen with I.
    head = "i" if head in ("im", "is") else head
    return next((family for family in _FAMILIES if head in family.letters), None)


def lookups(call: Call) -> tuple[Lookup, ...]:
    """The look-ups that the parameters of the call ask for."""
    if call.operation == "AllocateAddress":
        return (_quota(_ELASTIC_IPS), ADDRESSES)
    kind = call.params.get("InstanceType")
    return lookups_of([kind] if isinstance(kind, str) else [])


def lookups_of(kinds: Iterable[str]) -> tuple[Lookup, ...]:
    """The quotas and the sizes of instance types."""
    known = [(_quota(family.code), _type(kind)) for kind in kinds if (family := _family(kind)) is not None]
    return tuple({lookup.key(): lookup for pair in known for lookup in pair}.values())


def quotas(launch: Launch, answers: Mapping[str, Answer], inventory: Inventory) -> tuple[list[Quota], list[Unknown]]:
    """Each quota that the launch draws on, and what could not be found out."""
    if launch.elastic_ips:
        used = len(inventory.addresses)
        return _divided([_against(_ELASTIC_IPS, "Elastic IPs", used, launch.elastic_ips, answers)])
    if launch.spot or not launch.count:
        # Spot machines have their own quotas, and not every Spot request is running.
        return [], []
    if not launch.kinds:
        return [], [_unknown("the call does not say which instance type")]
    return _divided(_of_kind(kind, launch, answers, inventory) for kind in launch.kinds)


def _divided(results: Iterable[Quota | Unknown]) -> tuple[list[Quota], list[Unknown]]:
    known: list[Quota] = []
    unknown: list[Unknown] = []
    for result in results:
        if "why" in result:
            unknown.append(result)
        else:
            known.append(result)
    return known, unknown


def _of_kind(kind: str, launch: Launch, answers: Mapping[str, Answer], inventory: Inventory) -> Quota | Unknown:
    family = _family(kind)
    each = launch.vcpus_each or _vcpus(kind, answers)
    if not inventory.whole:
        return _unknown("the region has more machines than one page shows, so what is used is not counted")
    used = None if family is None else _used(family, inventory, answers)
    if family is None or each is None or used is None:
        return _unknown(f"the vCPUs of {kind} are unknown")
    return _against(family.code, f"vCPUs of {family.name}", used, each * launch.kinds[kind], answers)


def _against(code: str, name: str, used: int, needed: int, answers: Mapping[str, Answer]) -> Quota | Unknown:
    answer = answers.get(_quota(code).key())
    limit = answer.items[0].get("Value") if answer is not None and answer.items else None
    if limit is None:
        return _unknown(f"the look-up of quota {code} ({name}) failed")
    return {"code": code, "name": name, "limit": float(limit), "used": used, "needed": needed}


def _unknown(why: str) -> Unknown:
    return {"what": "quota", "why": why}


def _vcpus(kind: str, answers: Mapping[str, Answer]) -> int | None:
    answer = answers.get(_type(kind).key())
    items = answer.items if answer is not None else ()
    sizes = [(item.get("VCpuInfo") or {}).get("DefaultVCpus") for item in items if item.get("InstanceType") == kind]
    return next((int(size) for size in sizes if size), None)


def _used(family: _Family, inventory: Inventory, answers: Mapping[str, Answer]) -> int | None:
    """The vCPUs of running On-Demand machines, None where those of one machine are unknown."""
    total = 0
    for machine in inventory.machines.values():
        running = machine.state in ("running", "pending") and not machine.uses["spot-instance-request"]
        if running and _family(machine.kind) == family:
            vcpus = machine.vcpus or _vcpus(machine.kind, answers)
            if vcpus is None:
                return None
            total += vcpus
    return total
