"""Gateways, peerings, endpoints and DHCP options of VPCs: they carry the clusters of the machines in the VPC."""

from __future__ import annotations

from guardrails.resolve.lists import ROUTE_TABLES
from guardrails.resolve.resources.trail import Step, Trail, trail
from guardrails.values import Lookup

_VPCS = Lookup("ec2", "DescribeVpcs", "Vpcs")
_VPN_GATEWAYS = Lookup("ec2", "DescribeVpnGateways", "VpnGateways")
_VPN_CONNECTIONS = Lookup("ec2", "DescribeVpnConnections", "VpnConnections")
_BEYOND = {"vpn-gateway": "VpnGatewayId", "transit-gateway": "TransitGatewayId"}

TRAILS = {
    "internet-gateway": trail(
        Lookup("ec2", "DescribeInternetGateways", "InternetGateways"),
        "InternetGatewayId",
        {"vpc": "Attachments[].VpcId"},
    ),
    "egress-only-internet-gateway": trail(
        Lookup("ec2", "DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways"),
        "EgressOnlyInternetGatewayId",
        {"vpc": "Attachments[].VpcId"},
    ),
    "carrier-gateway": trail(
        Lookup("ec2", "DescribeCarrierGateways", "CarrierGateways"), "CarrierGatewayId", {"vpc": "VpcId"}
    ),
    "vpn-gateway": trail(_VPN_GATEWAYS, "VpnGatewayId", {"vpc": "VpcAttachments[?State != 'detached'].VpcId"}),
    "vpn-connection": trail(_VPN_CONNECTIONS, "VpnConnectionId", _BEYOND),
    "customer-gateway": trail(_VPN_CONNECTIONS, "CustomerGatewayId", _BEYOND, unused=True),
    "vpc-peering": trail(
        Lookup("ec2", "DescribeVpcPeeringConnections", "VpcPeeringConnections"),
        "VpcPeeringConnectionId",
        {"vpc": "[RequesterVpcInfo.VpcId, AccepterVpcInfo.VpcId]"},
    ),
    "vpc-endpoint": trail(
        Lookup("ec2", "DescribeVpcEndpoints", "VpcEndpoints"),
        "VpcEndpointId",
        {"vpc": "VpcId", "subnet": "SubnetIds[]"},
    ),
    "dhcp-options": trail(_VPCS, "DhcpOptionsId", {"vpc": "VpcId"}, tags="", unused=True),
    "vpc-cidr-association": trail(
        _VPCS,
        "[CidrBlockAssociationSet[].AssociationId, Ipv6CidrBlockAssociationSet[].AssociationId][]",
        {"vpc": "VpcId"},
    ),
    "vpc-bpa-exclusion": trail(
        Lookup("ec2", "DescribeVpcBlockPublicAccessExclusions", "VpcBlockPublicAccessExclusions"),
        "ExclusionId",
        {
            "vpc": "contains(ResourceArn || '', ':vpc/') && ResourceArn",
            "subnet": "contains(ResourceArn || '', ':subnet/') && ResourceArn",
        },
    ),
    "vpc-encryption-control": trail(
        Lookup("ec2", "DescribeVpcEncryptionControls", "VpcEncryptionControls"),
        "VpcEncryptionControlId",
        {"vpc": "VpcId"},
    ),
    "route-server": trail(
        Lookup("ec2", "DescribeRouteServerEndpoints", "RouteServerEndpoints"),
        "RouteServerId",
        {"vpc": "VpcId"},
        tags="",
        unused=True,
    ),
    "route-server-endpoint": trail(
        Lookup("ec2", "DescribeRouteServerEndpoints", "RouteServerEndpoints"), "RouteServerEndpointId", {"vpc": "VpcId"}
    ),
    "route-server-peer": trail(
        Lookup("ec2", "DescribeRouteServerPeers", "RouteServerPeers"), "RouteServerPeerId", {"vpc": "VpcId"}
    ),
    "local-gateway-route-table": trail(
        Lookup("ec2", "DescribeLocalGatewayRouteTableVpcAssociations", "LocalGatewayRouteTableVpcAssociations"),
        "LocalGatewayRouteTableId",
        {"vpc": "VpcId"},
        tags="",
        unused=True,
    ),
    "local-gateway-rtb-association": Trail(
        (
            Step(
                Lookup("ec2", "DescribeLocalGatewayRouteTableVpcAssociations", "LocalGatewayRouteTableVpcAssociations"),
                {"vpc": "VpcId"},
                "LocalGatewayRouteTableVpcAssociationId",
            ),
            Step(
                Lookup(
                    "ec2",
                    "DescribeLocalGatewayRouteTableVirtualInterfaceGroupAssociations",
                    "LocalGatewayRouteTableVirtualInterfaceGroupAssociations",
                ),
                {"local-gateway-route-table": "LocalGatewayRouteTableId"},
                "LocalGatewayRouteTableVirtualInterfaceGroupAssociationId",
            ),
        )
    ),
    "local-gateway": Trail(
        (
            Step(
                Lookup("ec2", "DescribeLocalGatewayRouteTableVpcAssociations", "LocalGatewayRouteTableVpcAssociations"),
                {"vpc": "VpcId"},
                "LocalGatewayId",
                tags="",
            ),
            Step(ROUTE_TABLES, {"routes": "RouteTableId"}, "Routes[].LocalGatewayId", tags=""),
        ),
        may_be_unused=True,
    ),
    "local-gateway-interface": trail(
        Lookup("ec2", "DescribeLocalGatewayVirtualInterfaces", "LocalGatewayVirtualInterfaces"),
        "LocalGatewayVirtualInterfaceId",
        {"local-gateway": "LocalGatewayId"},
    ),
    "local-gateway-interface-group": trail(
        Lookup("ec2", "DescribeLocalGatewayVirtualInterfaceGroups", "LocalGatewayVirtualInterfaceGroups"),
        "LocalGatewayVirtualInterfaceGroupId",
        {"local-gateway": "LocalGatewayId"},
    ),
}
