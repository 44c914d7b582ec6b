"""The template and the parameters of a call on a stack or a stack set, where it leaves them as they are.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.resolve.resources.resolver import Answers, first_item
from guardrails.values import Call, Lookup, frozen

# They may fail: then the template is not read, or a value is unknown.
_TEMPLATE = Lookup("cloudformation", "GetTemplate", "TemplateBody", optional=True)
_STACKS = Lookup("cloudformation", "DescribeStacks", "Stacks", empty_on=("ValidationError",), optional=True)
_SET = Lookup("cloudformation", "DescribeStackSet", "StackSet", optional=True)
ASKS = (_TEMPLATE, _STACKS, _SET)
_SETS = ("CreateStackInstances", "UpdateStackInstances", "UpdateStackSet")


@frozen
class Template:
    """What a call makes: a template, None where it is not given or not shown, and its parameters."""

    body: Any
    parameters: tuple[Mapping[str, Any], ...]


def _given(call: Call) -> list[Mapping[str, Any]]:
    return [*(call.clear_params.get("Parameters") or call.clear_params.get("ParameterOverrides") or ())]


def uses_present(call: Call) -> bool:
    """Whether the call makes something from the template that is there already: with other values, or elsewhere."""
    if call.operation == "CreateStackInstances":
        return True
    changed = any(not each.get("UsePreviousValue") for each in _given(call))
    of_set = call.operation == "UpdateStackInstances"
    return changed and (of_set or bool(call.params.get("UsePreviousTemplate")))


def lookups(call: Call) -> Iterator[Lookup]:
    """What shows the present template and parameters."""
    previous = any(each.get("UsePreviousValue") for each in _given(call))
    if call.operation in _SETS:
        if previous or uses_present(call):
            yield _set(call)
    elif call.operation == "UpdateStack":
        if uses_present(call):
            yield _template(call)
        if previous:
            yield _stack(call)


def template(call: Call, answers: Answers) -> Template:
    """The template and the parameters with which the call leaves the stack, or the stacks of the set."""
    body = call.clear_params.get("TemplateBody")
    given = {str(each.get("ParameterKey")): each for each in _given(call)}
    if call.operation in _SETS:
        present = first_item(_set(call), answers) or {}
        if not body and uses_present(call):
            body = present.get("TemplateBody")
        # Those that are not named stay as they are in the set.
        given = {key: {"ParameterKey": key, "UsePreviousValue": True} for key in _values(present)} | given
    else:
        present = first_item(_stack(call), answers) or {}
        answer = answers.get(_template(call).key())
        if not body and uses_present(call) and answer and answer.items:
            body = answer.items[0]
    values = _values(present)
    return Template(
        body,
        tuple(
            {**each, "ParameterValue": values.get(key)} if each.get("UsePreviousValue") else each
            for key, each in given.items()
        ),
    )


def _template(call: Call) -> Lookup:
    return _TEMPLATE.about(StackName=str(call.params.get("StackName")), TemplateStage="Original")


def _stack(call: Call) -> Lookup:
    return _STACKS.about(StackName=str(call.params.get("StackName")))


def _set(call: Call) -> Lookup:
    as_whom = {"CallAs": call.params["CallAs"]} if call.params.get("CallAs") else {}
    return _SET.about(StackSetName=str(call.params.get("StackSetName")), **as_whom)


def _values(item: Mapping[str, Any]) -> dict[str, Any]:
    """The values of parameters; those of secret ones are masked, and so unknown."""
    shown = {str(each.get("ParameterKey")): each.get("ParameterValue") for each in item.get("Parameters") or ()}
    return {key: value for key, value in shown.items() if value is not None and set(str(value)) != {"*"}}
