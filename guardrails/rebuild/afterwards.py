"""What follows when the new machines pass their checks: target groups, and on request Elastic IPs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from guardrails.rebuild import steps
from guardrails.rebuild.machine import Machine
from guardrails.rebuild.progress import DONE, Progress
from guardrails.rebuild.reading import CannotRead, Item
from guardrails.rebuild.send import Stopped, Surroundings, send
from guardrails.rebuild.steps import Step


def after(progress: Progress, around: Surroundings) -> list[str]:
    """Make these calls, those that are done left out; returns sentences about what was left alone. Raises Stopped."""
    new = progress.new
    machines = [machine for machine in progress.machines if machine.id in new]
    for step in steps.registrations(machines, {**new, **_private_addresses(machines, new, around)}):
        _finish(step, progress, around)
    notes = []
    for step in steps.addresses(machines, new) if progress.addresses else ():
        note = _held(step, around)
        if note:
            notes.append(note)
        else:
            _finish(step, progress, around)
    return notes


def _finish(step: Step, progress: Progress, around: Surroundings) -> None:
    if progress.state(step) == DONE:
        return
    try:
        send(step, around)
    except ClientError as error:
        raise Stopped(f"{step.operation} was refused by AWS: {error}") from error
    progress.note(step, DONE)


def _private_addresses(machines: Sequence[Machine], new: dict[str, str], around: Surroundings) -> dict[str, str]:
    """``OLD ip`` -> the private address of the new machine, where a target group wants addresses."""
    wanted = [each.id for each in machines if any(kind == "ip" for *_, kind in each.targets)]
    if not wanted:
        return {}
    items = _read(around, "the addresses of the new machines", "describe_instances", "Reservations",
                  InstanceIds=[new[old] for old in wanted])  # fmt: skip
    ips = {each["InstanceId"]: each.get("PrivateIpAddress") for item in items for each in item.get("Instances") or ()}
    missing = [new[old] for old in wanted if not ips.get(new[old])]
    if missing:
        raise Stopped(f"AWS shows no private address of {', '.join(missing[:3])}")
    return {f"{old} ip": str(ips[new[old]]) for old in wanted}


def _held(step: Step, around: Surroundings) -> str:
    """Who else holds the address, as a sentence; "" where no one does."""
    allocation = step.params["AllocationId"]
    found = _read(
        around, f"whether {allocation} is free", "describe_addresses", "Addresses", AllocationIds=[allocation]
    )
    if not found:
        raise Stopped(f"AWS does not show the address {allocation}")
    holder = found[0].get("InstanceId") or found[0].get("NetworkInterfaceId")
    if not found[0].get("AssociationId") or holder == step.params["InstanceId"]:
        return ""
    return f"{found[0].get('PublicIp')} stays on {holder}: it moves only when its old holder is gone"


def _read(around: Surroundings, what: str, operation: str, key: str, **params: Any) -> list[Item]:
    try:
        return around.reader.all("ec2", operation, key, **params)
    except CannotRead as error:
        raise Stopped(f"{what} is not known: {error}") from error
