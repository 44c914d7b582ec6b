"""The parameters of the policies: what they may be set to, by the defaults that the policies declare.

A rule reads a parameter of another type, or under another name, as if it were not there, and protects nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

# Tables whose keys are names that somebody gave, each with a table like the one named here.
_BY_NAME = {"remaining.clusters": "remaining.bounds"}
# Tables of the shipped policies: what else stands there is misspelt. Others may hold what a policy of one's own reads.
_WHOLE = frozenset(("capacity", "cutover", "remaining", "remaining.bounds"))
# The words that the shipped policies know; they would take any other for the strictest.
_WORDS = {
    "untagged": ("deny", "confirm", "allow"),
    "disputed": ("protect-named", "deny"),
    "untraced": ("deny", "confirm", "warn", "allow"),
    "unreviewed": ("deny", "warn", "allow"),
    "opaque": ("confirm", "warn", "allow"),
    "test_runs": ("deny", "warn", "allow"),
    "capacity.headroom": ("deny", "warn", "allow"),
}
_SHARES = frozenset(("capacity.rebuild_share", "remaining.bounds.max_share"))
_NOT_BELOW_0 = frozenset(
    ("rollback_window_s", "cutover.min_share", "remaining.bounds.min_running", "capacity.headroom_machines",
     "capacity.rebuild_minutes")
)  # fmt: skip


class NotLikeIt(ValueError):
    """Says which parameter, what it is, and what it must be."""


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it, which is what policies read: a tuple is a list. Raises NotLikeIt for what JSON has not."""
    made = {}
    for name, value in given.items():
        try:
            made[str(name)] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise NotLikeIt(f"has {value!r} for {name!r}, must be what JSON can say ({error})") from None
    return made


def check(given: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    """Raises NotLikeIt where a value of `given` is not like the one of `declared`, its default.

    Both are plain. A default of null, or an empty table or list, takes anything, or any members.
    """
    for name, value in given.items():
        _check(name, name, value, declared.get(name), declared)


def _check(path: str, like: str, value: Any, default: Any, declared: Mapping[str, Any]) -> None:
    """`like` is the path under which it is declared, `path` the one that it is given under."""
    if like in _WORDS and value not in _WORDS[like]:
        raise NotLikeIt(f"has {value!r} for {path!r}, must be one of {', '.join(_WORDS[like])}")
    if default is None:
        return
    word, fits = _kind(default)
    if not fits(value):
        raise NotLikeIt(f"has {value!r} for {path!r}, must be {word}")
    if isinstance(default, Mapping):
        _table(path, like, value, default, declared)
    elif isinstance(default, list):
        _members(path, value, default)
    elif like in _SHARES and not 0 <= value <= 1:
        raise NotLikeIt(f"has {value!r} for {path!r}, must be a share, from 0 to 1")
    elif like in _NOT_BELOW_0 and value < 0:
        raise NotLikeIt(f"has {value!r} for {path!r}, must not be below 0")


def _table(
    path: str, like: str, value: Mapping[str, Any], default: Mapping[str, Any], declared: Mapping[str, Any]
) -> None:
    example = _BY_NAME.get(like)
    for name, inner in value.items():
        if example is not None:
            _check(f"{path}.{name}", example, inner, _at(declared, example), declared)
        elif name in default:
            _check(f"{path}.{name}", f"{like}.{name}", inner, default[name], declared)
        elif like in _WHOLE:
            raise NotLikeIt(f"has the unknown {f'{path}.{name}'!r}; known are {', '.join(sorted(default))}")


def _members(path: str, value: list[Any], default: list[Any]) -> None:
    kinds = [_kind(one) for one in default if one is not None]
    for one in value:
        if kinds and not any(fits(one) for _, fits in kinds):
            raise NotLikeIt(f"has {one!r} in {path!r}, where each must be {kinds[0][0]}")


def _kind(default: Any) -> tuple[str, Callable[[Any], bool]]:
    if isinstance(default, Mapping):
        return "a table", lambda value: isinstance(value, Mapping)
    if isinstance(default, list):
        return "a list", lambda value: isinstance(value, list)
    if isinstance(default, bool):
        return "true or false", lambda value: isinstance(value, bool)
    if isinstance(default, (int, float)):
        return "a number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    return "a text", lambda value: isinstance(value, str)


def _at(declared: Mapping[str, Any], path: str) -> Any:
    """None where policies of somebody else's declare no such thing."""
    found: Any = declared
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
