"""Parameters for any operation of the catalogue: what it must have, what makes each of its forms, and what it names.

They are searched for, not written down: an expression of the catalogue says where a call names things, and the service
model says what can stand there. So an operation that is added tomorrow is tested tomorrow.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from guardrails.classify.entry import CatalogueEntry, Expression, Form, TargetPath
from guardrails.values import MASK

Path = tuple[str | int, ...]
# What a target of this type is called where a member of this name says it.
Names = Callable[[str, str, str], str]
_DEPTH = 6
_TRIES = 3000
_SELECTOR = "tag-selector"


def leaves(shape: Any, path: Path = (), seen: tuple[str, ...] = ()) -> Iterator[tuple[Path, Any]]:
    """Every place in the parameters that can hold something, with its shape; of a list the first item."""
    if shape is None or len(path) > _DEPTH or shape.name in seen:
        return
    if path:
        yield path, shape
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from leaves(member, (*path, name), (*seen, shape.name))
    elif shape.type_name == "list":
        yield from leaves(shape.member, (*path, 0), (*seen, shape.name))
    elif shape.type_name == "map":
        yield from leaves(shape.value, (*path, "key"), (*seen, shape.name))


def put(params: dict[str, Any], path: Path, value: Any) -> None:
    """Set a place, and make the structures and lists on the way."""
    here: Any = params
    for step, after in itertools.pairwise((*path, None)):
        if after is None:
            break
        if isinstance(step, int):
            if not here:
                here.append([] if isinstance(after, int) else {})
            here = here[0]
        else:
            here = here.setdefault(step, [] if isinstance(after, int) else {})
    last = path[-1]
    if isinstance(last, int):
        here[:] = [value]
    else:
        here[last] = value


def complete(value: Any, shape: Any, names: Callable[[str], str | None]) -> Any:
    """With every required member; `names` may say what a string of this name is."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        present = dict(value or {})
        for name in shape.required_members:
            present.setdefault(name, None)
        return {
            name: (names(name) if each is None and shape.members[name].type_name == "string" else None)
            or complete(each, shape.members[name], names)
            for name, each in present.items()
        }
    if shape.type_name == "list":
        return [complete(each, shape.member, names) for each in value or [None]]
    if value is not None:
        return value
    number = max(1, shape.metadata.get("min", 1))
    simple: dict[str, Any] = {"boolean": True, "integer": number, "long": number, "float": 1.0, "double": 1.0,
                              "map": {}, "timestamp": "2023-10-09T15:22:00Z", "blob": MASK}  # fmt: skip
    if shape.type_name in simple:
        return simple[shape.type_name]
    return next(iter(getattr(shape, "enum", None) or ()), "x" * max(1, shape.metadata.get("min", 1)))


def _words(expression: Expression) -> set[str]:
    return set(re.findall(r"[A-Za-z]\w*", expression.text))


def _literals(expression: Expression) -> list[Any]:
    return [*re.findall(r"'([^']*)'", expression.text), "x"]


def _choices(path: Path, shape: Any, expression: Expression) -> list[Any]:
    """What a place may hold, as far as an expression may care."""
    kinds: dict[str, list[Any]] = {"boolean": [False, True], "integer": [0, 1], "long": [0, 1], "float": [0.0]}
    if shape.type_name in kinds:
        return kinds[shape.type_name]
    if shape.type_name in ("structure", "list") and path[-1] != 0:
        return [_something(shape)]
    if shape.type_name == "string":
        literals = [each for each in _literals(expression) if not getattr(shape, "enum", None) or each in shape.enum]
        return [*literals, *(getattr(shape, "enum", None) or ())[:3]]
    return []


def _something(shape: Any) -> Any:
    """A value that JMESPath calls true."""
    value = complete(None, shape, lambda _: None)
    if not value and shape.members:
        name, member = next(iter(shape.members.items()))
        return {name: complete(None, member, lambda _: None)}
    return value


def satisfied(expression: Expression, params: dict[str, Any], shape: Any) -> dict[str, Any] | None:
    """The parameters, with what makes the expression hold; None where the search finds nothing."""
    if expression.holds(complete(params, shape, lambda _: None)):
        return params
    words = _words(expression)
    places = [(path, each) for path, each in leaves(shape) if {*path} - {0, "key"} <= words]
    options = [[(path, choice) for choice in _choices(path, each, expression)] for path, each in places]
    options = [each for each in options if each]
    for size in (1, 2, 3):
        combinations = (
            chosen for group in itertools.combinations(options, size) for chosen in itertools.product(*group)
        )
        for chosen in itertools.islice(combinations, _TRIES):
            tried = copy.deepcopy(params)
            for path, choice in chosen:
                put(tried, path, choice)
            if expression.holds(complete(tried, shape, lambda _: None)):
                return tried
    return None


def with_target(target: TargetPath, params: dict[str, Any], shape: Any, names: Names) -> dict[str, Any] | None:
    """The parameters, with a thing of the target's type where the target's path looks for one."""
    words, best = _words(target.path), None
    strings = [
        (path, each)
        for path, each in leaves(shape)
        if each.type_name == "string" and {*path} - {0, "key", "Key", "Values"} <= words
    ]
    if target.type == _SELECTOR:
        strings = [(path, each) for path, each in leaves(shape) if path[0] in words and path[-1:] != (0,)]
        for path, each in leaves(shape):
            if each.type_name == "list" and path[-1] in words and "Key" in getattr(each.member, "members", ()):
                tried = copy.deepcopy(params)
                put(tried, path, [{"Key": "tag:Cluster", "Values": [names(_SELECTOR, "", target.role)]}])
                return tried
        return None
    for size in (1, 2):
        for group in itertools.combinations(strings, size):
            for fixed in itertools.product(*([None, *_literals(target.path)] for _ in group)):
                tried, marks = copy.deepcopy(params), []
                for (path, _), literal in zip(group, fixed, strict=True):
                    value = literal if literal is not None else names(target.type, str(_last(path)), target.role)
                    marks += [value] if literal is None else []
                    put(tried, path, value)
                found = target.path.search(tried)
                if marks and all(mark in str(found) for mark in marks):
                    best = tried
            if best is not None and size == len(group):
                continue
    return best


def _last(path: Path) -> str | int:
    return next(step for step in reversed(path) if isinstance(step, str))


def variants(entry: CatalogueEntry, shape: Any, names: Names) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(form, parameters): the plain call if it is governed, and each form; None where nothing was found."""
    for form in (None, *entry.forms):
        if form is None and not entry.effects:
            continue
        params = {} if form is None else satisfied(form.when, {}, shape)
        if params is None:
            yield form.meaning if form else "", None
            continue
        left, first = [*entry.targets], True
        while left or first:
            filled, left = _filled(left, params, form, shape, names, needed=not first)
            if filled is None:
                break
            first = False
            yield form.meaning if form else "", filled


def _filled(
    targets: list[TargetPath],
    params: dict[str, Any],
    form: Form | None,
    shape: Any,
    names: Names,
    *,
    needed: bool,
) -> tuple[dict[str, Any] | None, list[TargetPath]]:
    """The parameters with as many of the targets as go together, and the targets that are left."""
    left: list[TargetPath] = []
    done: list[TargetPath] = []
    for target in targets:
        tried = with_target(target, params, shape, names)
        if tried is None or any(not each.path.search(tried) for each in done) or not _holds(form, tried, shape):
            left.append(target)
        else:
            params, done = tried, [*done, target]
    if (needed and not done) or not _holds(form, params, shape):
        return None, []
    whole = complete(params, shape, lambda name: names("", name, "target") or None)
    return whole, left if done else []


def _holds(form: Form | None, params: dict[str, Any], shape: Any) -> bool:
    return form is None or form.when.holds(complete(params, shape, lambda _: None))
