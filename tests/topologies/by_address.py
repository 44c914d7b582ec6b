"""Shops whose users come by an Elastic IP or a DNS name."""

from __future__ import annotations

from typing import Any

from guardrails.testing import SimulatedAWS
from tests.support.balancers import BehindBalancer
from tests.topologies.world import Act, Topology, World, machines

NAME = "www.example.com"
_IMPAIRED = """<DescribeInstanceStatusResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instanceStatusSet>{items}
</instanceStatusSet></DescribeInstanceStatusResponse>"""
_STATUS = """<item><instanceId>{id}</instanceId><instanceState><code>16</code><name>running</name></instanceState>
<systemStatus><status>impaired</status></systemStatus><instanceStatus><status>impaired</status></instanceStatus></item>"""


def impaired(ids: tuple[str, ...]) -> dict[str, str]:
    """What AWS answers about machines that fail EC2's checks; in moto none does."""
    return {"DescribeInstanceStatus": _IMPAIRED.format(items="".join(_STATUS.format(id=name) for name in ids))}


def _addresses(aws: SimulatedAWS) -> World:
    blue, green = aws.start_cluster("blue", 3, addresses=2), aws.start_cluster("green", 3, addresses=1)
    half, ec2 = aws.start_cluster("half", 3), aws.client("ec2")
    ec2.stop_instances(InstanceIds=list(half.instance_ids[2:]))
    # An address that no machine has any more, and one more of each side's own to be released.
    spare = green.allocation_ids[0]
    ec2.disassociate_address(AssociationId=_association(ec2, spare))
    move = [_move(address, green.instance_ids[number]) for number, address in enumerate(blue.allocation_ids)]
    wrong = {
        "half-started": _move(blue.allocation_ids[0], half.instance_ids[0]),
        "unhealthy": Act("ec2", "associate_address", move[0].params, impaired(green.instance_ids)),
    }
    harms = {"blue": machines(blue.instance_ids), "green": machines(green.instance_ids)}
    for name, address in (("blue", blue.allocation_ids[0]), ("green", spare)):
        harms[name]["release"] = Act("ec2", "release_address", {"AllocationId": address})
    gained = {"release": Act("ec2", "release_address", {"AllocationId": blue.allocation_ids[0]})}
    return World("blue", "green", harms, tuple(move), wrong, gained)


def _association(ec2: Any, allocation: str) -> str:
    return str(ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]["AssociationId"])


def _move(allocation: str, machine: str) -> Act:
    params = {"AllocationId": allocation, "InstanceId": machine, "AllowReassociation": True}
    return Act("ec2", "associate_address", params)


def _pet(aws: SimulatedAWS) -> World:
    """One machine with an address and no tag that says whose it is, its replacement, and a developer's box."""
    blue = aws.start_cluster("pet", 1, addresses=1, cluster_tag="Name")
    green = aws.start_cluster("pet-2", 1, cluster_tag="Name")
    stopped, ec2 = aws.start_cluster("pet-3", 1, cluster_tag="Name"), aws.client("ec2")
    ec2.stop_instances(InstanceIds=list(stopped.instance_ids))
    move = _move(blue.allocation_ids[0], green.instance_ids[0])
    wrong = {
        "half-started": _move(blue.allocation_ids[0], stopped.instance_ids[0]),
        "unhealthy": Act("ec2", "associate_address", move.params, impaired(green.instance_ids)),
    }
    harms = {"pet": machines(blue.instance_ids), "pet-2": machines(green.instance_ids)}
    return World("pet", "pet-2", harms, (move,), wrong)


class _Zone:
    """A hosted zone with a weighted alias for each balancer."""

    def __init__(self, aws: SimulatedAWS) -> None:
        self.route53 = aws.client("route53")
        zone = self.route53.create_hosted_zone(Name="example.com", CallerReference="1")
        self.id: str = zone["HostedZone"]["Id"].rpartition("/")[2]
        self.hosts: dict[str, str] = {}

    def change(self, **weights: int) -> Act:
        """Give each of these balancers a weight."""
        changes = [
            {"Action": "UPSERT", "ResourceRecordSet": {
                "Name": NAME, "Type": "A", "SetIdentifier": name, "Weight": weight,
                "AliasTarget": {"HostedZoneId": "Z1", "DNSName": self.hosts[name], "EvaluateTargetHealth": False},
            }}
            for name, weight in weights.items()
        ]  # fmt: skip
        params = {"HostedZoneId": self.id, "ChangeBatch": {"Changes": changes}}
        return Act("route53", "change_resource_record_sets", params)

    def apply(self, act: Act) -> None:
        """Change the records without a guard."""
        self.route53.change_resource_record_sets(**act.params)


def _names(aws: SimulatedAWS) -> World:
    """A balancer for each side, behind one name with weights."""
    zone, harms = _Zone(aws), dict[str, dict[str, Act]]()
    for name, size in (("blue", 2), ("green", 2), ("half", 3), ("empty", 0)):
        balancer = BehindBalancer(aws, name=f"web-{name}")
        ids = aws.start_cluster(name, size).instance_ids if size else ()
        balancer.group(name, ids)
        balancer.listener(443, **{name: 1})
        described = balancer.elbv2.describe_load_balancers(LoadBalancerArns=[balancer.arn])
        zone.hosts[name] = described["LoadBalancers"][0]["DNSName"]
        if ids:
            harms[name] = machines(ids)
        if name in ("blue", "green"):
            arn = {"LoadBalancerArn": balancer.arn}
            harms[name]["delete balancer"] = Act("elbv2", "delete_load_balancer", arn)
    aws.client("ec2").stop_instances(InstanceIds=list(harms["half"]["stop"].params["InstanceIds"][:1]))
    zone.apply(zone.change(blue=100, green=0, half=0, empty=0))
    wrong = {
        "empty": zone.change(blue=0, empty=100),
        "half-started": zone.change(blue=0, half=100),
    }
    steps = (zone.change(blue=90, green=10), zone.change(blue=0, green=100))
    return World("blue", "green", harms, steps, wrong)


TOPOLOGIES = (
    Topology("Elastic IPs", "eip", _addresses, canned="machines that fail EC2's checks"),
    Topology(
        "one pet with an address", "eip", _pet,
        config={"live": {"sources": ["eip", "target-group", "elb"]}, "params": {"untagged": "allow"}},
        canned="machines that fail EC2's checks",
    ),
    Topology(
        "DNS weights and aliases", "dns", _names,
        config={"live": {"sources": ["eip", "dns"], "records": [NAME]}},
    ),
)  # fmt: skip
