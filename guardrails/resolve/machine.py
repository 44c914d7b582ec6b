"""One EC2 instance, as DescribeInstances describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import define

from guardrails.aws.xml_items import Item

# What a machine was launched from or with.
USES = ("security-group", "ami", "key-pair", "instance-profile", "placement-group", "dedicated-host",
        "capacity-reservation", "spot-instance-request")  # fmt: skip
# What machines are looked for by.
INDEXES = ("subnet", "vpc", "eni", "attachment", "private-ip", "public-ip", "volume", "tag", "tag-key", "instance",
           *USES)  # fmt: skip


@define(eq=False)
class Machine:
    """One EC2 instance. `cluster` is the name of the cluster that it belongs to, None where nothing shows one.

    Only `state` and `cluster` ever change, by `Inventory`.

    `primary_ip_of` maps each network interface to its primary private address. `kind` is its instance type; `uses`
    are the names of what it was launched from or with, by type of resource. `found_by` are its values in INDEXES, each
    with the index; a tag is ``key=value``.
    """

    id: str
    state: str
    cluster: str | None
    tags: Mapping[str, str]
    vpc: str | None
    subnet: str | None
    subnets: tuple[str, ...]
    enis: tuple[str, ...]
    attachments: tuple[str, ...]
    private_ips: tuple[str, ...]
    primary_ip: str | None
    primary_ip_of: Mapping[str, str]
    public_ips: tuple[str, ...]
    volumes: tuple[str, ...]
    zone: str | None
    kind: str
    vcpus: int | None
    uses: Mapping[str, tuple[str, ...]]
    launched_at: float | None = None
    found_by: tuple[tuple[str, str], ...] = ()

    @property
    def present(self) -> bool:
        """False once it is terminated, or terminating."""
        return self.state not in ("terminated", "shutting-down")


def machines_of(reservation: Mapping[str, Any]) -> list[Machine]:
    """The machines that DescribeInstances describes in this reservation; whose they are remains open.

    Answers share what has not changed (aws/xml_items.py), so much of it was read before.
    """
    known: dict[int, Any] = reservation.made if isinstance(reservation, Item) else {}
    found = []
    for instance in reservation.get("Instances", []):
        fields = known.get(id(instance))
        if fields is None:
            fields = known[id(instance)] = _read(instance)
        found.append(Machine(**fields))
    return found


def _read(instance: Mapping[str, Any]) -> Mapping[str, Any]:
    enis = instance.get("NetworkInterfaces") or []
    ips = [address for eni in enis for address in eni.get("PrivateIpAddresses") or []]
    private = [address.get("PrivateIpAddress") for address in ips] + [instance.get("PrivateIpAddress")]
    private += [address.get("Ipv6Address") for eni in enis for address in eni.get("Ipv6Addresses") or []]
    public = [(address.get("Association") or {}).get("PublicIp") for address in ips] + [instance.get("PublicIpAddress")]
    subnets = [eni.get("SubnetId") for eni in enis] + [instance.get("SubnetId")]
    fields = {
        "id": instance["InstanceId"],
        "state": (instance.get("State") or {}).get("Name", "unknown"),
        "cluster": None,
        "tags": {tag["Key"]: tag.get("Value", "") for tag in instance.get("Tags") or []},
        "vpc": instance.get("VpcId") or None,
        "subnet": instance.get("SubnetId") or None,
        "subnets": _unique(subnets),
        "enis": _unique(eni.get("NetworkInterfaceId") for eni in enis),
        "attachments": _unique((eni.get("Attachment") or {}).get("AttachmentId") for eni in enis),
        "private_ips": _unique(private),
        "primary_ip": instance.get("PrivateIpAddress") or None,
        "primary_ip_of": {
            eni["NetworkInterfaceId"]: eni["PrivateIpAddress"] for eni in enis if eni.get("PrivateIpAddress")
        },
        "public_ips": _unique(public),
        "volumes": _unique(
            (device.get("Ebs") or {}).get("VolumeId") for device in instance.get("BlockDeviceMappings") or []
        ),
        "zone": (instance.get("Placement") or {}).get("AvailabilityZone") or None,
        "kind": instance.get("InstanceType") or "",
        "vcpus": _vcpus(instance.get("CpuOptions") or {}),
        "uses": _uses(instance, enis),
        "launched_at": _seconds(instance.get("LaunchTime")),
    }
    return {**fields, "found_by": _found_by(fields)}


def _found_by(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    values: dict[str, tuple[str, ...]] = {
        "subnet": fields["subnets"],
        "vpc": (fields["vpc"],) if fields["vpc"] else (),
        "eni": fields["enis"],
        "attachment": fields["attachments"],
        "private-ip": fields["private_ips"],
        "public-ip": fields["public_ips"],
        "volume": fields["volumes"],
        "tag": tuple(f"{key}={value}" for key, value in fields["tags"].items()),
        "tag-key": tuple(fields["tags"]),
        "instance": (fields["id"],),
        **fields["uses"],
    }
    return tuple((kind, value) for kind in INDEXES for value in values[kind])


def _seconds(when: Any) -> float | None:
    return when.timestamp() if isinstance(when, datetime) else None


def _uses(instance: Mapping[str, Any], enis: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    groups = [*(instance.get("SecurityGroups") or []), *(group for eni in enis for group in eni.get("Groups") or [])]
    placement = instance.get("Placement") or {}
    profile = (instance.get("IamInstanceProfile") or {}).get("Arn") or ""
    values_by_use = (
        [group.get(name) for group in groups for name in ("GroupId", "GroupName")],
        [instance.get("ImageId")],
        [instance.get("KeyName")],
        [profile.rpartition("/")[2]],
        [placement.get("GroupName"), placement.get("GroupId")],
        [placement.get("HostId")],
        [instance.get("CapacityReservationId")],
        [instance.get("SpotInstanceRequestId")],
    )
    return {kind: _unique(values) for kind, values in zip(USES, values_by_use, strict=True)}


def _vcpus(options: Mapping[str, Any]) -> int | None:
    cores, threads = options.get("CoreCount"), options.get("ThreadsPerCore")
    return cores * threads if isinstance(cores, int) and isinstance(threads, int) else None


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, values)))
