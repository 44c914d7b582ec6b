"""Accounts, organizational units and roots that a policy of AWS Organizations is attached to.

One that is not another account may hold this one, and what the policy denies is then denied to every machine here.
"""

from __future__ import annotations

from guardrails.resolve.resources.by_selector import RESOLVERS as SELECTORS
from guardrails.resolve.resources.resolver import Context, Resolver
from guardrails.values import Target, TargetRef


def _holder(ref: TargetRef, context: Context) -> Target:
    if ref.id.isdecimal() and ref.id != context.inventory.account:
        return Target(ref.id, "organization-target", ref.role, resolved=True)
    return SELECTORS["region"].resolve(ref, context)


RESOLVERS = {"organization-target": Resolver(_holder)}
