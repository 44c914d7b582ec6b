"""The parameters of the policies: a configuration's must look like the defaults that the policies declare.

A rule reads a parameter of another type, or under another name, as if it were not there, and protects nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Tables whose keys are names that somebody gave, each with a table like the one named here.
_BY_NAME = {"remaining.clusters": "remaining.bounds"}
_SHARES = frozenset(("capacity.rebuild_share", "cutover.min_share", "remaining.bounds.max_share"))


class NotLikeIt(ValueError):
    """Says which parameter, what it is, and what it must be."""


def check(given: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    """Raises NotLikeIt where a value of `given` is not like the one of `declared`, its default."""
    for name, value in given.items():
        _check(name, name, value, declared[name], declared)


def _check(path: str, like: str, value: Any, default: Any, declared: Mapping[str, Any]) -> None:
    """`like` is the path under which it is declared, `path` the one that it is given under."""
    if default is None:
        return
    if isinstance(default, Mapping):
        _table(path, like, value, default, declared)
    elif isinstance(default, (list, tuple)):
        _list(path, value, default)
    else:
        _plain(path, like, value, default)


def _table(path: str, like: str, value: Any, default: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    if not isinstance(value, Mapping):
        raise NotLikeIt(f"has {value!r} for {path!r}, must be a table")
    example = _BY_NAME.get(like)
    if example is not None:
        for name, inner in value.items():
            _check(f"{path}.{name}", example, inner, _at(declared, example), declared)
        return
    # One that is declared empty takes what it is given.
    for name, inner in value.items() if default else ():
        if name not in default:
            raise NotLikeIt(f"has the unknown {f'{path}.{name}'!r}; known are {_listed(default)}")
        _check(f"{path}.{name}", f"{like}.{name}", inner, default[name], declared)


def _list(path: str, value: Any, default: Iterable[Any]) -> None:
    if not isinstance(value, (list, tuple)):
        raise NotLikeIt(f"has {value!r} for {path!r}, must be a list")
    kinds = {type(one) for one in default}
    other = next((one for one in value if kinds and type(one) not in kinds), None)
    if other is not None:
        raise NotLikeIt(f"has {other!r} in {path!r}, must be a list of {_word(next(iter(default)))[0]}s")


def _plain(path: str, like: str, value: Any, default: Any) -> None:
    word, fits = _word(default)
    if not fits(value):
        raise NotLikeIt(f"has {value!r} for {path!r}, must be a {word}")
    if like in _SHARES and not 0 <= value <= 1:
        raise NotLikeIt(f"has {value!r} for {path!r}, must be a share, from 0 to 1")
    if word == "number" and value < 0 <= default:
        raise NotLikeIt(f"has {value!r} for {path!r}, must not be below 0")


def _word(default: Any) -> tuple[str, Callable[[Any], bool]]:
    if isinstance(default, bool):
        return "truth value, true or false", lambda value: isinstance(value, bool)
    if isinstance(default, (int, float)):
        return "number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    return "text", lambda value: isinstance(value, str)


def _at(declared: Mapping[str, Any], path: str) -> Any:
    found: Any = declared
    for name in path.split("."):
        found = found[name]
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
