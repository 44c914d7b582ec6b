"""Compare what a call sets with what is there: JMESPath with some functions of our own.

    same(new, old)      equal as AWS sees it; false where either is missing
    kept(new, old)      the members of the structure `new` are the same in `old`; what it leaves out stays as it is
    holds(new, old)     every item of the list `old`, which is not empty, is in `new`: nothing is taken away
    added(new, old)     the items of the list `new` that `old` does not have
    alike(new, old)     both lists have the same items, in any order
    split(text)         a list from a string with commas; an empty string is an error
    grows(new, old)     each number of the structure `new` is at least that in `old` (-1: no limit), the rest the same
    all_grow(new, old, key)  the same of each item of the list `new` and the item of `old` with that key
    no_smaller(new, old)  a class of machines of the same family, at least as large
    lower(name)         in lower case
    number(value)       a number from a string of digits, as CloudFormation writes it, or from a number
    on(value)           whether it is true, or the string "true"
    tail(name)          what follows the last slash of a name or an ARN
    json(text)          a JSON document, with lists of one item like the item alone, as in IAM policies
    repeats(patch, now) a JSON patch (RFC 6902) that only sets what a JSON document has already
    actions(list)       actions of a load balancer's listener in the form that names every target group's weight
    keeps(new, old)     every permission of the IAM policy document `old` is in `new`, which denies nothing more
    conditions(list)    conditions of a listener's rule in the form that names the kind of condition
    version_of(name, qualifier)  the name and the version of a function, however a call names them; null without one
    deletes_no_sooner(new, old)  lifecycle rules of a bucket delete no object sooner than those in `old`
    archives_no_sooner(new, old)  the same of moving objects to where they must be restored first

An error in an expression, such as a list that is missing, means that nothing is known: the value changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

import jmespath
from jmespath.functions import Functions, signature

from guardrails.resolve.changes.classes import no_smaller
from guardrails.resolve.changes.function_versions import version_of
from guardrails.resolve.changes.lifecycles import archives_no_sooner, deletes_no_sooner
from guardrails.resolve.changes.listener_forms import action, condition
from guardrails.resolve.changes.permissions import keeps, plain

# What AWS answers for members that were left out when the value was set (API references of each service).
_FILLED_IN = (
    ("Version", "$Default"),
    ("OnDemandAllocationStrategy", "prioritized"),
    ("SpotAllocationStrategy", "lowest-price"),
    ("OnDemandBaseCapacity", 0),
    ("OnDemandPercentageAboveBaseCapacity", 100),
    ("SpotInstancePools", 2),
    ("Host", "#{host}"),
    ("Path", "/#{path}"),
    ("Port", "#{port}"),
    ("Protocol", "#{protocol}"),
    ("Query", "#{query}"),
)
# Either name is enough, and AWS answers with both.
_EITHER = {"LaunchTemplateId": "LaunchTemplateName", "LaunchTemplateName": "LaunchTemplateId"}


def same(new: Any, old: Any) -> bool:
    """Whether setting `new` where `old` is changes nothing. What `new` leaves out must be empty or filled in by AWS."""
    if new is None or old is None:
        return False
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        given = {key for key in new if new[key] is not None} & {key for key in old if old[key] is not None}
        return all(
            same(new[key], old[key]) if key in given else _left_out(key, new.get(key) or old.get(key), new)
            for key in {*new, *old}
        )
    if isinstance(new, list) and isinstance(old, list):
        return len(new) == len(old) and all(map(same, new, old))
    if isinstance(new, bool) or isinstance(old, bool):
        return new is old
    if isinstance(new, (int, float)) != isinstance(old, (int, float)):
        return str(new) == str(old)
    return bool(new == old)


def _left_out(key: str, value: Any, new: Mapping[str, Any]) -> bool:
    """A member that only one of two structures has."""
    if value is None or value is False or value in ("", [], {}):
        return True
    return _EITHER.get(key) in new or (key, value) in _FILLED_IN


def _added(new: Iterable[Any], old: Iterable[Any]) -> list[Any]:
    old = [*old]
    return [item for item in new if not any(same(item, other) for other in old)]


def _grows(new: Any, old: Any) -> bool:
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        return all(value is None or _grows(value, old.get(key)) for key, value in new.items())
    try:
        if float(new) < 0 or float(old) < 0:
            return float(new) < 0
        return float(new) >= float(old)
    except (TypeError, ValueError):
        return same(new, old)


def _at(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer. Raises LookupError, ValueError or TypeError where there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


_Function = TypeVar("_Function", bound=Callable[..., Any])


def _takes(*types: str) -> Callable[[_Function], _Function]:
    """The types of a function's arguments; "" is any type."""
    decorate = signature(*({"types": [kind] if kind else []} for kind in types))
    return cast("Callable[[_Function], _Function]", decorate)


class _Comparing(Functions):  # type: ignore[misc]  # jmespath has no types
    """JMESPath calls ``_func_NAME`` for a function."""

    @_takes("", "")
    def _func_same(self, new: Any, old: Any) -> bool:
        return same(new, old)

    @_takes("object", "object")
    def _func_kept(self, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
        return all(value is None or same(value, old.get(key)) for key, value in new.items())

    @_takes("array", "array")
    def _func_holds(self, new: list[Any], old: list[Any]) -> bool:
        return bool(old) and not _added(old, new)

    @_takes("array", "array")
    def _func_added(self, new: list[Any], old: list[Any]) -> list[Any]:
        return _added(new, old)

    @_takes("array", "array")
    def _func_alike(self, new: list[Any], old: list[Any]) -> bool:
        return not _added(new, old) and not _added(old, new)

    @_takes("object", "object")
    def _func_grows(self, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
        return _grows(new, old)

    @_takes("array", "array", "string")
    def _func_all_grow(self, new: list[Any], old: list[Any], key: str) -> bool:
        present = {item[key]: item for item in old}
        return all(_grows(item, present[item[key]]) for item in new)

    @_takes("string", "string")
    def _func_no_smaller(self, new: str, old: str) -> bool:
        return no_smaller(new, old)

    @_takes("string")
    def _func_split(self, text: str) -> list[str] | None:
        return [part.strip() for part in text.split(",") if part.strip()] or None

    @_takes("")
    def _func_number(self, value: Any) -> float | None:
        return None if value is None or isinstance(value, bool) else float(value)

    @_takes("")
    def _func_on(self, value: Any) -> bool:
        return value is True or value == "true"

    @_takes("string")
    def _func_lower(self, name: str) -> str:
        return name.lower()

    @_takes("string")
    def _func_tail(self, name: str) -> str:
        return name.rpartition("/")[2]

    @_takes("string")
    def _func_json(self, text: str) -> Any:
        return plain(json.loads(text))

    @_takes("", "")
    def _func_keeps(self, new: Any, old: Any) -> bool:
        return keeps(new, old)

    @_takes("string", "string")
    def _func_repeats(self, patch: str, now: str) -> bool:
        document = json.loads(now)
        return all(
            step["op"] in ("test", "replace") and same(step["value"], _at(document, step["path"]))
            for step in json.loads(patch)
        )

    @_takes("string", "")
    def _func_version_of(self, name: str, qualifier: str | None) -> list[str] | None:
        return version_of(name, qualifier)

    @_takes("array", "array")
    def _func_deletes_no_sooner(self, new: list[Any], old: list[Any]) -> bool:
        return deletes_no_sooner(new, old)

    @_takes("array", "array")
    def _func_archives_no_sooner(self, new: list[Any], old: list[Any]) -> bool:
        return archives_no_sooner(new, old)

    @_takes("array")
    def _func_actions(self, items: list[Any]) -> list[Any]:
        ordered = sorted(items, key=lambda item: item.get("Order") or 0)
        return [action(item) for item in ordered]

    @_takes("array")
    def _func_conditions(self, items: list[Any]) -> list[Any]:
        return [condition(item) for item in items]


_OPTIONS = jmespath.Options(custom_functions=_Comparing())


@cache
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def search(expression: str, values: Any) -> Any:
    """What an expression finds. Raises jmespath's errors, and those of comparing values of another type."""
    return _compiled(expression).search(values, options=_OPTIONS)


def true(expression: str, values: Mapping[str, Any]) -> bool:
    """Whether an expression is true; false where it cannot be worked out."""
    try:
        return search(expression, values) is True
    except Exception:
        # Whatever is missing, or of another type than expected: what is not known to be the same has changed.
        return False
