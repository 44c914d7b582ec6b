"""IAM roles: a role carries the clusters of the machines whose instance profile has it, and that of its own tag.

A policy carries those of the roles that it is attached to, as their permissions or as their boundary.

A role that containers take on, and that was used, may be the live cluster's; AWS does not say by whom it was used.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html
"""

from __future__ import annotations

from guardrails.resolve.resources.trail import UNKNOWN, Step, Trail, Trails
from guardrails.values import Lookup

_PROFILES = Lookup("iam", "ListInstanceProfilesForRole", "InstanceProfiles", empty_on=("NoSuchEntity",))
ENTITIES = Lookup("iam", "ListEntitiesForPolicy", "@", empty_on=("NoSuchEntity",))
POLICY = Lookup("iam", "GetPolicy", "Policy", empty_on=("NoSuchEntity",))
_ROLE = Lookup("iam", "GetRole", "Role", empty_on=("NoSuchEntity",))
_USER = Lookup("iam", "GetUser", "User", empty_on=("NoSuchEntity",))
_TRUSTS = "to_string(AssumeRolePolicyDocument)"
_CONTAINERS = " || ".join(
    f"contains({_TRUSTS}, '{service}')" for service in ("ecs-tasks.amazonaws.com", "pods.eks.amazonaws.com", ":oidc-")
)

TRAILS: Trails = {
    "iam-role": Trail(
        (
            Step(_PROFILES, {"instance-profile": "InstanceProfileName"}, parameter="RoleName", tags=""),
            Step(
                _ROLE,
                {UNKNOWN: f"RoleLastUsed.LastUsedDate && ({_CONTAINERS}) && 'the containers that use it'"},
                parameter="RoleName",
            ),
        )
    ),
    # A person's has no tag of a cluster; an application's may.
    "iam-user": Trail((Step(_USER, {}, parameter="UserName"),)),
    "iam-policy": Trail(
        (
            Step(ENTITIES, {"iam-role": "PolicyRoles[].RoleName"}, parameter="PolicyArn", tags=""),
            Step(POLICY, {}, parameter="PolicyArn"),
        )
    ),
}
