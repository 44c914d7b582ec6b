"""The look-ups that only some calls need, each in a form that shows whether it is permitted and reads next to nothing.

They are the resolvers' own. EC2 is asked for a dry run, which it answers with ``DryRunOperation`` where the request is
permitted (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html). Other services are asked about
something that does not exist, so a permission limited to certain resources goes unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from guardrails.resolve.capacity import capacity
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.resources import registry
from guardrails.values import Lookup, LookupFailure

_NAME = "guardrails-doctor"
_UNCOUNTED = "launches are not compared with the account's quotas"
# AWS gives these answers only to callers with the permission: it would do it, or there is no such resource.
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
        "StackSetNotFoundException",
        "NoSuchHostedZone",
        "NoSuchEntity",
        "AcceleratorNotFoundException",
        "ClusterNotFoundException",
        "ListenerNotFound",
        "ListenerNotFoundException",
        "ResourceNotFoundException",
        "EndpointGroupNotFoundException",
        "InvalidArgumentException",
    )
)
# What is blocked without a look-up, by its IAM action.
_WITHOUT = {
    "autoscaling:DescribeAutoScalingGroups": "changes of Auto Scaling groups are blocked",
    "application-autoscaling:DescribeScalableTargets": "schedules and scaling policies of services are blocked",
    "autoscaling:DescribePolicies": "scaling policies of Auto Scaling groups are blocked",
    "cloudformation:DescribeChangeSet": "change sets are blocked",
    "cloudformation:ListStackInstances": "changes of stack sets are blocked",
    "cloudformation:ListStackResources": "changes of stacks are blocked",
    "ec2:DescribeCarrierGateways": "changes of carrier gateways are blocked",
    "ec2:DescribeEgressOnlyInternetGateways": "changes of egress-only internet gateways are blocked",
    "ec2:DescribeIamInstanceProfileAssociations": "changes of machines' instance profiles are blocked",
    "ec2:DescribeInstanceAttribute": "changes of a machine's attributes are blocked",
    "ec2:DescribeInstanceStatus": "moving the live cluster's addresses is blocked",
    "ec2:DescribeInternetGateways": "changes of internet gateways are blocked",
    "ec2:DescribeLaunchTemplates": "changes of launch templates are blocked",
    "ec2:DescribeNatGateways": "changes of NAT gateways are blocked",
    "ec2:DescribeNetworkAcls": "changes of network ACLs are blocked",
    "ec2:DescribeNetworkInterfaces": "changes of network interfaces and addresses are blocked",
    "ec2:DescribeRouteTables": "changes of routes are blocked",
    "ec2:DescribeSecurityGroupRules": "changes of security group rules are blocked",
    "ec2:DescribeSubnets": "changes of subnets are blocked",
    "ec2:DescribeTransitGatewayAttachments": "changes of transit gateways are blocked",
    "ec2:DescribeVolumes": "changes of volumes and keys are blocked",
    "ec2:DescribeVpcEndpoints": "changes of VPC endpoints are blocked",
    "ec2:DescribeVpcPeeringConnections": "changes of VPC peerings are blocked",
    "ec2:DescribeVpcs": "changes of DHCP options and of VPCs' address ranges are blocked",
    "ec2:DescribeVpnGateways": "changes of VPN gateways are blocked",
    "ecs:DescribeServices": "schedules and scaling policies of ECS services are blocked",
    "elasticloadbalancing:DescribeListeners": "changes of load balancers are blocked",
    "elasticloadbalancing:DescribeLoadBalancers": "changes of classic load balancers are blocked",
    "elasticloadbalancing:DescribeRules": "new listener rules are blocked",
    "elasticloadbalancing:DescribeTargetGroups": "changes of load balancers and target groups are blocked",
    "elasticloadbalancing:DescribeTargetHealth": "changes of load balancers and target groups are blocked",
    "fis:GetExperimentTemplate": "experiments of the Fault Injection Service are blocked",
    "globalaccelerator:DescribeEndpointGroup": "changes of accelerators are blocked",
    "globalaccelerator:ListEndpointGroups": "changes of accelerators are blocked",
    "globalaccelerator:ListListeners": "changes of accelerators are blocked",
    "iam:ListInstanceProfilesForRole": "changes of roles are blocked",
    "rds:DescribeDBClusterSnapshots": "changes of snapshots of clusters of databases are blocked",
    "rds:DescribeDBClusters": "changes of clusters of databases are blocked",
    "rds:DescribeDBInstances": "changes of databases are blocked",
    "rds:DescribeDBSnapshots": "changes of snapshots of databases are blocked",
    "route53:ListHostedZones": "private zones, and changes of stacks with DNS records, are blocked",
    "route53:ListResourceRecordSets": "changes of DNS records are blocked",
    "tag:GetResources": "changes of what only its tag ties to a cluster, such as a cache, are blocked",
}

# Parameters of look-ups by name.
_BY_NAME: Mapping[str, Mapping[str, Any]] = {
    "autoscaling:DescribeAutoScalingGroups": {"AutoScalingGroupNames": [_NAME]},
    "cloudformation:DescribeChangeSet": {"ChangeSetName": _NAME, "StackName": _NAME},
    "iam:ListInstanceProfilesForRole": {"RoleName": _NAME},
    "application-autoscaling:DescribeScalableTargets": {"ServiceNamespace": "ecs", "ResourceIds": [_NAME]},
    "autoscaling:DescribePolicies": {"AutoScalingGroupName": _NAME},
    "ecs:DescribeServices": {"cluster": _NAME, "services": [_NAME]},
    "fis:GetExperimentTemplate": {"id": _NAME},
}


@frozen
class Trial:
    """A look-up, and what happens without it."""

    lookup: Lookup
    without: str


def shows_permission(failure: LookupFailure) -> bool:
    """True for an answer that only a caller with the permission gets."""
    return failure.code in _PERMITTED


def trials(partition: str, region: str, account: str) -> tuple[Trial, ...]:
    """Every look-up besides the machines and addresses, which every call needs."""
    params = _params(partition, region, account)
    always = {INSTANCES.permission, ADDRESSES.permission}
    lookups = {lookup.permission: lookup for lookup in (*capacity.ASKS, *registry.asks())}
    return tuple(
        Trial(
            evolve(lookup, items="", empty_on=(), optional=False, params=params.get(permission, {"DryRun": True})),
            _WITHOUT.get(permission, _UNCOUNTED if lookup.optional else f"calls that need {permission} are blocked"),
        )
        for permission, lookup in lookups.items()
        if permission not in always
    )


def _params(partition: str, region: str, account: str) -> Mapping[str, Mapping[str, Any]]:
    """Parameters by IAM action; all others are dry runs of EC2 without any.

    What does not exist is named as one of this account's: no one has permissions in another account.
    """
    group = f"arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{_NAME}/0000000000000000"
    balancer = f"arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{_NAME}/0000000000000000"
    accelerator = f"arn:{partition}:globalaccelerator::{account}:accelerator/00000000-0000-0000-0000-000000000000"
    listener = f"{accelerator}/listener/00000000"
    return {
        **_BY_NAME,
        "cloudformation:ListStackInstances": {"StackSetName": _NAME},
        "cloudformation:ListStackResources": {"StackName": _NAME},
        # It has no dry run.
        "ec2:DescribeIamInstanceProfileAssociations": {"AssociationIds": ["iip-assoc-00000000000000000"]},
        "ec2:DescribeInstanceAttribute": {
            "DryRun": True,
            "InstanceId": "i-00000000000000000",
            "Attribute": "disableApiTermination",
        },
        "ec2:DescribeInstanceTypes": {"DryRun": True, "InstanceTypes": ["t3.nano"]},
        "ec2:DescribeLaunchTemplateVersions": {"DryRun": True, "LaunchTemplateName": _NAME},
        "elasticloadbalancing:DescribeListeners": {"LoadBalancerArn": balancer},
        "elasticloadbalancing:DescribeLoadBalancers": {"LoadBalancerNames": [_NAME]},
        "elasticloadbalancing:DescribeRules": {"ListenerArn": balancer.replace("loadbalancer", "listener") + "/0000"},
        "elasticloadbalancing:DescribeTargetGroups": {"Names": [_NAME]},
        "elasticloadbalancing:DescribeTargetHealth": {"TargetGroupArn": group},
        "globalaccelerator:DescribeEndpointGroup": {"EndpointGroupArn": f"{listener}/endpoint-group/000000000000"},
        "globalaccelerator:ListEndpointGroups": {"ListenerArn": listener},
        "globalaccelerator:ListListeners": {"AcceleratorArn": accelerator},
        "route53:ListHostedZones": {"MaxItems": "1"},
        "rds:DescribeDBClusterSnapshots": {"Filters": [{"Name": "db-cluster-snapshot-id", "Values": [_NAME]}]},
        "rds:DescribeDBClusters": {"Filters": [{"Name": "db-cluster-id", "Values": [_NAME]}]},
        "rds:DescribeDBInstances": {"Filters": [{"Name": "db-instance-id", "Values": [_NAME]}]},
        "rds:DescribeDBSnapshots": {"Filters": [{"Name": "db-snapshot-id", "Values": [_NAME]}]},
        "route53:ListResourceRecordSets": {"HostedZoneId": "Z00000000000000"},
        "servicequotas:GetServiceQuota": {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"},
        "tag:GetResources": {"TagFilters": [{"Key": _NAME}]},
    }
