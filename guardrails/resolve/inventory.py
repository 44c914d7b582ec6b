"""The machines of the region and what is attached to them: one look-up answers for any number of targets.

The look-up is DescribeInstances without ids or filters, on purpose: one unknown id among a thousand makes the whole
request fail, a filter that matches nothing looks like safety, and `InstanceIds=[]` means all machines anyway. The rules
also need to know the state of the other machines of each cluster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import define

from guardrails.resolve.ownership import Ownership
from guardrails.values import Lookup

INSTANCES = Lookup("ec2", "DescribeInstances", "Reservations")
ADDRESSES = Lookup("ec2", "DescribeAddresses", "Addresses")
INTERFACES = Lookup("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces")


# What a machine was launched from or with.
USES = ("security-group", "ami", "key-pair", "instance-profile", "placement-group", "dedicated-host",
        "capacity-reservation", "spot-instance-request")  # fmt: skip


@define(eq=False)
class Machine:
    """One EC2 instance. `cluster` is the value of its cluster tag, None without one.

    Only `state` ever changes, by `Inventory.expect`.

    `primary_ip_of` maps each network interface to its primary private address. `kind` is its instance type; `uses`
    are the names of what it was launched from or with, by type of resource.
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

    @property
    def present(self) -> bool:
        """False once it is terminated, or terminating."""
        return self.state not in ("terminated", "shutting-down")


class Inventory:
    """The machines and Elastic IPs of the region, indexed by what the resolvers ask for."""

    def __init__(
        self,
        reservations: Iterable[Mapping[str, Any]],
        addresses: Iterable[Mapping[str, Any]],
        ownership: Ownership,
    ) -> None:
        self.ownership = ownership
        self.account: str | None = None
        self.machines: dict[str, Machine] = {}
        self.members: dict[str, list[Machine]] = defaultdict(list)
        self._by: dict[str, dict[str, list[Machine]]] = {
            kind: defaultdict(list)
            for kind in ("subnet", "vpc", "eni", "attachment", "private-ip", "volume", "tag", "instance", *USES)
        }
        for reservation in reservations:
            self.account = reservation.get("OwnerId") or self.account
            for instance in reservation.get("Instances", []):
                self._add(_machine(instance, ownership))
        self.addresses = tuple(addresses)
        self._addresses_by_machine: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for address in self.addresses:
            for machine in self.holders_of(address):
                self._addresses_by_machine[machine.id].append(address)

    def _add(self, machine: Machine) -> None:
        self.machines[machine.id] = machine
        if machine.cluster:
            self.members[machine.cluster].append(machine)
        if machine.state == "terminated":
            return  # nothing is attached to it any more
        keys = {
            "subnet": machine.subnets,
            "vpc": (machine.vpc,) if machine.vpc else (),
            "eni": machine.enis,
            "attachment": machine.attachments,
            "private-ip": machine.private_ips,
            "volume": machine.volumes,
            "tag": tuple(f"{key}={value}" for key, value in machine.tags.items()),
            "instance": (machine.id,),
            **machine.uses,
        }
        for kind, values in keys.items():
            for value in values:
                self._by[kind][value].append(machine)

    @property
    def cluster_tag(self) -> str:
        """The first of the tags that name clusters, for messages."""
        return self.ownership.tags[0]

    def carried(self, tags: Mapping[str, str], *clusters: Iterable[str | None]) -> tuple[str, ...]:
        """The clusters of something with these tags and with these clusters on it, sorted."""
        return tuple(sorted({name for names in (*clusters, [self.ownership.named(tags)]) for name in names if name}))

    def expect(self, states: Mapping[str, str]) -> None:
        """Put machines into the states that earlier calls bring them into, which AWS does not show yet."""
        for machine_id, state in states.items():
            if machine_id in self.machines:
                self.machines[machine_id].state = state

    def on(self, kind: str, value: str | None) -> list[Machine]:
        """The machines with this subnet, VPC, interface, private IP, volume, tag (``key=value``), or one of USES."""
        return self._by[kind].get(value, []) if value else []

    def clusters_on(self, kind: str, value: str | None) -> set[str]:
        """The clusters of those machines."""
        return {machine.cluster for machine in self.on(kind, value) if machine.cluster}

    def with_tag(self, key: str, value: str) -> list[Machine]:
        """The machines with exactly this tag."""
        # The index joins both by "=", which either may contain.
        return [machine for machine in self.on("tag", f"{key}={value}") if machine.tags.get(key) == value]

    def untagged_on(self, kind: str, value: str | None) -> set[str]:
        """The ids of those machines without a cluster tag: whose they are is unknown."""
        return {machine.id for machine in self.on(kind, value) if machine.cluster is None}

    def missing(self, machine_ids: Iterable[str | None]) -> set[str]:
        """The ids that the region does not show, though AWS names them as holders of something."""
        return {machine_id for machine_id in machine_ids if machine_id and machine_id not in self.machines}

    def holders_of(self, address: Mapping[str, Any]) -> list[Machine]:
        """The machines that an Elastic IP is on: by instance, else by interface, else by private address."""
        if address.get("InstanceId"):
            return self.on("instance", address["InstanceId"])
        if address.get("NetworkInterfaceId"):
            return self.on("eni", address["NetworkInterfaceId"])
        # Two VPCs may use the same private address; then either machine may hold it.
        return self.on("private-ip", address.get("PrivateIpAddress"))

    def addresses_of(self, machine_id: str) -> list[Mapping[str, Any]]:
        """The Elastic IPs on a machine, as DescribeAddresses returns them."""
        return self._addresses_by_machine.get(machine_id, [])

    def elastic_ips_of(self, machine_id: str) -> tuple[str, ...]:
        """The Elastic IPs on a machine."""
        return tuple(sorted(address["PublicIp"] for address in self.addresses_of(machine_id)))

    def elastic_ips_at(
        self, private_ip: str | None, *, machine: str | None = None, eni: str | None = None
    ) -> list[str]:
        """The Elastic IPs on one private address of a machine or interface: a new association displaces them."""
        return sorted(
            address["PublicIp"]
            for address in self.addresses
            if (machine or eni) in (address.get("InstanceId"), address.get("NetworkInterfaceId"))
            # An association without a private address counts: it may be with this one.
            and address.get("PrivateIpAddress") in (None, "", private_ip)
        )

    def cluster_of(self, machine_id: str | None) -> str | None:
        """The cluster of a machine, None if the machine or its tag is unknown."""
        machine = self.machines.get(machine_id or "")
        return machine.cluster if machine else None


def _machine(instance: Mapping[str, Any], ownership: Ownership) -> Machine:
    tags = {tag["Key"]: tag.get("Value", "") for tag in instance.get("Tags") or []}
    enis = instance.get("NetworkInterfaces") or []
    ips = [address for eni in enis for address in eni.get("PrivateIpAddresses") or []]
    private = [address.get("PrivateIpAddress") for address in ips] + [instance.get("PrivateIpAddress")]
    private += [address.get("Ipv6Address") for eni in enis for address in eni.get("Ipv6Addresses") or []]
    public = [(address.get("Association") or {}).get("PublicIp") for address in ips] + [instance.get("PublicIpAddress")]
    subnets = [eni.get("SubnetId") for eni in enis] + [instance.get("SubnetId")]
    return Machine(
        id=instance["InstanceId"],
        state=(instance.get("State") or {}).get("Name", "unknown"),
        cluster=ownership.named(tags),
        tags=tags,
        vpc=instance.get("VpcId") or None,
        subnet=instance.get("SubnetId") or None,
        subnets=_unique(subnets),
        enis=_unique(eni.get("NetworkInterfaceId") for eni in enis),
        attachments=_unique((eni.get("Attachment") or {}).get("AttachmentId") for eni in enis),
        private_ips=_unique(private),
        primary_ip=instance.get("PrivateIpAddress") or None,
        primary_ip_of={
            eni["NetworkInterfaceId"]: eni["PrivateIpAddress"] for eni in enis if eni.get("PrivateIpAddress")
        },
        public_ips=_unique(public),
        volumes=_unique(
            (device.get("Ebs") or {}).get("VolumeId") for device in instance.get("BlockDeviceMappings") or []
        ),
        zone=(instance.get("Placement") or {}).get("AvailabilityZone") or None,
        kind=instance.get("InstanceType") or "",
        vcpus=_vcpus(instance.get("CpuOptions") or {}),
        uses=_uses(instance, enis),
        launched_at=_seconds(instance.get("LaunchTime")),
    )


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
    return tuple(dict.fromkeys(value for value in values if value))
