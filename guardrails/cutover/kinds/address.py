"""An Elastic IP: its state is the private address that it is on.

It moves by one AssociateAddress with AllowReassociation, so it is never on nothing for longer than that takes.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guardrails.cutover.kinds.kind import Clients
from guardrails.cutover.plan import State


class Address:
    """The Kind of Elastic IPs, by allocation id."""

    def read(self, clients: Clients, ids: Iterable[str]) -> Mapping[str, State]:
        """Where each is now."""
        answer = clients("ec2").describe_addresses(AllocationIds=[*ids])
        return {address["AllocationId"]: state_of(address) for address in answer["Addresses"]}

    def write(self, clients: Clients, id: str, now: State, wanted: State) -> None:  # noqa: A002, ARG002
        """Move it. By machine where that says enough, as people do it."""
        onto = {"NetworkInterfaceId": wanted["eni"], "PrivateIpAddress": wanted["private_ip"]}
        if wanted["primary"] or not wanted["eni"]:
            onto = {"InstanceId": wanted["instance"]}
        clients("ec2").associate_address(AllocationId=id, AllowReassociation=True, **onto)

    def same(self, one: State, other: State) -> bool:
        """On the same private address of the same machine."""
        if not (one["private_ip"] or other["private_ip"]):
            return bool(one["instance"] == other["instance"] and one["eni"] == other["eni"])
        where = one["eni"] == other["eni"] or one["instance"] == other["instance"]
        return bool(where and one["private_ip"] == other["private_ip"])

    def ours(self, now: State, states: Sequence[State]) -> bool:
        """Also on nothing: no user reaches it there."""
        return not (now["instance"] or now["eni"]) or any(self.same(now, state) for state in states)


def state_of(address: Mapping[str, Any], *, primary: bool = False) -> dict[str, Any]:
    """The state of an address as DescribeAddresses shows it; `primary` says that naming the machine means it."""
    return {
        "instance": address.get("InstanceId") or "",
        "eni": address.get("NetworkInterfaceId") or "",
        "private_ip": address.get("PrivateIpAddress") or "",
        "primary": primary,
    }
