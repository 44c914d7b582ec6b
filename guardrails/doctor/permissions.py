"""The look-ups that only some calls need, each in a form that tells whether it is permitted and reads next to nothing.

EC2 is asked for a dry run, whose answer is ``DryRunOperation`` where it is permitted
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html), other services about what is not there:
a permission for certain names only is not seen by that.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from guardrails.values import Lookup, LookupFailure

_NAME = "guardrails-doctor"
_UNCOUNTED = "launches are not compared with the account's quotas"
# How AWS says that it would answer, or that there is no such thing; both only to who may ask.
_PERMITTED = frozenset(
    (
        "DryRunOperation",
        "InvalidInstanceID.NotFound",
        "InvalidAssociationID.NotFound",
        "InvalidLaunchTemplateName.NotFoundException",
        "NoSuchResourceException",
        "TargetGroupNotFound",
        "LoadBalancerNotFound",
        "ValidationError",
        "ChangeSetNotFound",
        "NoSuchHostedZone",
        "NoSuchEntity",
        "AcceleratorNotFoundException",
        "ListenerNotFoundException",
        "EndpointGroupNotFoundException",
        "InvalidArgumentException",
    )
)


@frozen
class Trial:
    """A look-up, and what is so without it."""

    lookup: Lookup
    without: str


def shows_permission(failure: LookupFailure) -> bool:
    """True where only who may ask is answered like that."""
    return failure.code in _PERMITTED


def _ec2(operation: str, without: str, **params: Any) -> Trial:
    return Trial(Lookup("ec2", operation, "", {"DryRun": True, **params}), without)


def _of(service: str, operation: str, without: str, *, region: str = "", **params: Any) -> Trial:
    return Trial(Lookup(service, operation, "", params, region=region), without)


def trials(partition: str, region: str, account: str) -> tuple[Trial, ...]:
    """Every one; the names of what is not there are of this account, in another's nobody may ask."""
    group = f"arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{_NAME}/0000000000000000"
    without = "changes of load balancers and target groups are blocked"
    health = _of("elbv2", "DescribeTargetHealth", without, TargetGroupArn=group)
    return (*_EVERYWHERE, health, *_accelerators(partition, account))


def _accelerators(partition: str, account: str) -> tuple[Trial, ...]:
    one = f"arn:{partition}:globalaccelerator::{account}:accelerator/00000000-0000-0000-0000-000000000000"
    return tuple(
        _of("globalaccelerator", operation, "changes of accelerators are blocked", region="us-west-2", **params)
        for operation, params in (
            ("ListListeners", {"AcceleratorArn": one}),
            ("ListEndpointGroups", {"ListenerArn": f"{one}/listener/00000000"}),
            ("DescribeEndpointGroup", {"EndpointGroupArn": f"{one}/listener/00000000/endpoint-group/000000000000"}),
        )
    )


_EVERYWHERE = (
    _ec2("DescribeSubnets", "changes of subnets are blocked"),
    _ec2("DescribeNetworkInterfaces", "changes of network interfaces and addresses are blocked"),
    _ec2("DescribeRouteTables", "changes of routes are blocked"),
    _ec2("DescribeNetworkAcls", "changes of network ACLs are blocked"),
    _ec2("DescribeNatGateways", "changes of NAT gateways are blocked"),
    _ec2("DescribeInstanceStatus", "moving the live cluster's addresses is blocked"),
    _ec2("DescribeVolumes", "changes of volumes and keys are blocked"),
    _ec2("DescribeInternetGateways", "changes of internet gateways are blocked"),
    _ec2("DescribeEgressOnlyInternetGateways", "changes of egress-only internet gateways are blocked"),
    _ec2("DescribeCarrierGateways", "changes of carrier gateways are blocked"),
    _ec2("DescribeVpnGateways", "changes of VPN gateways are blocked"),
    _ec2("DescribeVpcPeeringConnections", "changes of VPC peerings are blocked"),
    _ec2("DescribeVpcEndpoints", "changes of VPC endpoints are blocked"),
    _ec2("DescribeVpcs", "changes of DHCP options and of VPCs' address ranges are blocked"),
    _ec2("DescribeTransitGatewayAttachments", "changes of transit gateways are blocked"),
    _ec2("DescribeSecurityGroupRules", "changes of security group rules are blocked"),
    # The one that has no dry run.
    _of(
        "ec2",
        "DescribeIamInstanceProfileAssociations",
        "changes of machines' instance profiles are blocked",
        AssociationIds=["iip-assoc-00000000000000000"],
    ),
    _ec2("DescribeLaunchTemplates", "changes of launch templates are blocked"),
    _ec2(
        "DescribeInstanceAttribute",
        "changes of a machine's attributes are blocked",
        InstanceId="i-00000000000000000",
        Attribute="disableApiTermination",
    ),
    _ec2("DescribeLaunchTemplateVersions", _UNCOUNTED, LaunchTemplateName=_NAME),
    _ec2("DescribeInstanceTypes", _UNCOUNTED, InstanceTypes=["t3.nano"]),
    _of("service-quotas", "GetServiceQuota", _UNCOUNTED, ServiceCode="ec2", QuotaCode="L-1216C47A"),
    _of(
        "autoscaling",
        "DescribeAutoScalingGroups",
        "changes of Auto Scaling groups are blocked",
        AutoScalingGroupNames=[_NAME],
    ),
    _of("elbv2", "DescribeTargetGroups", "changes of load balancers are blocked", Names=[_NAME]),
    _of("elb", "DescribeLoadBalancers", "changes of classic load balancers are blocked", LoadBalancerNames=[_NAME]),
    _of("cloudformation", "DescribeStackResources", "changes of stacks are blocked", StackName=_NAME),
    _of(
        "cloudformation",
        "DescribeChangeSet",
        "change sets are blocked",
        ChangeSetName=_NAME,
        StackName=_NAME,
    ),
    _of("route53", "ListResourceRecordSets", "changes of DNS records are blocked", HostedZoneId="Z00000000000000"),
    _of("iam", "ListInstanceProfilesForRole", "changes of roles are blocked", RoleName=_NAME),
    _of(
        "resourcegroupstaggingapi",
        "GetResources",
        "changes of what only its tag ties to a cluster, such as a database, are blocked",
        TagFilters=[{"Key": _NAME}],
    ),
)
