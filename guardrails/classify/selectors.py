"""Selectors in a call's parameters: a key and the values that it may have, as Systems Manager writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.aws import resource_ids
from guardrails.values import Role, TargetRef

SELECTOR = "tag-selector"
# Values that a runbook is given as they are.
_VALUES = "parametervalues"

Refs = dict[tuple[str, str], TargetRef]


def selectors(value: Any, source: str, role: Role, params: Mapping[str, Any]) -> Refs:
    """``{"Key": …, "Values": […]}``, with the values kept apart: one may hold a comma, or be empty.

    Of ``ParameterValues`` the values that are ids are targets of their own. Raises ValueError for anything else.
    """
    items = value if isinstance(value, list) else [value]
    refs: Refs = {}
    for item in items:
        if item is None:
            continue
        if not isinstance(item, Mapping):
            raise ValueError(f"{source} should be selectors, not {type(item).__name__}")
        key, *values = strings([item.get("Key") or "", *(item.get("Values") or [])], source)
        ids = _given(values, params) if key.lower() == _VALUES else {}
        for name, kind in ids.items():
            refs[name, role] = TargetRef(name, kind, role)
        values = [each for each in values if each not in ids]
        if ids and not values:
            continue
        shown = ",".join(
            value if value.isprintable() and not set(value) & set(',"') else repr(value) for value in values
        )
        ref = TargetRef(f"{key}={shown}", SELECTOR, role, (key, *values))
        refs[ref.id, role] = ref
    return refs


def _given(values: list[str], params: Mapping[str, Any]) -> dict[str, str]:
    """The values that name a resource, with its type: by their form, or by the parameter that they are given as."""
    names = {*_named(params)}
    found = {}
    for value in values:
        given = [json.dumps({name: value}) for name in names] or [value]
        kinds = {resource_ids.type_of(value) or resource_ids.in_text(text).get(value) for text in given}
        if len(kinds) == 1 and (kind := kinds.pop()):
            found[value] = kind
    return found


def _named(value: Any) -> Iterator[str]:
    """The parameters of runbooks that get the values of selectors, at any depth."""
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _named(each)
    if isinstance(value, Mapping):
        yield from (value[name] for name in resource_ids.GIVEN_AS if isinstance(value.get(name), str))


def strings(value: Any, source: str) -> list[str]:
    """Null as [], a string as [string], a list without its nulls. Raises ValueError for anything else."""
    items = value if isinstance(value, list) else [value]
    found = [item for item in items if item is not None]
    for item in found:
        if not isinstance(item, str):
            raise ValueError(f"{source} should name strings, not {type(item).__name__}")
    return found
