"""Filters of DescribeInstances that moto does not have.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from typing import Any


def _interfaces(machine: Any) -> list[Any]:
    return [*machine.nics.values()]


def _addresses(interface: Any) -> list[str | None]:
    return [interface.private_ip_address, *(each.get("PrivateIpAddress") for each in interface.private_ip_addresses)]


def _groups(machine: Any) -> list[Any]:
    return [*machine.security_groups, *(group for each in _interfaces(machine) for group in each.group_set)]


def _profile(machine: Any) -> list[str | None]:
    profile = machine.iam_instance_profile
    return [profile.get("Arn") if isinstance(profile, dict) else getattr(profile, "arn", None)]


# The machine's values for each filter.
_VALUES: dict[str, Callable[[Any], Iterable[str | None]]] = {
    "client-token": lambda machine: [machine.client_token],
    "block-device-mapping.volume-id": lambda machine: [
        each.volume_id for each in machine.block_device_mapping.values()
    ],
    "capacity-reservation-id": lambda _machine: [],
    "host-id": lambda machine: [machine.placement.host_id],
    "iam-instance-profile.arn": _profile,
    "network-interface.addresses.association.public-ip": lambda machine: [
        each.public_ip for each in _interfaces(machine)
    ],
    "network-interface.addresses.private-ip-address": lambda machine: [
        address for each in _interfaces(machine) for address in _addresses(each)
    ],
    "network-interface.attachment.attachment-id": lambda machine: [each.attachment_id for each in _interfaces(machine)],
    "network-interface.group-id": lambda machine: [group.id for group in _groups(machine)],
    "network-interface.group-name": lambda machine: [group.name for group in _groups(machine)],
    "network-interface.ipv6-addresses.ipv6-address": lambda _machine: [],
    "network-interface.network-interface-id": lambda machine: [each.id for each in _interfaces(machine)],
    "network-interface.subnet-id": lambda machine: [each.subnet.id for each in _interfaces(machine)],
    "placement-group-name": lambda machine: [getattr(machine.placement, "group_name", None)],
    "spot-instance-request-id": lambda machine: [getattr(machine, "spot_instance_request_id", None)],
}


def add() -> None:
    """Let moto know these filters, in addition to its own."""
    from moto.ec2 import utils  # noqa: PLC0415  (optional)

    own = utils.passes_filter_dict
    if getattr(own, "knows_more", False):
        return

    def passes(instance: Any, filter_dict: dict[str, Any]) -> bool:
        ours = {name: values for name, values in filter_dict.items() if name in _VALUES}
        return all(_fits(_VALUES[name](instance), values) for name, values in ours.items()) and own(
            instance, {name: values for name, values in filter_dict.items() if name not in ours}
        )

    passes.knows_more = True  # type: ignore[attr-defined]
    utils.passes_filter_dict = passes


def _fits(own: Iterable[str | None], patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern) for value in own if value for pattern in patterns)
