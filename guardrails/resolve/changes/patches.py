"""Cloud Control's patches (RFC 6902), compared with the properties of the resource."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from guardrails.aws.cloudformation import table
from guardrails.resolve.changes import properties
from guardrails.resolve.changes.compare import same
from guardrails.resolve.changes.rows import rows_of
from guardrails.values import Answer, Call

_PATCH = "PatchDocument"


def left_alone(call: Call, answers: Mapping[str, Answer]) -> frozenset[str]:
    """The patch, where what it changes harms no one.

    Tags that say what is live, and what acts at another time or on something else, are judged by the call.
    """
    row = table().types.get(str(call.params.get("TypeName") or ""))
    if call.name != "cloudcontrolapi:UpdateResource" or row is None or row.later:
        return frozenset()
    (shown,) = rows_of(call.service, call.operation)
    lookup = shown.ask(call.clear_params)
    answer = answers.get(lookup.key()) if lookup else None
    if answer is None or len(answer.items) != 1:
        return frozenset()
    try:
        before = json.loads(answer.items[0]["Properties"])
        after = patched(before, json.loads(call.clear_params[_PATCH]))
    except (LookupError, TypeError, ValueError):
        # What the patch makes of the resource is unknown.
        return frozenset()
    if {name for name in {*before, *after} if before.get(name) != after.get(name)} <= {"Tags"}:
        return frozenset()
    harms = properties.harmful(str(call.params["TypeName"]), before, after, (), before)
    return frozenset() if harms else frozenset((_PATCH, "TypeName", "Identifier"))


def patched(document: Any, patch: list[Mapping[str, Any]]) -> Any:
    """The document after the patch. Raises LookupError, TypeError or ValueError where the patch does not fit."""
    result = {"": deepcopy(document)}
    for step in patch:
        operation, path = step["op"], _path(step["path"])
        if operation == "add":
            _add(result, path, deepcopy(step["value"]))
        elif operation == "remove":
            _remove(result, path)
        elif operation == "replace":
            _remove(result, path)
            _add(result, path, deepcopy(step["value"]))
        elif operation in ("move", "copy"):
            source = _path(step["from"])
            value = _remove(result, source) if operation == "move" else deepcopy(_at(result, source))
            _add(result, path, value)
        elif operation != "test" or not same(step["value"], _at(result, path)):
            raise ValueError(f"the step {operation} of the patch does not fit")
    return result[""]


def _path(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[_index(document, part)]
    return document


def _index(document: Any, part: str) -> Any:
    if not isinstance(document, list):
        return part
    if not part.isdecimal():
        raise ValueError("a list has no such place")
    return int(part)


def _add(document: Any, path: list[str], value: Any) -> None:
    parent, last = _at(document, path[:-1]), path[-1]
    if not isinstance(parent, list):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    else:
        parent.insert(_index(parent, last), value)


def _remove(document: Any, path: list[str]) -> Any:
    parent, last = _at(document, path[:-1]), path[-1]
    return parent.pop(_index(parent, last))
