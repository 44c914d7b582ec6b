"""Requests and grants from their texts. Others can write where these are, so nothing in them is taken for granted.

What is not exactly as a guard writes it is no request, and disturbs no other one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.memory.approvals.record import Grant, Identity, Request

# Clocks of hosts differ by so much at most.
AHEAD_S = 30.0
# As the parameter `approvals` has it.
_MOST_MINUTES = 1_440.0
# In the year 5138; later ones have no calendar date everywhere.
_LATEST = 1e11
_MOST_MACHINES = 10**9
# Lists and objects inside each other: no call of AWS has more, and JSON cannot write much more.
_DEEPEST = 200


def read_request(text: object) -> Request | None:
    """A request from its text; None for anything else."""
    values = _object(text)
    try:
        who = values["asked_by"]
        made = Request(
            id=_text(values["id"]),
            place=_text(values["place"]),
            digest=_text(values["digest"]),
            document=_document(values["document"]),
            summary=_text(values["summary"]),
            asked_at=_number(values["asked_at"], 0.0, time.time() + AHEAD_S),
            minutes=_number(values["minutes"], 0.0, _MOST_MINUTES),
            terms={rule: tuple(_texts(by)) for rule, by in _mapping(values["terms"]).items()},
            asked_by=Identity(_text(who["id"]), _text(who["name"]), tuple(_texts(who["others"]))),
            leaves=_leaves(values["leaves"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return made if made.id.isalnum() and made.minutes else None


def read_grant(text: object, by: str, name: str = "") -> Grant | None:
    """A grant from its text, by who is proven to have given it; None for anything else."""
    values = _object(text)
    try:
        said = name or _text(values["name"]), _text(values["reason"]), _text(values["digest"])
        return Grant(by, *said, _number(values["at"], 0.0, _LATEST), _leaves(values["leaves"]))
    except (KeyError, TypeError, ValueError):
        return None


def _object(text: object) -> dict[str, Any]:
    try:
        return _mapping(json.loads(str(text)))
    except (TypeError, ValueError, RecursionError):
        return {}


def _document(value: Any) -> dict[str, Any]:
    """What a digest was made of, with all its members."""
    document = _mapping(value)
    if document.keys() != _MEMBERS.keys():
        raise ValueError(value)
    for name, read in _MEMBERS.items():
        read(document[name])
    return document


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _texts(value: Any) -> list[str]:
    return [_text(one) for one in _list(value)]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _number(value: Any, least: float, most: float) -> float:
    """A number between these. NaN and Infinity are not, and an integer that no float can hold is not either."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(value)
    return float(value)


def _count(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return int(_number(value, 0, _MOST_MACHINES))


def _leaves(value: Any) -> dict[str, tuple[int, int]]:
    return {name: (_count(left), _count(running)) for name, (left, running) in _mapping(value).items()}


def _params(value: Any) -> dict[str, Any]:
    _shallow(value, _DEEPEST)
    return _mapping(value)


def _shallow(value: Any, left: int) -> None:
    if not left:
        raise ValueError(value)
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _shallow(one, left - 1)


def _clusters(value: Any) -> list[list[str]]:
    return [_texts(names) for names in _mapping(value).values()]


def _rules(value: Any) -> list[tuple[str, str]]:
    return [(_text(rule), _text(target)) for rule, target in map(_list, _list(value))]


_MEMBERS: Mapping[str, Callable[[Any], object]] = {
    "schema": _count,
    "service": _text,
    "operation": _text,
    "params": _params,
    "hidden": _text,
    "targets": _texts,
    "clusters": _clusters,
    "effects": _texts,
    "region": _text_or_none,
    "account": _text_or_none,
    "rules": _rules,
    "user": _text,
}
