"""Read from AWS what a rebuild needs. Only the list of machines is indispensable; the rest is reported as missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, evolve, field

from guardrails.config.settings import Settings
from guardrails.rebuild.machine import ALIVE, GROUP_TAG, USER_DATA, Machine, launch_of, not_restored, volumes_of
from guardrails.rebuild.reading import CannotRead, Item, Reader
from guardrails.rebuild.snapshot import Snapshot
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region

# Machines start with these lists and templates, which exist apart from them.
_TEMPLATE = ("aws:ec2launchtemplate:id", "aws:ec2launchtemplate:version")


@define
class _Account:
    """What AWS said, and sentences about what it did not."""

    reservations: list[Item]
    volumes: dict[str, Item] | None = None
    addresses: list[Item] = field(factory=list)
    targets: dict[str, list[tuple[str, int, str]]] = field(factory=dict)
    registered: list[tuple[str, str]] = field(factory=list)
    groups: dict[str, dict[str, Any]] = field(factory=dict)
    missing: list[str] = field(factory=list)


def collect(
    reader: Reader, settings: Settings, region: str, now: float, *, clusters: Iterable[str] = (), user_data: bool = True
) -> Snapshot:
    """Everything of the clusters (of all without names), machines that AWS still describes as terminated included.

    Raises CannotRead where not even the machines can be listed.
    """
    account = _Account(reader.all("ec2", "describe_instances", "Reservations"))
    _read(reader, account)
    inventory = Inventory(
        Region(tuple(account.reservations), now), account.addresses, Ownership.configured(settings), account.registered
    )
    wanted = frozenset(clusters)
    machines = []
    for instance in _instances(account):
        made = _machine(instance, account, inventory)
        if not wanted or made.cluster in wanted:
            machines.append(_with_user_data(reader, made, account.missing) if user_data else _left_out(made))
    scope = f"{inventory.account}/{region}" if inventory.account else scope_of(reader, region)
    return Snapshot(scope, now, tuple(machines), account.groups, tuple(dict.fromkeys(account.missing)))


def scope_of(reader: Reader, region: str) -> str:
    """The account of the credentials, and the region. Raises CannotRead: what is kept is kept by account."""
    (identity,) = reader.all("sts", "get_caller_identity", "Account") or ("",)
    return f"{identity}/{region}"


def _instances(account: _Account) -> list[Item]:
    return [instance for each in account.reservations for instance in each.get("Instances") or ()]


def _read(reader: Reader, account: _Account) -> None:
    attached = {
        (disk.get("Ebs") or {}).get("VolumeId")
        for instance in _instances(account)
        for disk in instance.get("BlockDeviceMappings") or ()
    }
    try:
        volumes = reader.all("ec2", "describe_volumes", "Volumes") if attached else []
        account.volumes = {volume["VolumeId"]: volume for volume in volumes}
    except CannotRead as error:
        account.missing.append(f"volumes: {error}")
    try:
        account.addresses = reader.all("ec2", "describe_addresses", "Addresses")
    except CannotRead as error:
        account.missing.append(f"Elastic IPs: {error}")
    try:
        _read_targets(reader, account)
    except CannotRead as error:
        account.missing.append(f"target groups: {error}")
    try:
        groups = reader.all("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups")
        account.groups = {group["AutoScalingGroupName"]: _group(group) for group in groups}
    except CannotRead as error:
        account.missing.append(f"Auto Scaling groups: {error}")


def _read_targets(reader: Reader, account: _Account) -> None:
    by_target: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for group in reader.all("elbv2", "describe_target_groups", "TargetGroups"):
        arn = group["TargetGroupArn"]
        for health in reader.all("elbv2", "describe_target_health", "TargetHealthDescriptions", TargetGroupArn=arn):
            target = health["Target"]
            by_target[target["Id"]].append(
                (arn, int(target.get("Port") or 0), str(group.get("TargetType") or "instance"))
            )
            account.registered.append((target["Id"], group["TargetGroupName"]))
    account.targets = by_target


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "min": int(group.get("MinSize") or 0),
        "max": int(group.get("MaxSize") or 0),
        "desired": int(group.get("DesiredCapacity") or 0),
        "subnets": [name.strip() for name in str(group.get("VPCZoneIdentifier") or "").split(",") if name.strip()],
        "suspended": [each.get("ProcessName") for each in group.get("SuspendedProcesses") or ()],
        "target_groups": list(group.get("TargetGroupARNs") or ()),
    }


def _machine(instance: Item, account: _Account, inventory: Inventory) -> Machine:
    known = inventory.known[instance["InstanceId"]]
    launch, missing = launch_of(instance, account.volumes or {})
    addresses = inventory.addresses_of(known.id) if known.present else ()
    template = tuple(known.tags.get(tag, "") for tag in _TEMPLATE)
    targets = [pair for name in (known.id, *known.private_ips) for pair in account.targets.get(name, ())]
    return Machine(
        known.id,
        known.cluster or "",
        known.state,
        known.zone or "",
        known.vpc or "",
        launch,
        known.tags,
        volumes_of(instance),
        known.private_ips,
        known.enis,
        tuple((str(each.get("AllocationId")), str(each.get("PublicIp"))) for each in addresses),
        tuple(dict.fromkeys(targets)),
        known.tags.get(GROUP_TAG, ""),
        (template[0], template[1]),
        tuple(missing),
        known.launched_at or 0.0,
        not_restored(instance),
    )


def _left_out(machine: Machine) -> Machine:
    return evolve(machine, missing=(*machine.missing, USER_DATA))


def _with_user_data(reader: Reader, machine: Machine, missing: list[str]) -> Machine:
    """The machine with its user data. A group's machines get theirs from its launch template."""
    if machine.group and machine.state in ALIVE:
        return machine
    if machine.state not in ALIVE:
        return _left_out(machine)
    client = reader.client("ec2")
    try:
        answer = client.describe_instance_attribute(InstanceId=machine.id, Attribute="userData")
    except Exception as error:
        missing.append(f"user data of {machine.id}: {error}")
        return _left_out(machine)
    data = (answer.get("UserData") or {}).get("Value")
    # botocore encodes it again when it is sent.
    return evolve(machine, launch={**machine.launch, "UserData": data}) if data else machine
