"""Transit gateways: what is attached to them, and their route tables, carry the clusters of the attached VPCs."""

from __future__ import annotations

from guardrails.resolve.lists import ROUTE_TABLES
from guardrails.resolve.resources.trail import Step, Trail, trail
from guardrails.values import Lookup

_ATTACHMENTS = Lookup("ec2", "DescribeTransitGatewayAttachments", "TransitGatewayAttachments")
_VPC = {"vpc": "starts_with(ResourceId || '', 'vpc-') && ResourceId"}
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SearchTransitGatewayRoutes.html
_ROUTES = Lookup(
    "ec2",
    "SearchTransitGatewayRoutes",
    "Routes",
    {"Filters": [{"Name": "state", "Values": ["active", "blackhole"]}]},
    empty_on=("InvalidRouteTableID.NotFound",),
)

TRAILS = {
    # A VPN or a peering brings the traffic of every VPC that is attached.
    "tgw-attachment": trail(
        _ATTACHMENTS,
        "TransitGatewayAttachmentId",
        {**_VPC, "transit-gateway": "!starts_with(ResourceId || '', 'vpc-') && TransitGatewayId"},
    ),
    # Routes name the gateway that they go through, whatever the attachments show.
    "transit-gateway": Trail(
        (
            Step(_ATTACHMENTS, _VPC, "TransitGatewayId", tags=""),
            Step(
                ROUTE_TABLES,
                {"routes": "RouteTableId"},
                "Routes[].TransitGatewayId",
                tags="",
                by="route.transit-gateway-id",
            ),
        ),
        may_be_unused=True,
    ),
    "tgw-route-table": Trail(
        (
            Step(_ATTACHMENTS, _VPC, "Association.TransitGatewayRouteTableId", tags=""),
            Step(
                _ROUTES,
                {"vpc": "TransitGatewayAttachments[?starts_with(ResourceId, 'vpc-')].ResourceId"},
                parameter="TransitGatewayRouteTableId",
                tags="",
            ),
        ),
        may_be_unused=True,
    ),
    "tgw-policy-table": trail(
        _ATTACHMENTS,
        "Association.TransitGatewayPolicyTableId",
        {"transit-gateway": "TransitGatewayId"},
        tags="",
        unused=True,
    ),
    "tgw-multicast-domain": Trail(
        (
            Step(
                Lookup("ec2", "GetTransitGatewayMulticastDomainAssociations", "MulticastDomainAssociations"),
                {"subnet": "Subnet.SubnetId"},
                parameter="TransitGatewayMulticastDomainId",
            ),
        ),
        may_be_unused=True,
    ),
    "tgw-connect-peer": trail(
        Lookup("ec2", "DescribeTransitGatewayConnectPeers", "TransitGatewayConnectPeers"),
        "TransitGatewayConnectPeerId",
        {"tgw-attachment": "TransitGatewayAttachmentId"},
    ),
    "tgw-announcement": trail(
        Lookup("ec2", "DescribeTransitGatewayRouteTableAnnouncements", "TransitGatewayRouteTableAnnouncements"),
        "TransitGatewayRouteTableAnnouncementId",
        {"tgw-route-table": "TransitGatewayRouteTableId"},
    ),
    "vpn-concentrator": trail(
        Lookup("ec2", "DescribeVpnConcentrators", "VpnConcentrators"),
        "VpnConcentratorId",
        {"transit-gateway": "TransitGatewayId"},
    ),
}
