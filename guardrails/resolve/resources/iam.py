"""IAM roles: a role carries the clusters of the machines whose instance profile has it.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfilesForRole.html
"""

from __future__ import annotations

from guardrails.resolve.resources.ec2_instances import machine_facts
from guardrails.resolve.resources.resolver import Context, Resolver, merged, named
from guardrails.values import Call, Lookup, Target, TargetRef


def _profiles(role: str) -> Lookup:
    return Lookup(
        "iam", "ListInstanceProfilesForRole", "InstanceProfiles", {"RoleName": role}, empty_on=("NoSuchEntity",)
    )


def _lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_profiles(role) for role in named(call, "iam-role"))


def _role(ref: TargetRef, context: Context) -> Target:
    profiles = [profile["InstanceProfileName"] for profile in context.items(_profiles(ref.id))]
    machines = [machine for name in profiles for machine in context.inventory.on("instance-profile", name)]
    return Target(
        ref.id,
        "iam-role",
        ref.role,
        resolved=True,
        clusters=merged(machine.cluster for machine in machines),
        # A role of something else than machines may be in use by what nobody sees from here.
        facts=machine_facts(machines) if profiles else {"traced": False},
    )


RESOLVERS = {"iam-role": Resolver(_lookups, _role)}
