"""Answers that cannot all be true: one that shows nothing of what another one names was not given about this account.

An empty list and another account's list have the right shape. What they lack shows that they are no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import jmespath

from guardrails.resolve.connection import failure
from guardrails.resolve.inventory import ADDRESSES, INSTANCES, Inventory
from guardrails.resolve.lists import INTERFACES, ROUTE_TABLES, Lists
from guardrails.values import Answer, Lookup, LookupFailure, frozen


@frozen
class _Expectation:
    """`names` finds names in the items of a look-up, of which at least one is also among `expected`."""

    lookup: Lookup
    names: str
    expected: Callable[[Inventory, Mapping[str, Answer]], Iterable[str]]
    what: str


def _interfaces(inventory: Inventory, _: Mapping[str, Answer]) -> Iterable[str]:
    return (eni for machine in inventory.known.values() if machine.present for eni in machine.enis)


def _networks(inventory: Inventory, _: Mapping[str, Answer]) -> Iterable[str]:
    return (machine.vpc for machine in inventory.known.values() if machine.present and machine.vpc)


def _subnets(inventory: Inventory, _: Mapping[str, Answer]) -> Iterable[str]:
    return (subnet for machine in inventory.known.values() if machine.present for subnet in machine.subnets)


def _volumes(inventory: Inventory, _: Mapping[str, Answer]) -> Iterable[str]:
    return (volume for machine in inventory.known.values() if machine.present for volume in machine.volumes)


def _elastic_ips(_: Inventory, answers: Mapping[str, Answer]) -> Iterable[str]:
    associations = (interface.get("Association") or {} for interface in Lists(answers).items(INTERFACES))
    # A public address that nobody allocated is Amazon's.
    return (each["PublicIp"] for each in associations if each.get("AllocationId") and each.get("PublicIp"))


def _groups(inventory: Inventory, _: Mapping[str, Answer]) -> Iterable[str]:
    tags = (machine.tags.get("aws:autoscaling:groupName") for machine in inventory.known.values() if machine.present)
    return (name for name in tags if name)


def _gateways(_: Inventory, answers: Mapping[str, Answer]) -> Iterable[str]:
    return jmespath.search("[].Routes[?State == 'active'].NatGatewayId[]", [*Lists(answers).items(ROUTE_TABLES)]) or ()


_EXPECTATIONS = (
    _Expectation(ADDRESSES, "[].PublicIp", _elastic_ips, "Elastic IPs of interfaces"),
    _Expectation(
        Lookup("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups"),
        "[].AutoScalingGroupName",
        _groups,
        "groups that machines are in",
    ),
    _Expectation(INTERFACES, "[].NetworkInterfaceId", _interfaces, "interfaces of machines"),
    _Expectation(ROUTE_TABLES, "[].VpcId", _networks, "tables of VPCs with machines"),
    _Expectation(Lookup("ec2", "DescribeNetworkAcls", "NetworkAcls"), "[].VpcId", _networks, "ACLs of such VPCs"),
    _Expectation(Lookup("ec2", "DescribeVpcs", "Vpcs"), "[].VpcId", _networks, "VPCs with machines"),
    _Expectation(Lookup("ec2", "DescribeSubnets", "Subnets"), "[].SubnetId", _subnets, "subnets with machines"),
    _Expectation(Lookup("ec2", "DescribeVolumes", "Volumes"), "[].VolumeId", _volumes, "volumes of machines"),
    _Expectation(
        Lookup("ec2", "DescribeNatGateways", "NatGateways"), "[].NatGatewayId", _gateways, "gateways that routes name"
    ),
)

# Lists of what the account itself owns, by the look-up, and where the ARNs in them are.
_OWN = {
    "autoscaling:DescribeAutoScalingGroups": "[].AutoScalingGroupARN",
    "elbv2:DescribeLoadBalancers": "[].LoadBalancerArn",
    "elbv2:DescribeTargetGroups": "[].TargetGroupArn",
    "iam:GetUser": "[].Arn",
    "rds:DescribeDBClusters": "[].DBClusterArn",
    "rds:DescribeDBInstances": "[].DBInstanceArn",
    "resourcegroupstaggingapi:GetResources": "[].ResourceARN",
}


def _of_another_account(answers: Mapping[str, Answer], inventory: Inventory) -> Iterator[LookupFailure]:
    """The machines' look-up, where a list of what the account owns shows that the machines are another account's."""
    for key, answer in answers.items():
        arns = jmespath.search(_OWN.get(key.partition(" ")[0], "`[]`"), [*answer.items]) or ()
        accounts = {parts[4] for parts in (str(arn).split(":", 5) for arn in arns) if len(parts) > 5 and parts[4]}
        if accounts and inventory.account and inventory.account not in accounts:
            what = f"other answers are about account {min(accounts)}, and this one is about {inventory.account}"
            yield failure(INSTANCES, "Contradiction", what)
            return


def _of_parts(lists: Lists, inventory: Inventory) -> Iterator[LookupFailure]:
    """Parts of long lists without what known machines must have there, or by a filter that finds nothing at all."""
    for lookup, name in lists.failed():
        yield failure(lookup, "Contradiction", f"its filter {name} finds nothing, also where there is something")
    subnets = lists.asked(INTERFACES, "subnet-id") or frozenset()
    vpcs = lists.asked(INTERFACES, "vpc-id") or frozenset()
    there = [each for each in inventory.known.values() if each.present]
    expected = {eni for each in there if each.vpc in vpcs or not subnets.isdisjoint(each.subnets) for eni in each.enis}
    if expected and expected.isdisjoint(each["NetworkInterfaceId"] for each in lists.items(INTERFACES)):
        yield _contradiction(INTERFACES, "interfaces of machines")


def among(answers: Mapping[str, Answer], inventory: Inventory) -> tuple[LookupFailure, ...]:
    """The look-ups whose answers show none of what must be there, or another account. `inventory` is of these answers.

    One of what must be there is enough: something may have come or gone between two requests.
    """
    failures = [*_of_another_account(answers, inventory)]
    holders = {address["InstanceId"] for address in inventory.addresses if address.get("InstanceId")}
    inventory.meet(holders)
    if holders and holders.isdisjoint(inventory.known):
        failures.append(_contradiction(INSTANCES, "machines that hold Elastic IPs"))
    failures += _of_parts(Lists(answers), inventory)
    for each in _EXPECTATIONS:
        answer = answers.get(each.lookup.key())
        expected: set[str] = {*each.expected(inventory, answers)} if answer else set()
        if answer and expected and expected.isdisjoint(jmespath.search(each.names, [*answer.items]) or ()):
            failures.append(_contradiction(each.lookup, each.what))
    return tuple(failures)


def _contradiction(lookup: Lookup, what: str) -> LookupFailure:
    return failure(lookup, "Contradiction", f"other answers name {what}, and this one shows none of them")
