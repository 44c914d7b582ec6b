"""Resources that AWS's descriptions tie to a network, a machine, a volume or an address: one table of them.

A resource carries the clusters of what it is tied to, and that of its own tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jmespath
from attrs import frozen

from guardrails.resolve.resources.resolver import Context, Resolver, always, last_part, merged, tags_of, unknown
from guardrails.values import Lookup, Target, TargetRef


@frozen
class Description:
    """How to find a resource among the items of a look-up: JMESPath for its names, and for what it is tied to.

    `ties` are pairs of a kind of the inventory (``vpc``, ``instance`` …) and an expression that finds such ids.
    """

    lookup: Lookup
    names: str
    ties: tuple[tuple[str, str], ...]
    tags: str = "Tags"


def _ec2(operation: str, items: str) -> Lookup:
    return Lookup("ec2", operation, items)


_TABLE: Mapping[str, Description] = {
    "internet-gateway": Description(
        _ec2("DescribeInternetGateways", "InternetGateways"), "InternetGatewayId", (("vpc", "Attachments[].VpcId"),)
    ),
    "egress-only-internet-gateway": Description(
        _ec2("DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways"),
        "EgressOnlyInternetGatewayId",
        (("vpc", "Attachments[].VpcId"),),
    ),
    "carrier-gateway": Description(
        _ec2("DescribeCarrierGateways", "CarrierGateways"), "CarrierGatewayId", (("vpc", "VpcId"),)
    ),
    "vpn-gateway": Description(
        _ec2("DescribeVpnGateways", "VpnGateways"),
        "VpnGatewayId",
        (("vpc", "VpcAttachments[?State != 'detached'].VpcId"),),
    ),
    "vpc-peering": Description(
        _ec2("DescribeVpcPeeringConnections", "VpcPeeringConnections"),
        "VpcPeeringConnectionId",
        (("vpc", "[RequesterVpcInfo.VpcId, AccepterVpcInfo.VpcId]"),),
    ),
    "vpc-endpoint": Description(
        _ec2("DescribeVpcEndpoints", "VpcEndpoints"), "VpcEndpointId", (("vpc", "VpcId"), ("subnet", "SubnetIds[]"))
    ),
    "dhcp-options": Description(_ec2("DescribeVpcs", "Vpcs"), "DhcpOptionsId", (("vpc", "VpcId"),)),
    "vpc-cidr-association": Description(
        _ec2("DescribeVpcs", "Vpcs"),
        "[CidrBlockAssociationSet[].AssociationId, Ipv6CidrBlockAssociationSet[].AssociationId][]",
        (("vpc", "VpcId"),),
    ),
    "tgw-attachment": Description(
        _ec2("DescribeTransitGatewayAttachments", "TransitGatewayAttachments"),
        "TransitGatewayAttachmentId",
        (("vpc", "ResourceId"),),
    ),
    "transit-gateway": Description(
        _ec2("DescribeTransitGatewayAttachments", "TransitGatewayAttachments"),
        "TransitGatewayId",
        (("vpc", "ResourceId"),),
    ),
    "security-group-rule": Description(
        _ec2("DescribeSecurityGroupRules", "SecurityGroupRules"),
        "SecurityGroupRuleId",
        (("security-group", "GroupId"),),
    ),
    "instance-profile-association": Description(
        _ec2("DescribeIamInstanceProfileAssociations", "IamInstanceProfileAssociations"),
        "AssociationId",
        (("instance", "InstanceId"),),
    ),
    "launch-template": Description(
        _ec2("DescribeLaunchTemplates", "LaunchTemplates"),
        "[LaunchTemplateId, LaunchTemplateName]",
        (("tag", "join('=', ['aws:ec2launchtemplate:id', LaunchTemplateId])"),),
    ),
    "kms-key": Description(
        _ec2("DescribeVolumes", "Volumes"), "KmsKeyId", (("volume", "VolumeId"),), tags="nothing of the key's own"
    ),
    "classic-elb": Description(
        Lookup("elb", "DescribeLoadBalancers", "LoadBalancerDescriptions"),
        "LoadBalancerName",
        (("instance", "Instances[].InstanceId"),),
    ),
}
# Where nothing has the name there is nothing to be hurt: a key that encrypts no volume, options that no network has.
_MAY_BE_UNUSED = frozenset(("kms-key", "dhcp-options", "transit-gateway"))


def _found(expression: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    value = jmespath.search(expression, item)
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return tuple(each for each in values if isinstance(each, str) and each)


def _resolver(kind: str, described: Description) -> Resolver:
    def resolve(ref: TargetRef, context: Context) -> Target:
        index = context.index(described.lookup, lambda item: map(last_part, _found(described.names, item)))
        items = index.get(last_part(ref.id), ())
        if not items and kind not in _MAY_BE_UNUSED:
            return unknown(ref, kind)
        inventory = context.inventory
        clusters: set[str] = set()
        tags: dict[str, str] = {}
        for item in items:
            tags |= tags_of(item, described.tags)
            for tie, expression in described.ties:
                for name in _found(expression, item):
                    clusters |= inventory.clusters_on(tie, name)
        facts = {} if items else {"traced": False}
        own = [tags.get(inventory.cluster_tag)]
        return Target(ref.id, kind, ref.role, resolved=True, clusters=merged(clusters, own), tags=tags, facts=facts)

    return Resolver(always(described.lookup), resolve)


RESOLVERS = {kind: _resolver(kind, described) for kind, described in _TABLE.items()}
