"""What opens or addresses a network: VPN endpoints, Verified Access, endpoint services, prefix lists, address pools."""

from __future__ import annotations

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.lists import ROUTE_TABLES
from guardrails.resolve.resources.trail import INTERFACE, UNKNOWN, Step, Trail, trail
from guardrails.values import Lookup

_ENDPOINTS = Lookup("ec2", "DescribeVerifiedAccessEndpoints", "VerifiedAccessEndpoints")
_BEHIND = {
    "load-balancer": "LoadBalancerOptions.LoadBalancerArn",
    "interface": "NetworkInterfaceOptions.NetworkInterfaceId",
    "db-instance": "RdsOptions.RdsDbInstanceArn",
    "db-cluster": "RdsOptions.RdsDbClusterArn",
    "subnet": "CidrOptions.SubnetIds",
}
_RESOLVER_TARGETS = Lookup("ec2", "DescribeIpamPrefixListResolverTargets", "IpamPrefixListResolverTargets")
_SECONDARY = Lookup("ec2", "DescribeSecondaryInterfaces", "SecondaryInterfaces")
_HOLDERS = {"instance": "InstanceId", "interface": "NetworkInterfaceId"}


def _allocated(prefix: str) -> str:
    return f"starts_with(ResourceId || '', '{prefix}-') && ResourceId"


TRAILS = {
    "interface": Trail((INTERFACE,)),
    "client-vpn-endpoint": trail(
        Lookup("ec2", "DescribeClientVpnEndpoints", "ClientVpnEndpoints"), "ClientVpnEndpointId", {"vpc": "VpcId"}
    ),
    "verified-access-endpoint": trail(_ENDPOINTS, "VerifiedAccessEndpointId", _BEHIND),
    "verified-access-group": trail(_ENDPOINTS, "VerifiedAccessGroupId", _BEHIND, tags="", unused=True),
    "verified-access-instance": trail(_ENDPOINTS, "VerifiedAccessInstanceId", _BEHIND, tags="", unused=True),
    "verified-access-trust-provider": trail(
        Lookup("ec2", "DescribeVerifiedAccessInstances", "VerifiedAccessInstances"),
        "VerifiedAccessTrustProviders[].VerifiedAccessTrustProviderId",
        {"verified-access-instance": "VerifiedAccessInstanceId"},
        tags="",
        unused=True,
    ),
    "vpc-endpoint-service": trail(
        Lookup("ec2", "DescribeVpcEndpointServiceConfigurations", "ServiceConfigurations"),
        "ServiceId",
        {"load-balancer": "[NetworkLoadBalancerArns, GatewayLoadBalancerArns][]"},
    ),
    # Route tables, security groups and transit gateways use prefix lists.
    "prefix-list": Trail(
        (
            Step(
                Lookup("ec2", "GetManagedPrefixListAssociations", "PrefixListAssociations"),
                {
                    "routes": _allocated("rtb"),
                    "security-group": _allocated("sg"),
                    "tgw-route-table": _allocated("tgw-rtb"),
                },
                parameter="PrefixListId",
            ),
            Step(
                ROUTE_TABLES,
                {"routes": "RouteTableId"},
                "Routes[].DestinationPrefixListId",
                tags="",
                by="route.destination-prefix-list-id",
            ),
        ),
        may_be_unused=True,
    ),
    "routes": trail(
        ROUTE_TABLES,
        "RouteTableId",
        {"subnet": "Associations[].SubnetId", "vpc": "Associations[?Main] && VpcId"},
        unused=True,
        by="route-table-id",
    ),
    "ipam-prefix-list-resolver": trail(
        _RESOLVER_TARGETS, "IpamPrefixListResolverId", {"prefix-list": "PrefixListId"}, tags="", unused=True
    ),
    "ipam-prefix-list-resolver-target": trail(
        _RESOLVER_TARGETS, "IpamPrefixListResolverTargetId", {"prefix-list": "PrefixListId"}
    ),
    "trunk-association": trail(
        Lookup("ec2", "DescribeTrunkInterfaceAssociations", "InterfaceAssociations"),
        "AssociationId",
        {"interface": "[BranchInterfaceId, TrunkInterfaceId]"},
    ),
    "secondary-network": trail(
        _SECONDARY, "SecondaryNetworkId", {"instance": "Attachment.InstanceId"}, tags="", unused=True
    ),
    "secondary-subnet": trail(
        _SECONDARY, "SecondarySubnetId", {"instance": "Attachment.InstanceId"}, tags="", unused=True
    ),
    "eip": trail(ADDRESSES, "[AllocationId, PublicIp, CarrierIp]", _HOLDERS),
    "public-ipv4-pool": trail(ADDRESSES, "PublicIpv4Pool", _HOLDERS, tags="", unused=True),
    "coip-pool": trail(ADDRESSES, "CustomerOwnedIpv4Pool", _HOLDERS, tags="", unused=True),
    "ipam": trail(
        Lookup("ec2", "DescribeIpamPools", "IpamPools"), "IpamArn", {"ipam-pool": "IpamPoolId"}, tags="", unused=True
    ),
    "ipam-pool": Trail(
        (
            Step(
                Lookup("ec2", "GetIpamPoolAllocations", "IpamPoolAllocations"),
                {
                    "vpc": _allocated("vpc"),
                    "subnet": _allocated("subnet"),
                    "eip": _allocated("eipalloc"),
                    "ipam-pool": _allocated("ipam-pool"),
                    UNKNOWN: "ResourceType == 'anycast-ip-list' && ResourceId",
                },
                parameter="IpamPoolId",
            ),
        ),
        may_be_unused=True,
    ),
}
