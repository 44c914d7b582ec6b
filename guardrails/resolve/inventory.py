"""The machines of the region and what is attached to them, indexed by what the resolvers ask for.

Of a large region only some machines are known. What an inventory is asked and cannot answer is then open: the decision
makes the look-ups for it, and starts again with their answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.machine import INDEXES, Machine, machines_of
from guardrails.resolve.ownership import ADDRESS, NAMED, REGISTERED, Owner, Ownership, inferring_tag
from guardrails.resolve.question import EVERYTHING, FILTER_VALUES, Question, question
from guardrails.resolve.region import INSTANCES, Open, Region
from guardrails.values import Lookup

__all__ = ["ADDRESSES", "INSTANCES", "Inventory"]

ADDRESSES = Lookup("ec2", "DescribeAddresses", "Addresses")
# What only one machine can have.
_UNIQUE = ("instance", "eni", "attachment")


class Inventory:
    """The machines and Elastic IPs of the region, indexed by what the resolvers ask for.

    `known` are the machines at hand, by id, and `whole` says whether they are all. Other members ask for more.
    """

    def __init__(
        self,
        region: Region,
        addresses: Iterable[Mapping[str, Any]],
        ownership: Ownership,
        registered: Iterable[tuple[str, str]] = (),
    ) -> None:
        """`registered` are ids or addresses of machines, each with the name of a target group that it is behind."""
        self.ownership = ownership
        # Where the name of each cluster comes from.
        self.kinds: dict[str, str] = {}
        self.account: str | None = None
        self.known: dict[str, Machine] = {}
        self.whole = region.whole
        self._open = Open(region)
        self._registered = [*registered]
        self._asked_members: set[str] = set()
        self._members: dict[str, list[Machine]] = defaultdict(list)
        self._by: dict[str, dict[str, list[Machine]]] = {kind: defaultdict(list) for kind in INDEXES}
        for reservation in region.reservations:
            self.account = reservation.get("OwnerId") or self.account
            for machine in machines_of(reservation):
                self._add(machine)
        self.addresses = tuple(addresses)
        self._addresses_by_machine: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for address in self.addresses:
            for machine in self._by[_held_by(address)[0]].get(_held_by(address)[1], ()):
                self._addresses_by_machine[machine.id].append(address)
        self._infer()

    def _infer(self) -> None:
        """The clusters of machines without a tag that shows one: what they are registered with, or their address."""
        for name, group in sorted(self._registered, key=lambda pair: pair[1]):
            for machine in [*self._by["instance"].get(name, ()), *self._by["private-ip"].get(name, ())]:
                self._belongs(machine, self.ownership.member(REGISTERED, group))
        # Each address with a known machine: whether it alone holds it is asked.
        held = {id(each): each for addresses in self._addresses_by_machine.values() for each in addresses}
        for address in sorted(held.values(), key=lambda each: str(each.get("PublicIp"))):
            holders = [machine for machine in self.holders_of(address) if machine.present]
            if len(holders) == 1:
                self._belongs(holders[0], self.ownership.member(ADDRESS, str(address.get("PublicIp"))))

    def _belongs(self, machine: Machine, owner: Owner | None) -> None:
        if owner is None or machine.cluster is not None:
            return
        machine.cluster = owner.name
        self._members[owner.name].append(machine)
        if self.kinds.get(owner.name) != NAMED:
            self.kinds[owner.name] = owner.kind

    def _add(self, machine: Machine) -> None:
        self.known[machine.id] = machine
        self._belongs(machine, self.ownership.of(machine.tags))
        if machine.state == "terminated":
            return  # nothing is attached to it any more
        for kind, value in machine.found_by:
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
            if machine_id in self.known:
                self.known[machine_id].state = state

    @property
    def machines(self) -> dict[str, Machine]:
        """Every machine of the region, by id."""
        self._open.ask(EVERYTHING)
        return self.known

    @property
    def members(self) -> dict[str, list[Machine]]:
        """The machines of every cluster of the region, by its name."""
        self._open.ask(EVERYTHING)
        return self._members

    def members_of(self, name: str) -> list[Machine]:
        """The machines of a cluster; none for one that does not exist."""
        self._asked_members.add(name)
        for key, value in self.ownership.marks(name):
            self._open.ask(Question(f"tag:{key}", value))
        kinds_and_names = [part.partition("/")[::2] for part in self.ownership.parts(name)]
        groups = {own for kind, own in kinds_and_names if kind == REGISTERED}
        for member in [member for member, group in self._registered if group in groups]:
            self.on("instance", member)
            self.on("private-ip", member)
        held = {own for kind, own in kinds_and_names if kind == ADDRESS}
        for address in [each for each in self.addresses if each.get("PublicIp") in held]:
            self.holders_of(address)
        return self._members.get(name, [])

    @property
    def clusters(self) -> dict[str, list[Machine]]:
        """The clusters of which all machines are known: all of the region, or those that were asked for."""
        if self.whole:
            return self._members
        return {name: self._members[name] for name in self._asked_members if name in self._members}

    def tagged(self) -> list[Machine]:
        """Present machines that a tag puts into a cluster: those that are known, or if there are none, all of them."""
        keys = self.ownership.tags
        for machines in (self.known.values(), (each for key in keys for each in self.on("tag-key", key))):
            if found := [each for each in machines if each.present and any(map(each.tags.get, keys))]:
                return found
        return []

    def meet(self, names: Iterable[str]) -> None:
        """Ask for some of these machines, for someone who compares them with those that are known."""
        if not self.whole and not any(machine.present for machine in filter(None, map(self.known.get, names))):
            for name in sorted(names)[:FILTER_VALUES]:
                self.machine(name)

    def machine(self, machine_id: str | None) -> Machine | None:
        """The machine with this id, also a terminated one; None where the region has none."""
        if machine_id and machine_id not in self.known:
            self._open.ask(question("instance", machine_id))
        return self.known.get(machine_id or "")

    def on(self, kind: str, value: str | None) -> list[Machine]:
        """The machines with this subnet, VPC, interface, private IP, volume, tag (``key=value``), or one of USES."""
        if not value:
            return []
        there = self._by[kind].get(value, [])
        if not (there and kind in _UNIQUE):
            self._open.ask(question(kind, value))
        return there

    def at_address(self, value: str) -> list[Machine]:
        """The machines that have this public, elastic or private address."""
        elastic = [each for each in self.addresses if each.get("PublicIp") == value]
        there = [*self.on("public-ip", value), *(machine for each in elastic for machine in self.holders_of(each))]
        return [*{each.id: each for each in there}.values(), *self.on("private-ip", value)]

    def clusters_on(self, kind: str, value: str | None) -> set[str]:
        """The clusters of those machines."""
        return {machine.cluster for machine in self.on(kind, value) if machine.cluster}

    def with_tag(self, key: str, value: str) -> list[Machine]:
        """The machines with exactly this tag."""
        self._open.ask(Question(f"tag:{key}", value))
        # The index joins both by "=", which either may contain.
        return [machine for machine in self._by["tag"].get(f"{key}={value}", ()) if machine.tags.get(key) == value]

    def untagged_on(self, kind: str, value: str | None) -> set[str]:
        """The ids of those machines without a cluster: whose they are is unknown."""
        return {machine.id for machine in self.on(kind, value) if machine.cluster is None}

    def missing(self, machine_ids: Iterable[str | None]) -> set[str]:
        """The ids that the region does not show, though AWS names them as holders of something."""
        return {machine_id for machine_id in machine_ids if machine_id and self.machine(machine_id) is None}

    def holders_of(self, address: Mapping[str, Any]) -> list[Machine]:
        """The machines that an Elastic IP is on: by instance, else by interface, else by private address."""
        return self.on(*_held_by(address))

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
        return machine.cluster if (machine := self.machine(machine_id)) else None

    @property
    def questions(self) -> frozenset[Question]:
        """What this was asked, answered or not; empty where all machines are known."""
        return self._open.asked

    def further(self) -> tuple[Lookup, ...]:
        """The look-ups for what this was asked and could not answer; none once nothing is open."""
        known = (question(kind, value) for kind, values in self._by.items() for value in values)
        return self._open.further(each for each in known if each is not None)


def _held_by(address: Mapping[str, Any]) -> tuple[str, str]:
    """What an address is on, as an index and a value in it."""
    if address.get("InstanceId"):
        return "instance", str(address["InstanceId"])
    if address.get("NetworkInterfaceId"):
        return "eni", str(address["NetworkInterfaceId"])
    # Two VPCs may use the same private address; then either machine may hold it.
    return "private-ip", str(address.get("PrivateIpAddress") or "")
