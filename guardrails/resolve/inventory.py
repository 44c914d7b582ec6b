"""The machines of the region and what is attached to them: one look-up answers for any number of targets.

The look-up is DescribeInstances without ids or filters, on purpose: one unknown id among a thousand makes the whole
request fail, a filter that matches nothing looks like safety, and `InstanceIds=[]` means all machines anyway. The rules
also need to know the state of the other machines of each cluster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.machine import USES, Machine, machine_of
from guardrails.resolve.ownership import ADDRESS, NAMED, REGISTERED, Owner, Ownership, inferring_tag
from guardrails.values import Lookup

INSTANCES = Lookup("ec2", "DescribeInstances", "Reservations")
ADDRESSES = Lookup("ec2", "DescribeAddresses", "Addresses")
INTERFACES = Lookup("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces")


class Inventory:
    """The machines and Elastic IPs of the region, indexed by what the resolvers ask for."""

    def __init__(
        self,
        reservations: Iterable[Mapping[str, Any]],
        addresses: Iterable[Mapping[str, Any]],
        ownership: Ownership,
        registered: Iterable[tuple[str, str]] = (),
    ) -> None:
        """`registered` are ids or addresses of machines, each with the name of a target group that it is behind."""
        self.ownership = ownership
        # Where the name of each cluster comes from.
        self.kinds: dict[str, str] = {}
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
                self._add(machine_of(instance))
        self.addresses = tuple(addresses)
        self._addresses_by_machine: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for address in self.addresses:
            for machine in self.holders_of(address):
                self._addresses_by_machine[machine.id].append(address)
        self._infer(registered)

    def _infer(self, registered: Iterable[tuple[str, str]]) -> None:
        """The clusters of machines without a tag that shows one: what they are registered with, or their address."""
        for name, group in sorted(registered, key=lambda pair: pair[1]):
            for machine in [*self.on("instance", name), *self.on("private-ip", name)]:
                self._belongs(machine, self.ownership.member(REGISTERED, group))
        for address in sorted(self.addresses, key=lambda each: str(each.get("PublicIp"))):
            holders = [machine for machine in self.holders_of(address) if machine.present]
            if len(holders) == 1:
                self._belongs(holders[0], self.ownership.member(ADDRESS, str(address.get("PublicIp"))))

    def _belongs(self, machine: Machine, owner: Owner | None) -> None:
        if owner is None or machine.cluster is not None:
            return
        machine.cluster = owner.name
        self.members[owner.name].append(machine)
        if self.kinds.get(owner.name) != NAMED:
            self.kinds[owner.name] = owner.kind

    def _add(self, machine: Machine) -> None:
        self.machines[machine.id] = machine
        self._belongs(machine, self.ownership.of(machine.tags))
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
        """The clusters of something with these tags and with these clusters on it, sorted.

        Only where there is none, tags that AWS writes count: it belongs to the machines with the same tag.
        """
        names = {name for names in (*clusters, [self.ownership.named(tags)]) for name in names if name}
        return tuple(sorted(names or self._inferred(tags)))

    def _inferred(self, tags: Mapping[str, str]) -> set[str]:
        owner, tag = self.ownership.of(tags), inferring_tag(tags)
        if owner is None or tag is None:
            return set()
        return {machine.cluster for machine in self.with_tag(*tag) if machine.cluster} or {owner.name}

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
        """The ids of those machines without a cluster: whose they are is unknown."""
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
