"""Types for which no look-up shows which machines depend on them. That is a fact, too: policies decide about it."""

from __future__ import annotations

from guardrails.resolve.resources.resolver import Context, Resolver
from guardrails.values import Target, TargetRef

_BY_REASON = {
    "names that point at other names": "cfn-alias event-endpoint kms-alias kms-custom-key-store",
    "instructions that take effect elsewhere, later": """
        ssm-item ssm-document ssm-association ssm-maintenance-window ssm-patch-baseline scaling-policy
        cfn-stack-refactor""",
    "permissions, whose holders are not listed by machine": "iam-access-key iam-server-certificate",
    "anything else of EC2": "other-ec2",
}
UNTRACED = frozenset(name for names in _BY_REASON.values() for name in names.split())


def _resolver(kind: str) -> Resolver:
    def resolve(ref: TargetRef, _: Context) -> Target:
        return Target(ref.id, kind, ref.role, resolved=True, facts={"traced": False})

    return Resolver(resolve)


RESOLVERS = {kind: _resolver(kind) for kind in sorted(UNTRACED)}
