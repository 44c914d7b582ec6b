"""From where something in a VPC can be reached: from there, and from the VPCs that are peered or attached."""

from __future__ import annotations

from guardrails.resolve.resources.trail import NEAR, Step, Trail, Trails, trail
from guardrails.values import Lookup

_PEERINGS = Lookup("ec2", "DescribeVpcPeeringConnections", "VpcPeeringConnections")
_ATTACHMENTS = Lookup("ec2", "DescribeTransitGatewayAttachments", "TransitGatewayAttachments")
_SUBNETS = Lookup("ec2", "DescribeSubnets", "Subnets")
_GONE = "contains(['deleted', 'rejected', 'failed', 'expired'], Status.Code || '')"

_VPC = "starts_with(ResourceId || '', 'vpc-') && ResourceId"

TRAILS: Trails = {
    "reachable-subnet": trail(_SUBNETS, "SubnetId", {"reachable": "VpcId"}, tags=""),
    "reachable": Trail(
        (
            Step(
                _PEERINGS,
                {NEAR: f"!{_GONE} && [RequesterVpcInfo.VpcId, AccepterVpcInfo.VpcId]"},
                "[RequesterVpcInfo.VpcId, AccepterVpcInfo.VpcId]",
                tags="",
            ),
            Step(_ATTACHMENTS, {"attached": "TransitGatewayId"}, "ResourceId", tags=""),
        ),
        may_be_unused=True,
        also={NEAR: ("{}",)},
    ),
    "attached": trail(
        _ATTACHMENTS,
        "TransitGatewayId",
        {NEAR: _VPC},
        tags="",
        unused=True,
    ),
}
