"""A shop with two sides, as AWS describes it: blue is live by its Elastic IP, green is the staging side.

Every id of a side has the side's name or hexadecimal mark in it. Pure: the answers to every look-up that the guard may
make, complete and true.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from guardrails.resolve.resources import arns as arns_of
from guardrails.resolve.resources.registry import known_types
from guardrails.values import Lookup
from tests.faults import described

ACCOUNT, REGION, BLUE_IP = "123456789012", "eu-west-1", "198.51.100.4"
_IN = f"{REGION}:{ACCOUNT}"
_HEX = {
    "address": "eipalloc", "ami": "ami", "capacity-reservation": "cr", "carrier-gateway": "cagw",
    "dedicated-host": "h", "dhcp-options": "dopt", "ec2-resource": "i", "egress-only-internet-gateway": "eigw",
    "elb-target": "i", "eni": "eni", "eni-attachment": "eni-attach", "fleet": "fleet", "instance": "i",
    "instance-metadata": "i", "instance-profile-association": "iip-assoc", "internet-gateway": "igw",
    "launch-template": "lt", "nacl": "acl", "nacl-association": "aclassoc", "nat-gateway": "nat",
    "new-acl-entry": "acl", "new-route": "rtb", "route-table": "rtb", "route-table-association": "rtbassoc",
    "security-group": "sg", "security-group-rule": "sgr", "snapshot": "snap", "spot-fleet": "sfr",
    "spot-instance-request": "sir", "subnet": "subnet", "subnet-cidr-association": "subnet-cidr-assoc", "text": "i",
    "tgw-attachment": "tgw-attach", "transit-gateway": "tgw", "volume": "vol", "vpc": "vpc",
    "vpc-cidr-association": "vpc-cidr-assoc", "vpc-endpoint": "vpce", "vpc-peering": "pcx", "vpn-gateway": "vgw",
    "vpc-names": "vpc", "vpc-new-range": "vpc",
}  # fmt: skip
_ARNS = {
    "accelerator": "globalaccelerator::{account}:accelerator/{name}",
    "ga-listener": "globalaccelerator::{account}:accelerator/{name}/listener/1",
    "endpoint-group": "globalaccelerator::{account}:accelerator/{name}/listener/1/endpoint-group/1",
    "load-balancer": "elasticloadbalancing:{place}:loadbalancer/app/{name}/1",
    "listener-requests": "elasticloadbalancing:{place}:listener/app/{name}/1/1",
    "listener-actions": "elasticloadbalancing:{place}:listener/app/{name}/1/1",
    "rule-actions": "elasticloadbalancing:{place}:listener-rule/app/{name}/1/1/1",
    "target-group": "elasticloadbalancing:{place}:targetgroup/{name}/1",
    "kms-key": "kms:{place}:key/{name}-kms-key",
    "marked": "sqs:{place}:{name}-marked",
}


@frozen
class Side:
    """One side of the shop: `name` is its cluster, `mark` stands for seventeen hexadecimal digits."""

    name: str
    mark: str
    octet: int
    public_ip: str

    def id(self, kind: str, member: str = "") -> str:
        """What a thing of this type is called, where a parameter of this name says it."""
        special = {
            ("asg-policy", "AutoScalingGroupName"): f"{self.name}-asg",
            ("asg-schedule", "AutoScalingGroupName"): f"{self.name}-asg",
            ("address", "PublicIp"): self.public_ip, ("address", "AssociationId"): self.hex("eipassoc"),
            ("cfn-change-set", "StackName"): f"{self.name}-cfn-stack", ("dns-record", "Type"): "A",
            ("dns-new-record", "Type"): "A", ("eks-nodegroup", "clusterName"): f"{self.name}-eks-cluster",
            ("security-group", "GroupName"): f"{self.name}-security-group",
            ("launch-template", "LaunchTemplateName"): f"{self.name}-launch-template",
        }  # fmt: skip
        plain = {
            "arn": f"arn:aws:ec2:{_IN}:instance/{self.hex('i')}", "cidr": f"{self.public_ip}/32",
            "dns-new-record": f"new.{self.name}.example.com", "dns-record": f"{self.name}.example.com",
            "hosted-zone": f"Z{self.name}", "private-ip": f"10.{self.octet}.0.4", "tag-selector": self.name,
            "scalable-target": f"service/{self.name}-ecs-cluster/{self.name}-ecs-service",
        }  # fmt: skip
        if (kind, member) in special:
            return special[kind, member]
        if kind in plain:
            return plain[kind]
        if kind in _ARNS:
            return "arn:aws:" + _ARNS[kind].format(account=ACCOUNT, place=_IN, name=self.name)
        return self.hex(_HEX[kind]) if kind in _HEX else f"{self.name}-{kind}"

    def required(self, member: str) -> str:
        """What a required parameter of this name says, "" for one that means nothing here."""
        return {
            "AutoScalingGroupName": self.id("asg"), "HostedZoneId": self.id("hosted-zone"),
            "Id": self.id("hosted-zone"), "clusterName": self.id("eks-cluster"), "cluster": self.id("ecs-cluster"),
            "EventBusName": self.id("event-bus"), "EndpointGroupArn": self.id("endpoint-group"),
            "ListenerArn": self.id("ga-listener"), "AcceleratorArn": self.id("accelerator"),
            "Name": f"{self.name}.example.com",
        }.get(member, "")  # fmt: skip

    def hex(self, prefix: str, number: int = 0) -> str:
        """An id of EC2's."""
        return f"{prefix}-{self.mark * 16}{number}"

    def has_part_in(self, text: str) -> bool:
        """Whether the parameters of a look-up, as JSON, name something of this side."""
        return self.name in text or self.mark * 16 in text or f"10.{self.octet}.0." in text


BLUE, GREEN = Side("blue", "b", 1, BLUE_IP), Side("green", "a", 2, "198.51.100.9")


# These list names instead of items.
_LISTS: Mapping[str, Callable[[Side], str]] = {
    "ListClusters": lambda s: f"arn:aws:ecs:{_IN}:cluster/{s.id('ecs-cluster')}",
    "ListServices": lambda s: f"arn:aws:ecs:{_IN}:service/{s.id('ecs-cluster')}/{s.id('ecs-service')}",
    "ListTasks": lambda s: f"{s.name}/task",
}


Items = tuple[Mapping[str, Any], ...]


def items(lookup: Lookup) -> Items:
    """What AWS answers; nothing for a look-up that the shop does not know."""
    return _items(name_of(lookup), json.dumps(lookup.params))


def elsewhere(lookup: Lookup) -> Items:
    """The same of another account, which has a shop of the same kind: other ids, other names."""
    return _elsewhere(name_of(lookup), json.dumps(lookup.params))


# The same look-ups come up thousands of times.
@functools.cache
def _items(name: str, params: str) -> Items:
    if name in _LISTS:
        named: Any = [_LISTS[name](side) for side in (GREEN, BLUE) if side.has_part_in(params) or params == "{}"]
        return tuple(named)
    answer = _ANSWERS.get(name) or (lambda side: described.built(side, described.ROWS.get(name, {})))
    sides = [side for side in (GREEN, BLUE) if side.has_part_in(params)] or [GREEN, BLUE]
    found = tuple(item for side in sides for item in answer(side))
    asked = json.loads(params).get("Targets") if name == "DescribeTargetHealth" else None
    if asked is not None:
        registered = {item["Target"]["Id"] for item in found}
        return tuple(_health(target["Id"], registered=target["Id"] in registered) for target in asked)
    return found


@functools.cache
def _elsewhere(name: str, params: str) -> Items:
    text = json.dumps(_items(name, params))
    for side, mark, other in ((BLUE, "c", "cyan"), (GREEN, "d", "grey")):
        text = text.replace(side.mark * 16, mark * 16).replace(side.name, other)
        text = text.replace(side.public_ip, f"203.0.113.{side.octet}").replace(f"10.{side.octet}.0.", "10.99.0.")
    return tuple(json.loads(text.replace(ACCOUNT, "210987654321")))


def name_of(lookup: Lookup) -> str:
    """The operation of a look-up, with its service where two have one of this name."""
    full = f"{lookup.service}:{lookup.operation}"
    return full if full in _ANSWERS else lookup.operation


def known() -> frozenset[str]:
    """The names of look-ups that the shop answers."""
    return frozenset((*_ANSWERS, *_LISTS, *described.ROWS))


def _tags(side: Side, **more: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in {"Cluster": side.name, **more}.items()]


def _health(name: str, *, registered: bool) -> dict[str, Any]:
    reason = {} if registered else {"Reason": "Target.NotRegistered"}
    return {"Target": {"Id": name}, "TargetHealth": {"State": "healthy" if registered else "unused", **reason}}


def _interface(side: Side, number: int) -> dict[str, Any]:
    held = {} if number else {"Association": {"PublicIp": side.public_ip, "AllocationId": side.id("address")}}
    return {
        **held,
        "NetworkInterfaceId": side.hex("eni", number), "SubnetId": side.id("subnet"), "VpcId": side.id("vpc"),
        "PrivateIpAddress": f"10.{side.octet}.0.{4 + number}", "Status": "in-use", "OwnerId": ACCOUNT,
        "PrivateIpAddresses": [{"PrivateIpAddress": f"10.{side.octet}.0.{4 + number}"}],
        "Attachment": {"AttachmentId": side.hex("eni-attach", number), "InstanceId": side.hex("i", number)},
    }  # fmt: skip


def _route(side: Side) -> str:
    """A template that adds a route to a table of the side."""
    table = {"RouteTableId": side.id("route-table"), "DestinationCidrBlock": "0.0.0.0/1", "GatewayId": "local"}
    return json.dumps({"Resources": {"Route": {"Type": "AWS::EC2::Route", "Properties": table}}})


def _machine(side: Side, number: int) -> dict[str, Any]:
    tags = {
        "aws:autoscaling:groupName": "asg", "aws:autoscaling:launchConfigurationName": "launch-configuration",
        "aws:cloudformation:stack-name": "cfn-stack", "aws:ec2:fleet-id": "fleet",
        "aws:ec2launchtemplate:id": "launch-template", "aws:ec2spot:fleet-request-id": "spot-fleet",
        "eks:cluster-name": "eks-cluster", "eks:nodegroup-name": "eks-nodegroup",
        "elasticbeanstalk:environment-id": "eb-environment",
    }  # fmt: skip
    return {
        "InstanceId": side.hex("i", number), "State": {"Name": "running"}, "InstanceType": "t3.small",
        "VpcId": side.id("vpc"), "SubnetId": side.id("subnet"), "ImageId": side.id("ami"),
        "KeyName": side.id("key-pair"), "PrivateIpAddress": f"10.{side.octet}.0.{4 + number}",
        "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/{side.id('instance-profile')}"},
        "SecurityGroups": [{"GroupId": side.id("security-group"), "GroupName": f"{side.name}-security-group"}],
        "Placement": {"AvailabilityZone": "eu-west-1a", "GroupName": side.id("placement-group"),
                      "HostId": side.id("dedicated-host")},
        "CapacityReservationId": side.id("capacity-reservation"),
        "SpotInstanceRequestId": side.id("spot-instance-request"),
        "BlockDeviceMappings": [{"Ebs": {"VolumeId": side.hex("vol", number)}}],
        "NetworkInterfaces": [_interface(side, number)],
        "Tags": _tags(side, **{key: side.id(kind) for key, kind in tags.items()}),
    }  # fmt: skip


def _in_vpc(member: str, kind: str, **more: Any) -> Callable[[Side], list[Mapping[str, Any]]]:
    return lambda side: [{member: side.id(kind), "VpcId": side.id("vpc"), **more}]


def _route_tables(side: Side) -> list[Mapping[str, Any]]:
    association = {"RouteTableAssociationId": side.id("route-table-association"), "SubnetId": side.id("subnet")}
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active"}
    routes = [
        {**everywhere, "NatGatewayId": side.id("nat-gateway")},
        {"DestinationPrefixListId": side.id("prefix-list"), "TransitGatewayId": side.id("transit-gateway")},
        {"DestinationCidrBlock": "10.9.0.0/16", "LocalGatewayId": side.id("local-gateway"), "State": "active"},
    ]
    return [{"RouteTableId": side.id("route-table"), "VpcId": side.id("vpc"), "Associations": [association],
             "Routes": routes}]  # fmt: skip


def _acls(side: Side) -> list[Mapping[str, Any]]:
    association = {"NetworkAclAssociationId": side.id("nacl-association"), "SubnetId": side.id("subnet")}
    entry = {"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    return [{"NetworkAclId": side.id("nacl"), "VpcId": side.id("vpc"), "Associations": [association],
             "Entries": [entry, {**entry, "Egress": True}]}]  # fmt: skip


def _cluster_tags(side: Side) -> list[Mapping[str, Any]]:
    """Everything that may have the tag, whatever its type, and a machine."""
    parents = {"ecs-service": "service", "ecs-task": "task"}
    plain = {kind: row for kind, row in arns_of.KINDS.items() if not row.parent and kind != "ecs-service-deployment"}
    arns = [side.id("marked"), f"arn:aws:ec2:{_IN}:instance/{side.hex('i')}"]
    for kind in sorted(known_types()):
        service = kind.partition("-")[0].replace("db", "rds").replace("cache", "elasticache")
        service = {"alarm": "cloudwatch", "event": "events", "vpn": "ec2", "customer": "ec2", "snapshot": "ec2"}.get(
            service, service
        )
        within = f"{parents[kind]}/{side.name}-ecs-cluster" if kind in parents else kind
        within = f"rule/{side.name}-event-bus" if kind == "event-rule" else within
        own = f"{plain[kind].service}:{_IN}:{plain[kind].prefix}" if kind in plain else f"{service}:{_IN}:{within}/"
        arns.append(f"arn:aws:{own}{side.id(kind)}" if kind != "kms-key" else side.id(kind))
    return [{"ResourceARN": arn, "Tags": _tags(side)} for arn in arns]


def _database(member: str, kind: str) -> Callable[[Side], list[Mapping[str, Any]]]:
    return lambda side: [{member: side.id(kind), "TagList": _tags(side)}]


_ANSWERS: dict[str, Callable[[Side], list[Mapping[str, Any]]]] = {
    "DescribeInstances": lambda s: [
        {"OwnerId": ACCOUNT, "Instances": [_machine(s, n)]} for n in range(2 if s.name == "green" else 3)
    ],
    "DescribeInstanceStatus": lambda s: [
        {"InstanceId": s.hex("i", n), "InstanceStatus": {"Status": "ok"}, "SystemStatus": {"Status": "ok"}}
        for n in range(3)
    ],
    "DescribeAddresses": lambda s: [
        {"AllocationId": s.id("address"), "AssociationId": s.hex("eipassoc"), "PublicIp": s.public_ip,
         "InstanceId": s.hex("i"), "NetworkInterfaceId": s.hex("eni"), "PrivateIpAddress": f"10.{s.octet}.0.4",
         "Domain": "vpc"}
    ],
    "DescribeInstanceAttribute": lambda _: [{"Value": True}],
    "DescribeVolumes": lambda s: [
        {"VolumeId": s.hex("vol", n), "State": "in-use", "KmsKeyId": s.id("kms-key"),
         "Attachments": [{"InstanceId": s.hex("i", n)}]} for n in range(2)
    ],
    "DescribeLaunchTemplates": lambda s: [
        {"LaunchTemplateId": s.id("launch-template"), "LaunchTemplateName": f"{s.name}-launch-template"}
    ],
    "DescribeSecurityGroupRules": lambda s: [
        {"SecurityGroupRuleId": s.id("security-group-rule"), "GroupId": s.id("security-group")}
    ],
    "DescribeIamInstanceProfileAssociations": lambda s: [
        {"AssociationId": s.id("instance-profile-association"), "InstanceId": s.hex("i")}
    ],
    "DescribeNetworkInterfaces": lambda s: [_interface(s, n) for n in range(2 if s.name == "green" else 3)],
    "DescribeNatGateways": lambda s: [
        {"NatGatewayId": s.id("nat-gateway"), "VpcId": s.id("vpc"), "SubnetId": s.hex("subnet", 9),
         "State": "available"}
    ],
    "DescribeRouteTables": _route_tables,
    "DescribeSubnets": lambda s: [
        {"SubnetId": s.id("subnet"), "VpcId": s.id("vpc"), "AvailableIpAddressCount": 200, "State": "available",
         "Ipv6CidrBlockAssociationSet": [{"AssociationId": s.id("subnet-cidr-association")}]}
    ],
    "DescribeNetworkAcls": _acls,
    "DescribeInternetGateways": lambda s: [
        {"InternetGatewayId": s.id("internet-gateway"), "Attachments": [{"VpcId": s.id("vpc")}]}
    ],
    "DescribeEgressOnlyInternetGateways": lambda s: [
        {"EgressOnlyInternetGatewayId": s.id("egress-only-internet-gateway"), "Attachments": [{"VpcId": s.id("vpc")}]}
    ],
    "DescribeCarrierGateways": _in_vpc("CarrierGatewayId", "carrier-gateway"),
    "DescribeVpnGateways": lambda s: [
        {"VpnGatewayId": s.id("vpn-gateway"), "VpcAttachments": [{"VpcId": s.id("vpc"), "State": "attached"}]}
    ],
    "DescribeVpcPeeringConnections": lambda s: [
        {"VpcPeeringConnectionId": s.id("vpc-peering"), "RequesterVpcInfo": {"VpcId": s.id("vpc")},
         "AccepterVpcInfo": {"VpcId": s.id("vpc")}}
    ],
    "DescribeVpcEndpoints": _in_vpc("VpcEndpointId", "vpc-endpoint"),
    "DescribeTransitGatewayAttachments": lambda s: [
        {"TransitGatewayAttachmentId": s.id("tgw-attachment"), "TransitGatewayId": s.id("transit-gateway"),
         "ResourceId": s.id("vpc"), "Association": {
             "TransitGatewayRouteTableId": s.id("tgw-route-table"),
             "TransitGatewayPolicyTableId": s.id("tgw-policy-table")}}
    ],
    "DescribeVpcs": lambda s: [
        {"VpcId": s.id("vpc"), "DhcpOptionsId": s.id("dhcp-options"),
         "CidrBlockAssociationSet": [{"AssociationId": s.id("vpc-cidr-association")}]}
    ],
    "GetResources": _cluster_tags,
    "DescribeScalableTargets": lambda s: [
        {"ResourceId": s.id("scalable-target"), "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2,
         "MaxCapacity": 4}
    ],
    "DescribeScalingPolicies": lambda s: [
        {"PolicyARN": s.id("scalable-policy"), "PolicyType": "StepScaling",
         "StepScalingPolicyConfiguration": {"StepAdjustments": [{"ScalingAdjustment": -1}]}}
    ],
    "DescribeServices": lambda s: [
        {"serviceName": s.id("ecs-service"), "desiredCount": 3, "runningCount": 3,
         "loadBalancers": [{"targetGroupArn": s.id("target-group")}]}
    ],
    "DescribeTasks": lambda s: [{"taskArn": f"{s.name}/task", "containerInstanceArn": f"{s.name}/host"}],
    "DescribeContainerInstances": lambda s: [
        {"containerInstanceArn": f"{s.name}/host", "ec2InstanceId": s.hex("i", n)} for n in range(2)
    ],
    "DescribeAutoScalingGroups": lambda s: [
        {"AutoScalingGroupName": s.id("asg"), "DesiredCapacity": 3, "MinSize": 1, "MaxSize": 6,
         "VPCZoneIdentifier": s.id("subnet"), "TargetGroupARNs": [s.id("target-group")],
         "LaunchTemplate": {"LaunchTemplateId": s.id("launch-template"), "Version": "1"},
         "Instances": [{"InstanceId": s.hex("i", n)} for n in range(2)],
         "Tags": _tags(s)}
    ],
    "DescribePolicies": lambda s: [
        {"AutoScalingGroupName": s.id("asg"), "PolicyName": s.id("asg-policy"), "PolicyType": "SimpleScaling",
         "AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": -1}
    ],
    "DescribeTargetGroups": lambda s: [
        {"TargetGroupArn": s.id("target-group"), "TargetType": "instance", "VpcId": s.id("vpc"),
         "LoadBalancerArns": [s.id("load-balancer")]}
    ],
    "DescribeTargetHealth": lambda s: [_health(s.hex("i", n), registered=True) for n in range(2)],
    "DescribeListeners": lambda s: [
        {"ListenerArn": s.id("listener-requests"), "LoadBalancerArn": s.id("load-balancer"),
         "DefaultActions": [{"Type": "forward", "TargetGroupArn": s.id("target-group")}]}
    ],
    "DescribeRules": lambda s: [
        {"RuleArn": f"{s.id('listener-requests')}/1", "Priority": "default", "IsDefault": True,
         "Actions": [{"Type": "forward", "TargetGroupArn": s.id("target-group")}]}
    ],
    # Users of the shop come to blue.
    "elbv2:DescribeLoadBalancers": lambda s: [
        {"LoadBalancerArn": s.id("load-balancer"), "LoadBalancerName": s.name, "DNSName": f"{s.name}.elb.amazonaws.com",
         "Scheme": "internet-facing" if s.name == "blue" else "internal"}
    ],
    "elb:DescribeLoadBalancers": lambda s: [
        {"LoadBalancerName": s.id("classic-elb"), "Instances": [{"InstanceId": s.hex("i", n)} for n in range(2)],
         "Scheme": "internet-facing" if s.name == "blue" else "internal"}
    ],
    "DescribeInstanceHealth": lambda s: [{"InstanceId": s.hex("i", n), "State": "InService"} for n in range(2)],
    "ListListeners": lambda s: [{"ListenerArn": s.id("ga-listener")}],
    "ListEndpointGroups": lambda s: [
        {"EndpointGroupArn": s.id("endpoint-group"), "EndpointDescriptions": [{"EndpointId": s.id("address")}]}
    ],
    "DescribeEndpointGroup": lambda s: [
        {"EndpointGroupArn": s.id("endpoint-group"), "EndpointDescriptions": [{"EndpointId": s.id("address")}]}
    ],
    "ListResourceRecordSets": lambda s: [
        {"Name": f"{s.name}.example.com.", "Type": "SOA", "TTL": 60, "ResourceRecords": [{"Value": "ns.example. 1"}]},
        {"Name": f"{s.name}.example.com.", "Type": "NS", "TTL": 60, "ResourceRecords": [{"Value": "ns.example."}]},
        {"Name": f"{s.name}.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": s.public_ip}],
         "HealthCheckId": s.id("health-check"), "CidrRoutingConfig": {"CollectionId": s.id("cidr-collection")},
         "TrafficPolicyInstanceId": s.id("traffic-policy-instance")}
    ],
    "ListHostedZones": lambda s: [{"Id": f"/hostedzone/Z{s.name}", "Name": f"{s.name}.example.com.", "Config": {}}],
    "DescribeChangeSet": lambda s: [
        {"ResourceChange": {"Action": "Remove", "ResourceType": "AWS::EC2::Instance", "LogicalResourceId": "Machine",
                            "PhysicalResourceId": s.hex("i")}}
    ],
    "DescribeTags": lambda s: [
        {"ResourceArn": s.id(kind), "Tags": _tags(s)} for kind in ("load-balancer", "target-group")
    ],
    "ec2:DescribeTags": lambda s: [
        {"ResourceId": s.id(kind), "Key": "Cluster", "Value": s.name}
        for kind in ("ami", "capacity-reservation", "dedicated-host", "instance", "security-group")
    ],
    "ListTagsForResource": lambda s: [
        {"ResourceId": s.id(kind), "Tags": _tags(s)} for kind in ("hosted-zone", "health-check")
    ],
    "GetInstanceProfile": lambda s: [{"InstanceProfileName": s.id("instance-profile"), "Tags": _tags(s)}],
    "DescribeNodegroup": lambda s: [
        {"nodegroupName": s.id("eks-nodegroup"), "clusterName": s.id("eks-cluster"), "tags": {"Cluster": s.name}}
    ],
    "DescribeStackSet": lambda s: [{"StackSetName": s.id("cfn-new-stack"), "TemplateBody": _route(s)}],
    "DescribeStacks": lambda s: [{"StackName": s.id("cfn-stack"), "Tags": _tags(s)}],
    "GetRole": lambda s: [
        {"RoleName": s.id("iam-role"), "AssumeRolePolicyDocument": {"Statement": []}, "Tags": _tags(s)}
    ],
    "DescribeKey": lambda s: [{"KeyId": f"{s.name}-kms-key", "Arn": s.id("kms-key"), "KeyState": "Enabled"}],
    "DescribeSnapshots": lambda s: [{"SnapshotId": s.id("snapshot"), "VolumeId": s.hex("vol"), "Tags": _tags(s)}],
    "DescribeImages": lambda s: [
        {"ImageId": s.id("ami"), "BlockDeviceMappings": [{"Ebs": {"SnapshotId": s.id("snapshot")}}], "Tags": _tags(s)}
    ],
    "GetServiceQuota": lambda _: [{"QuotaCode": "L-0263D0A3", "Value": 100.0}],
    "DescribeInstanceTypes": lambda _: [{"InstanceType": "t3.small", "VCpuInfo": {"DefaultVCpus": 2}}],
    "ListInstanceProfilesForRole": lambda s: [{"InstanceProfileName": s.id("instance-profile")}],
    "DescribeDBInstances": _database("DBInstanceIdentifier", "db-instance"),
    "DescribeDBClusters": _database("DBClusterIdentifier", "db-cluster"),
    "DescribeDBSnapshots": _database("DBSnapshotIdentifier", "db-snapshot"),
    "DescribeDBClusterSnapshots": _database("DBClusterSnapshotIdentifier", "db-cluster-snapshot"),
}  # fmt: skip
