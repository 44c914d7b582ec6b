"""What a change of an IAM policy takes from the roles that have it: its documents are read and compared.

A version, or a policy that is attached, which keeps every permission and denies nothing more hurts no one.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from guardrails.resolve.changes.permissions import keeps
from guardrails.resolve.resources.iam import ENTITIES, POLICY
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

KINDS = ("iam-policy", "iam-role")
# Both may fail: then it counts as one that takes something away.
_POLICY = evolve(POLICY, optional=True)
_VERSION = Lookup("iam", "GetPolicyVersion", "PolicyVersion", empty_on=("NoSuchEntity",), optional=True)
_NOTHING: dict[str, Any] = {"Statement": []}
_SPARED = "it takes no permission away"


def _default(call: Call, answers: Answers) -> Lookup | None:
    """The look-up for the version in force; None before it is known which one that is."""
    answer = answers.get(_POLICY.about(PolicyArn=call.params.get("PolicyArn")).key())
    return _version(call, answer.items[0].get("DefaultVersionId")) if answer and answer.items else None


def _version(call: Call, version: Any) -> Lookup | None:
    policy = call.params.get("PolicyArn")
    return _VERSION.about(PolicyArn=policy, VersionId=version) if policy and version else None


def _documents(call: Call, answers: Answers) -> tuple[Any, Any] | None:
    """The document that will be in force and the one that is: each itself, or as a look-up. None for other calls."""
    if call.operation == "CreatePolicyVersion":
        return call.clear_params.get("PolicyDocument"), _default(call, answers)
    if call.operation == "SetDefaultPolicyVersion":
        return _version(call, call.params.get("VersionId")), _default(call, answers)
    return (_default(call, answers), _NOTHING) if call.operation == "AttachRolePolicy" else None


def _read(document: Any, answers: Answers) -> Any:
    if not isinstance(document, Lookup):
        return document
    answer = answers.get(document.key())
    return next((item.get("Document") for item in answer.items), None) if answer else None


def _keeps(call: Call, answers: Answers) -> bool:
    new, old = _documents(call, answers) or (None, None)
    try:
        return keeps(_read(new, answers), _read(old, answers))
    except (ValueError, TypeError, AttributeError):
        # What cannot be read may take anything away.
        return False


def _hidden(policy: str, answers: Answers) -> bool:
    """Whether the policy is not there, or counts roles, users or groups that have it while none is listed."""
    listed, counted = (answers.get(lookup.about(PolicyArn=policy).key()) for lookup in (ENTITIES, POLICY))
    if not (listed and counted and counted.items):
        return True
    kinds = ("PolicyRoles", "PolicyUsers", "PolicyGroups")
    counts = ("AttachmentCount", "PermissionsBoundaryUsageCount")
    shown = any(item.get(kind) for item in listed.items for kind in kinds)
    return not shown and any(item.get(count) for item in counted.items for count in counts)


def compared(base: Resolver) -> Resolver:
    """The resolver of a kind, which spares what keeps the permissions it has."""

    def lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
        own = base.lookups(call, keys)
        policy = call.params.get("PolicyArn")
        return own if _documents(call, {}) is None or not policy else (*own, _POLICY.about(PolicyArn=policy))

    def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
        documents = _documents(call, answers) or ()
        return (*base.followups(call, answers), *(each for each in documents if isinstance(each, Lookup)))

    def resolve(ref: TargetRef, context: Context) -> Target:
        target = base.resolve(ref, context)
        if target.type == "iam-policy" and _hidden(ref.id, context.answers):
            return unknown(ref, target.type)
        if not target.resolved or not _keeps(context.call, context.answers):
            return target
        return evolve(target, facts={**target.facts, "spared": _SPARED})

    return Resolver(resolve, (*base.asks, _POLICY, _VERSION), lookups, followups)
