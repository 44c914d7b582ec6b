"""IAM roles: a role carries the clusters of the machines whose instance profile has it.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfilesForRole.html
"""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.resources import machines
from guardrails.resolve.resources.resolver import Context, Resolver, one_each
from guardrails.values import Lookup, Target, TargetRef

_PROFILES = Lookup("iam", "ListInstanceProfilesForRole", "InstanceProfiles", empty_on=("NoSuchEntity",))


def _role(ref: TargetRef, context: Context) -> Target:
    profiles = [profile["InstanceProfileName"] for profile in context.items(_PROFILES.about(RoleName=ref.id))]
    users = [machine for name in profiles for machine in context.inventory.on("instance-profile", name)]
    role = machines.target(ref, "iam-role", users)
    # Which services use a role without an instance profile does not show.
    return role if profiles else evolve(role, facts={"traced": False})


RESOLVERS = {"iam-role": Resolver(_role, (_PROFILES,), one_each(_PROFILES, "RoleName", "iam-role"))}
