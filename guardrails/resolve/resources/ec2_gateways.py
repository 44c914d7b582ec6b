"""Gateways, peerings, endpoints and DHCP options of VPCs: they carry the clusters of the machines in the VPC."""

from __future__ import annotations

from guardrails.resolve.resources.described import Description, described
from guardrails.values import Lookup

_VPCS = Lookup("ec2", "DescribeVpcs", "Vpcs")
_TRANSIT_ATTACHMENTS = Lookup("ec2", "DescribeTransitGatewayAttachments", "TransitGatewayAttachments")

RESOLVERS = described(
    {
        "internet-gateway": Description(
            Lookup("ec2", "DescribeInternetGateways", "InternetGateways"),
            "InternetGatewayId",
            {"vpc": "Attachments[].VpcId"},
        ),
        "egress-only-internet-gateway": Description(
            Lookup("ec2", "DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways"),
            "EgressOnlyInternetGatewayId",
            {"vpc": "Attachments[].VpcId"},
        ),
        "carrier-gateway": Description(
            Lookup("ec2", "DescribeCarrierGateways", "CarrierGateways"), "CarrierGatewayId", {"vpc": "VpcId"}
        ),
        "vpn-gateway": Description(
            Lookup("ec2", "DescribeVpnGateways", "VpnGateways"),
            "VpnGatewayId",
            {"vpc": "VpcAttachments[?State != 'detached'].VpcId"},
        ),
        "vpc-peering": Description(
            Lookup("ec2", "DescribeVpcPeeringConnections", "VpcPeeringConnections"),
            "VpcPeeringConnectionId",
            {"vpc": "[RequesterVpcInfo.VpcId, AccepterVpcInfo.VpcId]"},
        ),
        "vpc-endpoint": Description(
            Lookup("ec2", "DescribeVpcEndpoints", "VpcEndpoints"),
            "VpcEndpointId",
            {"vpc": "VpcId", "subnet": "SubnetIds[]"},
        ),
        "tgw-attachment": Description(_TRANSIT_ATTACHMENTS, "TransitGatewayAttachmentId", {"vpc": "ResourceId"}),
        "transit-gateway": Description(
            _TRANSIT_ATTACHMENTS, "TransitGatewayId", {"vpc": "ResourceId"}, may_be_unused=True
        ),
        "dhcp-options": Description(_VPCS, "DhcpOptionsId", {"vpc": "VpcId"}, may_be_unused=True),
        "vpc-cidr-association": Description(
            _VPCS,
            "[CidrBlockAssociationSet[].AssociationId, Ipv6CidrBlockAssociationSet[].AssociationId][]",
            {"vpc": "VpcId"},
        ),
    }
)
