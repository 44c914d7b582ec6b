"""What machines were launched from or with: images, keys, security groups, profiles, templates, fleets.

Auto Scaling groups also start machines from some of them that no machine has used yet (launch_sources.py).
"""

from __future__ import annotations

from guardrails.resolve.lists import RULES
from guardrails.resolve.resources.trail import Step, Trail, Trails, trail
from guardrails.values import Lookup

_FLEETS = Lookup("ec2", "DescribeFleets", "Fleets")
_SPOT_FLEETS = Lookup("ec2", "DescribeSpotFleetRequests", "SpotFleetRequestConfigs")
_ASSOCIATIONS = Lookup(
    "ec2",
    "DescribeIamInstanceProfileAssociations",
    "IamInstanceProfileAssociations",
    empty_on=("InvalidAssociationID.NotFound",),
)
_SNAPSHOTS = Lookup("ec2", "DescribeSnapshots", "Snapshots", empty_on=("InvalidSnapshot.NotFound",))

TRAILS: Trails = {
    # EC2 and Auto Scaling write these into tags of the machines that they launch. A fleet may have none yet.
    "fleet": Trail((Step(_FLEETS, {}, "FleetId"),), may_be_unused=True, also={"tag": ("aws:ec2:fleet-id={}",)}),
    "spot-fleet": Trail(
        (Step(_SPOT_FLEETS, {}, "SpotFleetRequestId"),),
        may_be_unused=True,
        also={"tag": ("aws:ec2spot:fleet-request-id={}",)},
    ),
    "launch-template": trail(
        Lookup("ec2", "DescribeLaunchTemplates", "LaunchTemplates"),
        "[LaunchTemplateId, LaunchTemplateName]",
        {"tag": "join('=', ['aws:ec2launchtemplate:id', LaunchTemplateId])"},
    ),
    "launch-configuration": Trail(
        (), may_be_unused=True, also={"tag": ("aws:autoscaling:launchConfigurationName={}",)}
    ),
    "snapshot": Trail((Step(_SNAPSHOTS, {}, parameter="SnapshotIds[]"),)),
    "security-group-rule": trail(
        RULES, "SecurityGroupRuleId", {"security-group": "GroupId"}, by="security-group-rule-id"
    ),
    # There is one for each machine with a profile, so it is asked for by its id.
    "instance-profile-association": Trail(
        (Step(_ASSOCIATIONS, {"instance": "InstanceId"}, "AssociationId", "AssociationIds[]"),)
    ),
}
