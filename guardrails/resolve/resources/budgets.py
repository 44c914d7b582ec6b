"""Actions of budgets: they carry the clusters of what they stop or take permissions from.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeBudgetAction.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.resolve.resources.resolver import Answers, Context, Part, Resolver, first_item, named, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_KIND = "budget-action"
_ACTION = Lookup("budgets", "DescribeBudgetAction", "Action", empty_on=("NotFoundException",))
# What InstanceIds are, by what is done to them.
_INSTANCES = {"STOP_EC2_INSTANCES": "instance", "STOP_RDS_INSTANCES": "db-instance"}


def _about(name: str, call: Call) -> Lookup:
    budget = {key: str(call.params.get(key) or "") for key in ("AccountId", "BudgetName")}
    return _ACTION.about(**budget, ActionId=name)


def _found(name: str, call: Call, answers: Answers) -> Mapping[str, Any] | None:
    return first_item(_about(name, call), answers)


def _refs(definition: Mapping[str, Any]) -> Iterator[TargetRef]:
    """Everything that the action acts on. Users and groups are no machine's."""
    machines = definition.get("SsmActionDefinition") or {}
    kind = _INSTANCES.get(str(machines.get("ActionSubType")), "instance")
    yield from (TargetRef(each, kind) for each in machines.get("InstanceIds") or ())
    yield from (
        TargetRef(each, "iam-role") for each in (definition.get("IamActionDefinition") or {}).get("Roles") or ()
    )
    accounts = (definition.get("ScpActionDefinition") or {}).get("TargetIds") or ()
    yield from (TargetRef(each, "organization-target") for each in accounts)


def _parts(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    action = _found(ref.id, call, answers)
    return tuple(Part(each.id, (each,)) for each in _refs((action or {}).get("Definition") or {}))


def _action(ref: TargetRef, context: Context) -> Target:
    found = _found(ref.id, context.call, context.answers)
    return unknown(ref, _KIND) if found is None else Target(ref.id, _KIND, ref.role, resolved=True)


RESOLVERS = {
    _KIND: Resolver(
        _action,
        (_ACTION,),
        lambda call, _keys: tuple(_about(name, call) for name in named(call, _KIND)),
        parts=_parts,
    )
}
