"""CloudFormation's templates: JSON, or YAML with CloudFormation's tags where PyYAML is installed (extra ``cli``)."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.values import frozen

# Stands for what a stack creates itself, as in the values that a change set shows.
OWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
# Stands for what only CloudFormation will know.
UNKNOWN = "{{unknown}}"
_SUB = re.compile(r"\$\{([^!}]+)\}")
# What these say of a resource keeps it when its stack is deleted.
_KEEPS = ("Retain", "RetainExceptOnCreate")


def resources(body: Any) -> Mapping[str, Mapping[str, Any]]:
    """The resources of a template by logical id; none where it cannot be read. botocore gives JSON as a dict."""
    template = _parsed(body) if isinstance(body, str) else body
    found = template.get("Resources") if isinstance(template, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: resource for name, resource in found.items() if isinstance(resource, Mapping)}


def kept(body: Any) -> frozenset[str]:
    """The logical ids of what stays when the stack of this template is deleted."""
    return frozenset(name for name, resource in resources(body).items() if resource.get("DeletionPolicy") in _KEEPS)


def created(
    body: Any, parameters: Iterable[Mapping[str, Any]], region: str, exports: Mapping[str, str] | None = None
) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Type and properties of each resource by logical id, with OWN and UNKNOWN in the place of what has no value yet.

    `parameters` are those of the call, `exports` the values that other stacks export; None before they are looked up.
    """
    template = _parsed(body) if isinstance(body, str) else body
    found = resources(template)
    given = {str(each.get("ParameterKey")): each.get("ParameterValue") for each in parameters}
    declared = (template.get("Parameters") if isinstance(template, Mapping) else None) or {}
    values = {name: _parameter(row, given.get(name)) for name, row in declared.items() if isinstance(row, Mapping)}
    values |= dict.fromkeys(found, OWN) | {"AWS::Region": region, "AWS::NoValue": None}
    scope = _Scope(values, exports or {})
    return {
        name: (str(resource.get("Type")), scope.value(resource.get("Properties") or {}))
        for name, resource in found.items()
    }


def imports(body: Any) -> bool:
    """Whether the template takes values that other stacks export."""
    text = body if isinstance(body, str) else json.dumps(body, default=str)
    return "ImportValue" in text


def _parameter(row: Mapping[str, Any], given: Any) -> Any:
    kind, value = str(row.get("Type")), row.get("Default") if given is None else given
    if value is None or kind.startswith("AWS::SSM"):
        return UNKNOWN
    return [part.strip() for part in str(value).split(",")] if "List" in kind else str(value)


@frozen
class _Scope:
    """What names in a template stand for."""

    values: Mapping[str, Any]
    exports: Mapping[str, str]

    def value(self, item: Any) -> Any:
        if isinstance(item, str):
            return UNKNOWN if "{{resolve:" in item else item
        if isinstance(item, list):
            return [self.value(each) for each in item]
        if not isinstance(item, Mapping):
            return item
        if len(item) == 1:
            ((key, argument),) = item.items()
            name = str(key).removeprefix("!").removeprefix("Fn::")
            if key != name or name == "Ref":
                return self._function(name, argument)
        return {str(key): self.value(each) for key, each in item.items()}

    def _function(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self.values.get(str(argument), UNKNOWN)
        if name == "GetAtt":
            return OWN
        if name == "Sub":
            return self._sub(argument)
        if name == "Join" and isinstance(argument, list) and isinstance(argument[-1], list):
            return str(argument[0]).join(str(self.value(each)) for each in argument[-1])
        if name == "ImportValue":
            return self.exports.get(str(self.value(argument)), UNKNOWN)
        if name == "If" and isinstance(argument, list):
            branches = [self.value(each) for each in argument[1:]]
            given = [each for each in branches if each is not None]
            return given[0] if given and all(each == given[0] for each in given) else UNKNOWN
        return UNKNOWN

    def _sub(self, argument: Any) -> Any:
        text, own = (argument[0], argument[1]) if isinstance(argument, list) and len(argument) > 1 else (argument, {})
        inside = {**self.values, **{name: self.value(each) for name, each in own.items()}}

        def known(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            return str(inside.get(name, UNKNOWN)) if not attribute or name in inside else UNKNOWN

        return _SUB.sub(known, str(text))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        # Few templates need it, and not every program has it.
        yaml = importlib.import_module("yaml")
    except ImportError:
        return None
    try:
        return yaml.load(text, _loader(yaml))  # strings, lists and dicts only
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _loader(yaml: Any) -> Any:
    """A safe loader of its own, so that no other user of PyYAML gets the tags: ``!Sub x`` is ``{"!Sub": x}``."""

    def tagged(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        return {f"!{suffix}": value}

    loader: Any = type("_Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", tagged)
    return loader
