"""An address that goes from one machine to another.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
"""

from __future__ import annotations

from guardrails.resolve.resources.registry import targets_of
from guardrails.resolve.shifts import shares
from guardrails.resolve.shifts.shares import Shares, Situation, UnclearError
from guardrails.values import Shift, Target

_WAY = "address"
_OPERATIONS = ("ec2:AssociateAddress", "ec2:AssignPrivateIpAddresses", "ec2:AssignIpv6Addresses")


def _shift(situation: Situation) -> Shift | None:
    """None also for an address that is on no machine: no one uses it yet."""
    call = situation.call
    if call.name not in _OPERATIONS:
        return None
    targets = targets_of(call, situation.answers, situation.inventory, situation.seen.clusters)
    moving = [target for target in targets if target.role == "target" and target.clusters]
    onto = [target for target in targets if target.role == "destination"]
    if not moving:
        return None
    try:
        after = _shares(onto)
        return shares.moved(_WAY, [(_shares([target]), after) for target in moving])
    except UnclearError as error:
        return Shift(_WAY, why=str(error))


def _shares(targets: list[Target]) -> Shares:
    result = Shares()
    for target in targets:
        if len(target.clusters) != 1 or not target.resolved:
            raise UnclearError(f"it is not known which cluster {target.id} belongs to")
        result.add(target.clusters[0], 1 / len(targets), [target.id])
    return result


WAY = shares.Way(_shift)
