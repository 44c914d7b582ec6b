"""The look-ups that only some calls need, each in a form that shows whether it is permitted and reads next to nothing.

They are the resolvers' own. EC2 is asked for a dry run, which it answers with ``DryRunOperation`` where the request is
permitted (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html). Other services are asked about
something that does not exist, so a permission limited to certain resources goes unseen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from guardrails.config.settings import LiveSettings
from guardrails.doctor.trial_params import trial_params
from guardrails.resolve.capacity import capacity
from guardrails.resolve.changes import rows
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.live import asks as live_asks
from guardrails.resolve.live import lookups as live_lookups
from guardrails.resolve.resources import registry
from guardrails.values import Lookup, LookupFailure, frozen

# What a managed policy and the inline policies of a role may have, without white space.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_MANAGED, _INLINE = 6_144, 10_240
_UNCOUNTED = "launches are not compared with the account's quotas"
_EVERY = "every call that could hurt a cluster is blocked"
# AWS gives these answers only to callers with the permission: it would do it, or there is no such resource.
_PERMITTED = frozenset(
    (
        "DryRunOperation",
        "InvalidInstanceID.NotFound",
        "InvalidAssociationID.NotFound",
        "InvalidLaunchTemplateName.NotFoundException",
        "NoSuchAccessPoint",
        "NoSuchResourceException",
        "TargetGroupNotFound",
        "AttachmentNotFoundException",
        "ClusterNotFoundException",
        "DBProxyNotFoundFault",
        "FileSystemNotFound",
        "ListenerNotFound",
        "LoadBalancerNotFound",
        "NoSuchTrafficPolicyInstance",
        "NotFoundException",
        "StackSetNotFoundException",
        "ResourceNotFoundException",
        "TrustStoreNotFound",
        "ValidationError",
        "ApplicationDoesNotExistException",
        "ChangeSetNotFound",
        "DeploymentDoesNotExistException",
        "DoesNotExist",
        "NoSuchHealthCheck",
        "NoSuchHostedZone",
        "NoSuchEntity",
        "AcceleratorNotFoundException",
        "ListenerNotFoundException",
        "EndpointGroupNotFoundException",
        "InvalidArgumentException",
    )
)
# What is blocked without a look-up, by its IAM action.
_WITHOUT = {
    "application-autoscaling:DescribeScalableTargets": "schedules and scaling policies of services are blocked",
    "application-autoscaling:DescribeScalingPolicies": "alarms that scale services are blocked",
    "autoscaling:DescribeAutoScalingGroups": "changes of Auto Scaling groups are blocked",
    "autoscaling:DescribePolicies": "scaling policies of Auto Scaling groups are blocked",
    "ecs:DescribeServices": "schedules and scaling policies of ECS services are blocked",
    "elasticloadbalancing:DescribeRules": "new listener rules are blocked",
    "cloudformation:DescribeStacks": "deleting a stack, or changing its tags, is blocked",
    "cloudformation:DescribeStackSet": "new places of stack sets, and other values for theirs, are blocked",
    "cloudformation:DescribeChangeSet": "change sets are blocked",
    "cloudformation:GetTemplate": "stacks that keep their template, or that retain what is live, may be blocked",
    "cloudformation:GetTemplateSummary": "stacks whose template is behind a URL are blocked",
    "cloudformation:ListExports": "stacks that take values of other stacks may be blocked",
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
    "ec2:DescribeRouteTables": "changes of routes and of machines are blocked",
    "ec2:DescribeSecurityGroupRules": "changes of security group rules are blocked",
    "ec2:DescribeSubnets": "changes of subnets are blocked",
    "ec2:DescribeTransitGatewayAttachments": "changes of transit gateways are blocked",
    "ec2:DescribeVolumes": "changes of volumes and keys are blocked",
    "ec2:DescribeVpcEndpoints": "changes of VPC endpoints are blocked",
    "ec2:DescribeVpcPeeringConnections": "changes of VPC peerings are blocked",
    "ec2:DescribeVpcs": "changes of DHCP options and of VPCs' address ranges are blocked",
    "ec2:DescribeVpnGateways": "changes of VPN gateways are blocked",
    "cloudwatch:GetMetricData": f"the source `traffic` sees nothing, and {_EVERY}",
    **dict.fromkeys(
        (
            "ecs:DescribeContainerInstances",
            "ecs:DescribeTasks",
            "ecs:ListClusters",
            "ecs:ListServices",
            "ecs:ListTasks",
        ),
        f"the source `ecs` sees nothing, and {_EVERY}",
    ),
    "elasticloadbalancing:DescribeInstanceHealth": f"the source `elb` sees nothing, and {_EVERY}",
    "elasticloadbalancing:DescribeListeners": "changes of load balancers are blocked",
    "elasticloadbalancing:DescribeLoadBalancers": "changes of classic load balancers are blocked",
    "elasticloadbalancing:DescribeTargetGroups": "changes of load balancers and target groups are blocked",
    "elasticloadbalancing:DescribeTargetHealth": "changes of load balancers and target groups are blocked",
    "fis:GetExperimentTemplate": "experiments of the Fault Injection Service are blocked",
    "globalaccelerator:DescribeEndpointGroup": "changes of accelerators are blocked",
    "globalaccelerator:ListEndpointGroups": "changes of accelerators are blocked",
    "globalaccelerator:ListListeners": "changes of accelerators are blocked",
    "lambda:GetEventSourceMapping": "changes of what feeds functions of Lambda are blocked",
    "directconnect:DescribeVirtualInterfaces": "tests of virtual interfaces are blocked",
    "es:DescribeVpcEndpoints": "changes of endpoints of OpenSearch are blocked",
    **dict.fromkeys(
        ("fsx:DescribeStorageVirtualMachines", "fsx:DescribeVolumes"), "changes of volumes of FSx are blocked"
    ),
    **dict.fromkeys(
        ("vpc-lattice:GetServiceNetworkServiceAssociation", "vpc-lattice:GetServiceNetworkVpcAssociation"),
        "changes of associations of VPC Lattice are blocked",
    ),
    "iam:GetInstanceProfile": "changes of instance profiles are blocked",
    "route53:ListTagsForResource": "changes of hosted zones and health checks are blocked",
    "iam:GetPolicy": "changes of policies are blocked",
    "iam:GetPolicyVersion": "changes of the live roles' policies are blocked also where they only allow more",
    "iam:ListEntitiesForPolicy": "changes of policies are blocked",
    "iam:ListInstanceProfilesForRole": "changes of roles are blocked",
    "rds:DescribeDBClusterSnapshots": "changes of snapshots of clusters of databases are blocked",
    "rds:DescribeDBClusters": "changes of clusters of databases are blocked",
    "rds:DescribeDBInstances": "changes of databases are blocked",
    "rds:DescribeDBSnapshots": "changes of snapshots of databases are blocked",
    "route53:GetHealthCheckStatus": "the secondary record of a failover counts as well",
    "route53:ListResourceRecordSets": "changes of DNS records are blocked",
    "iam:GetRole": "changes of roles are blocked",
    "iam:GetUser": "changes of users' permissions are blocked",
    "budgets:DescribeBudgetAction": "actions of budgets are not approved",
    "route53:GetTrafficPolicyInstance": "changes of traffic policy instances are blocked",
    "route53:ListHostedZones": "health checks, private zones, and stacks with DNS records, are blocked",
    "s3:GetAccessPoint": "changes of access points of S3 are blocked",
    "scheduler:GetSchedule": "changes of the live cluster's schedules get no warning",
    "tag:GetResources": "changes of what only its tag ties to a cluster, such as a cache, are blocked",
}
# About a bucket that does not exist, S3 answers to everyone that it does not.
_NEEDS_A_BUCKET = ("s3:GetBucketTagging",)
# The same by service, for what is asked only to see whose something is.
_UNKNOWN_WITHOUT = {
    "autoscaling": "changes of what groups start machines from are blocked",
    "cloudfront": "changes of distributions and of records that point at them are blocked",
    "codedeploy": "deployments, and changes of deployment groups, are blocked",
    "ec2": "changes of what it describes are blocked",
    "ecs": "changes of container clusters without the cluster tag are blocked",
    "eks": "changes of EKS clusters are blocked",
    "elasticache": "changes of caches without the cluster tag are blocked",
    "elasticbeanstalk": "changes of records that point at environments are blocked",
    "elasticfilesystem": "changes of file systems without the cluster tag are blocked",
    "elasticloadbalancing": "changes of load balancers are blocked",
    "globalaccelerator": "changes of accelerators are blocked",
    "kms": "changes of keys without the cluster tag are blocked",
    "lightsail": "changes in Lightsail are blocked",
    "redshift-serverless": "changes of Redshift Serverless are blocked, where `long_tail` is on",
    "rds": "changes of databases without the cluster tag are blocked",
    "servicecatalog": "changes of provisioned products are blocked",
}


@frozen
class Trial:
    """A look-up, and what happens without it."""

    lookup: Lookup
    without: str


def shows_permission(failure: LookupFailure) -> bool:
    """True for an answer that only a caller with the permission gets."""
    return failure.code in _PERMITTED


def trials(partition: str, region: str, account: str, more: Iterable[Lookup] = ()) -> tuple[Trial, ...]:
    """Every look-up besides the machines and addresses, which every call needs, and `more`, that can be tried."""
    params = trial_params(partition, region, account)
    left_out = {INSTANCES.permission, ADDRESSES.permission, *_NEEDS_A_BUCKET}
    lookups = {lookup.permission: lookup for lookup in (*more, *capacity.ASKS, *registry.asks())}
    return tuple(
        Trial(
            evolve(lookup, items="", empty_on=(), optional=False, params=params.get(permission, {"DryRun": True})),
            _without(permission, optional=lookup.optional),
        )
        for permission, lookup in sorted(lookups.items(), key=lambda item: item[0])
        if permission not in left_out
    )


def actions(live: LiveSettings) -> list[str]:
    """The IAM actions of every look-up that the guard may make with these sources, sorted."""
    sources = (*live_lookups(live), *live_asks(live))
    lookups = (INSTANCES, ADDRESSES, *sources, *capacity.ASKS, *registry.asks(), *rows.asks())
    return sorted({lookup.permission for lookup in lookups if not lookup.is_program})


def policy_document(live: LiveSettings) -> dict[str, Any]:
    """An IAM policy that allows these look-ups."""
    statement = {"Sid": "GuardrailsLooks", "Effect": "Allow", "Action": actions(live), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def size_of(policy: Mapping[str, Any]) -> str:
    """How large such a policy is, beside what AWS allows."""
    allowed = policy["Statement"][0]["Action"]
    size = len(json.dumps(policy, separators=(",", ":")))
    return (
        f"{len(allowed)} actions, {size:,} characters. A managed policy may have {_MANAGED:,}, the inline policies of "
        f"a role {_INLINE:,}. Leave out the actions of services that you do not use."
    )


def _without(permission: str, *, optional: bool) -> str:
    if permission in _WITHOUT:
        return _WITHOUT[permission]
    service = permission.partition(":")[0]
    return _UNCOUNTED if optional else _UNKNOWN_WITHOUT.get(service, f"calls that need {permission} are blocked")
