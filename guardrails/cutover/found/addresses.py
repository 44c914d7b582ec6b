"""The Elastic IPs of the old side, and a free private address of the new side for each."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from guardrails.cutover.found.finding import Finding
from guardrails.cutover.kinds.address import state_of
from guardrails.cutover.plan import Entrance, Move, State
from guardrails.cutover.situation import Situation
from guardrails.resolve.live.eip import counts
from guardrails.resolve.machine import Machine


def find(
    situation: Situation,
    finding: Finding,
    shares: Sequence[int],
    at_once: int | None,
    only: Container[str] | None = None,
) -> None:
    """Every address that is on a machine of the old side and shows what is live; or those in `only`."""
    moving = [each for each in _held(situation, only) if each.get("AllocationId")]
    free = [*_free(situation)]
    if len(moving) > len(free):
        finding.problems.append(
            f"{situation.source} has {len(moving)} Elastic IPs, and {situation.to} has room for {len(free)}: a running "
            "machine without an Elastic IP takes one, and one more for each secondary private address. Start more "
            "machines, or assign secondary private addresses (AssignPrivateIpAddresses)"
        )
        return
    counted = _counts(len(moving), shares, at_once)
    for number, (address, wanted) in enumerate(zip(moving, free, strict=False)):
        before = state_of(address, primary=_is_primary(address, situation))
        entrance = Entrance("address", address["AllocationId"], address["PublicIp"], before)
        finding.entrances.append(entrance)
        share = next(share for share, until in counted if number < until)
        finding.move(share, Move(entrance.key, wanted, f"{entrance.name} goes to {wanted['instance']}"))


def _held(situation: Situation, only: Container[str] | None) -> list[Mapping[str, Any]]:
    """In the order of their numbers, so that the plan is the same every time."""
    there = [
        address
        for address in situation.inventory.addresses
        if (counts(address, situation.settings.live) if only is None else address.get("PublicIp") in only)
    ]
    mine = [address for address in there if _holder(address, situation) == situation.source]
    return sorted(mine, key=lambda address: tuple(int(part) for part in address["PublicIp"].split(".")))


def _holder(address: Mapping[str, Any], situation: Situation) -> str | None:
    return next((machine.cluster for machine in situation.inventory.holders_of(address) if machine.present), None)


def _free(situation: Situation) -> Iterator[State]:
    """The free private addresses of running machines: first one of each machine, then secondary ones."""
    machines = [each for each in situation.machines(situation.to) if each.state == "running"]
    machines = sorted(machines, key=lambda machine: machine.id)
    slots = {machine.id: [*_slots(machine, situation)] for machine in machines}
    for turn in range(max(map(len, slots.values()), default=0)):
        yield from (mine[turn] for mine in slots.values() if len(mine) > turn)


def _slots(machine: Machine, situation: Situation) -> Iterator[State]:
    held = {address.get("PrivateIpAddress") for address in situation.inventory.addresses_of(machine.id)}
    by_eni = {private: eni for eni, private in machine.primary_ip_of.items()}
    first_eni = by_eni.get(machine.primary_ip or "", next(iter(machine.primary_ip_of), ""))
    for private in machine.private_ips:
        if private in held or ":" in private:
            continue
        eni = by_eni.get(private, first_eni if len(machine.enis) == 1 else "")
        primary = _is_only(private, machine)
        if eni or primary:
            yield {"instance": machine.id, "eni": eni, "private_ip": private, "primary": primary}


def _is_primary(address: Mapping[str, Any], situation: Situation) -> bool:
    machine = situation.inventory.machine(address.get("InstanceId"))
    return machine is not None and _is_only(address.get("PrivateIpAddress"), machine)


def _is_only(private: str | None, machine: Machine) -> bool:
    """Whether naming the machine means this address: AWS refuses that for a machine with several interfaces."""
    return private == machine.primary_ip and len(machine.enis) <= 1


def _counts(total: int, shares: Sequence[int], at_once: int | None) -> list[tuple[int, int]]:
    """At which share how many addresses have moved: a part of them as large as the share, or so many more at once."""
    if at_once is None:
        return [(share, -(-total * share // 100)) for share in shares]
    steps = -(-total // at_once)
    return [(-(-100 * step // steps), min(step * at_once, total)) for step in range(1, steps + 1)]
