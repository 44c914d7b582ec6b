"""What machines were launched from or with: images, keys, security groups, profiles, templates, fleets."""

from __future__ import annotations

from guardrails.resolve.inventory import USES
from guardrails.resolve.resources.described import Description, described
from guardrails.resolve.resources.machines import of_machines, on, tagged
from guardrails.values import Lookup

RESOLVERS = {
    **{kind: of_machines(kind, on(kind)) for kind in USES},
    # EC2 and Auto Scaling write these into tags of the machines that they launch.
    "fleet": of_machines("fleet", tagged("aws:ec2:fleet-id")),
    "spot-fleet": of_machines("fleet", tagged("aws:ec2spot:fleet-request-id")),
    "launch-configuration": of_machines("launch-configuration", tagged("aws:autoscaling:launchConfigurationName")),
    **described(
        {
            "launch-template": Description(
                Lookup("ec2", "DescribeLaunchTemplates", "LaunchTemplates"),
                "[LaunchTemplateId, LaunchTemplateName]",
                {"tag": "join('=', ['aws:ec2launchtemplate:id', LaunchTemplateId])"},
            ),
            "security-group-rule": Description(
                Lookup("ec2", "DescribeSecurityGroupRules", "SecurityGroupRules"),
                "SecurityGroupRuleId",
                {"security-group": "GroupId"},
            ),
            "instance-profile-association": Description(
                Lookup("ec2", "DescribeIamInstanceProfileAssociations", "IamInstanceProfileAssociations"),
                "AssociationId",
                {"instance": "InstanceId"},
            ),
        }
    ),
}
