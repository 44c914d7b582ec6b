"""Quotas of running vCPUs and of Elastic IPs, with what is in use.

https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html: quotas count vCPUs of running On-Demand
machines by family. No look-up tells whether AWS itself has machines left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from guardrails.resolve.capacity.launches import Launch
from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.values import Answer, Call, Lookup


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


def _quota(code: str) -> Lookup:
    return Lookup(
        "service-quotas", "GetServiceQuota", "Quota", {"ServiceCode": "ec2", "QuotaCode": code}, optional=True
    )


def _type(kind: str) -> Lookup:
    return Lookup("ec2", "DescribeInstanceTypes", "InstanceTypes", {"InstanceTypes": [kind]}, optional=True)


def _family(kind: str) -> _Family | None:
    """By the letters before the first digit: ``m`` of m7i.large, ``inf`` of inf2.xlarge, ``is`` of is4gen.medium."""
    head = "".join(itertools.takewhile(str.isalpha, kind))
    named = [family for family in _FAMILIES if head in family.letters]
    # Im4gn and Is4gen are counted with I; what begins like none is left unknown.
    return next(iter(named), _FAMILIES[0] if head in ("im", "is") else None)


def lookups(call: Call) -> tuple[Lookup, ...]:
    """Those that the call's own parameters call for."""
    if call.operation == "AllocateAddress":
        return (_quota(_ELASTIC_IPS), ADDRESSES)
    kind = call.params.get("InstanceType")
    return lookups_of([kind] if isinstance(kind, str) else [])


def lookups_of(kinds: Iterable[str]) -> tuple[Lookup, ...]:
    """The quotas and the sizes of instance types."""
    found = [(_quota(family.code), _type(kind)) for kind in kinds if (family := _family(kind)) is not None]
    return tuple({lookup.key(): lookup for pair in found for lookup in pair}.values())


def quotas(
    launch: Launch, answers: Mapping[str, Answer], inventory: Inventory
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Each quota that the launch draws on, and what could not be found out."""
    if launch.elastic_ips:
        return _one(_ELASTIC_IPS, "Elastic IPs", len(inventory.addresses), launch.elastic_ips, answers)
    if launch.spot or not launch.count:
        # Spot machines have quotas of their own, and Spot requests are not all running.
        return [], []
    if not launch.kinds:
        return [], [{"what": "quota", "why": "the call does not tell the instance type"}]
    found, unknown = [], []
    for kind, count in launch.kinds.items():
        family = _family(kind)
        each = launch.vcpus_each or _vcpus(kind, answers)
        used = None if family is None else _used(family, inventory, answers)
        if family is None or each is None or used is None:
            unknown.append({"what": "quota", "why": f"the vCPUs of {kind} are unknown"})
            continue
        more, missing = _one(family.code, f"vCPUs of {family.name}", used, each * count, answers)
        found += more
        unknown += missing
    return found, unknown


def _one(
    code: str, name: str, used: int, needed: int, answers: Mapping[str, Answer]
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    answer = answers.get(_quota(code).key())
    value = answer.items[0].get("Value") if answer is not None and answer.items else None
    if value is None:
        return [], [{"what": "quota", "why": f"the quota {code} ({name}) could not be looked up"}]
    return [{"code": code, "name": name, "limit": float(value), "used": used, "needed": needed}], []


def _vcpus(kind: str, answers: Mapping[str, Answer]) -> int | None:
    answer = answers.get(_type(kind).key())
    items = answer.items if answer is not None else ()
    found = [(item.get("VCpuInfo") or {}).get("DefaultVCpus") for item in items if item.get("InstanceType") == kind]
    return next((int(vcpus) for vcpus in found if vcpus), None)


def _used(family: _Family, inventory: Inventory, answers: Mapping[str, Answer]) -> int | None:
    running = [machine for machine in inventory.machines.values() if machine.state in ("running", "pending")]
    on_demand = [machine for machine in running if not machine.uses["spot-instance-request"]]
    machines = [machine for machine in on_demand if _family(machine.kind) == family]
    vcpus = [machine.vcpus or _vcpus(machine.kind, answers) for machine in machines]
    return None if None in vcpus else sum(one for one in vcpus if one)
