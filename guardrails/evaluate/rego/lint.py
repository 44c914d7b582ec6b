"""Mistakes that the embedded engine does not report when it loads policies.

It would fail on them at a decision, or never fire: unknown functions, references to `data` that nothing defines (an
undefined value silences its rule), forbidden functions, recursion (recursive functions overflow the stack and kill the
process), and what regorus 0.13 evaluates wrongly: a package picked by a variable, a function defined in several files,
the result of `walk` unpacked by an assignment, object patterns, and later versions of Rego.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from guardrails.errors import PolicyError
from guardrails.evaluate.rego.builtins import AVAILABLE, FORBIDDEN, INSTEAD
from guardrails.evaluate.rego.references import Misreading, Path, Reference, leading
from guardrails.evaluate.rego.syntax import Module, Rule

_MISREAD: Mapping[Misreading, str] = {
    "walk": "the embedded engine cannot unpack the result of walk like this; write walk(x, [path, value])",
    "pattern": "an object after `some` matches more on the embedded engine than on OPA; name the object, and test its "
    "members on separate lines",
}


def check(modules: Sequence[Module], data: Mapping[str, Any]) -> None:
    """Raise PolicyError at the first mistake, as ``file:line:column: what, and how to fix it``."""
    for mistake in mistakes(modules, data):
        raise mistake


def mistakes(modules: Sequence[Module], data: Mapping[str, Any]) -> Iterator[PolicyError]:
    """Every mistake, in the order of the files; the messages are those of `check`."""
    rules = [rule for module in modules for rule in module.rules]
    defined = {rule.path for rule in rules}
    within = below(defined)
    arities = {rule.path: rule.arity for rule in rules}
    edges: dict[Path, set[Path]] = {path: set() for path in defined}
    # The same names come up again and again.
    read: Callable[[Path], set[Path]] = cache(lambda path: reached(path, defined, within))
    for module in modules:
        yield from _dialects(module)
        for rule in module.rules:
            for reference in module.references(rule, within):
                into = read(reference.path)
                if reference.is_call:
                    yield from _calls(reference, arities, module.file)
                elif reference.path[0] == "data":
                    yield from _undefined(reference, into, defined, data, module.file)
                if reference.path == reference.imported and reference.imported not in defined:
                    yield _bare_import(reference, module.file)
                edges[rule.path] |= into
            yield from _misread(rule, module.file)
    yield from _scattered_functions(rules)
    yield from _recursion(edges, rules)


def _at(file: str, span: Mapping[str, Any]) -> str:
    return f"{file}:{span['line']}:{span['col']}"


def _dialects(module: Module) -> Iterator[PolicyError]:
    """The embedded engine reads every file as Rego v1, whatever it imports."""
    for path, span in module.dialects:
        if path != ("rego", "v1"):
            yield PolicyError(
                f"{_at(module.file, span)}: {_name(path)} is not known to the embedded engine; write the rules in Rego "
                "v1, and leave the import out"
            )


def _calls(reference: Reference, arities: Mapping[Path, int], file: str) -> Iterator[PolicyError]:
    name, at = _name(reference.path), _at(file, reference.span)
    if name in FORBIDDEN:
        instead = f"; use {INSTEAD[name]}" if name in INSTEAD else ""
        yield PolicyError(f"{at}: {name} is not allowed; a decision must depend on its input alone{instead}")
    elif reference.path in arities:
        takes = arities[reference.path]
        # One more takes the result, as in `f(x, y)` for `y := f(x)`.
        if reference.arguments not in (takes, takes + 1):
            noun = "argument" if takes == 1 else "arguments"
            yield PolicyError(f"{at}: {name} takes {takes} {noun}, not {reference.arguments}")
    elif name not in AVAILABLE:
        yield PolicyError(f"{at}: unknown function {name}; define it or correct its name")


def _undefined(
    reference: Reference, into: set[Path], defined: set[Path], data: Mapping[str, Any], file: str
) -> Iterator[PolicyError]:
    path, name, at = reference.path, _name(reference.path), _at(file, reference.span)
    known = tuple(leading(path))
    if len(known) < len(path) and any(len(rule) > len(known) + 1 and rule[: len(known)] == known for rule in defined):
        yield PolicyError(f"{at}: {name} picks a package by a variable; name each package, as areas.rego does")
    elif not into and not _in_data(path[1:], data):
        yield PolicyError(f"{at}: nothing defines {name}; correct the name, or give it a value in a data.json")


def _misread(rule: Rule, file: str) -> Iterator[PolicyError]:
    """Expressions that the embedded engine evaluates differently from OPA."""
    for expression in rule.misread:
        yield PolicyError(f"{_at(file, expression.span)}: {_MISREAD[expression.kind]}")


def _name(path: Path) -> str:
    return ".".join("_" if step is None else step for step in path)


def _bare_import(reference: Reference, file: str) -> PolicyError:
    name = reference.path[-1]
    return PolicyError(
        f"{_at(file, reference.span)}: {name} is the package {_name(reference.path)} here; "
        "name something in it, or rename the variable"
    )


def _scattered_functions(rules: Sequence[Rule]) -> Iterator[PolicyError]:
    first: dict[Path, Rule] = {}
    for rule in rules:
        other = first.setdefault(rule.path, rule)
        if rule.is_function and other.file != rule.file:
            yield PolicyError(
                f"{rule.file}:{rule.line}: the function {rule.path[-1]} is also defined in {other.file}; "
                "put all its definitions into one file"
            )


def below(defined: set[Path]) -> dict[Path, set[Path]]:
    """For each path the rules at or below it."""
    rules: dict[Path, set[Path]] = {}
    for rule in defined:
        for length in range(len(rule) + 1):
            rules.setdefault(rule[:length], set()).add(rule)
    return rules


def reached(path: Path, defined: set[Path], within: Mapping[Path, set[Path]]) -> set[Path]:
    """The rules a reference may read: the one it goes into, or all below it; an unknown step matches any name.

    `within` comes from `below`.
    """
    known = tuple(leading(path))
    into = {path[:length] for length in range(1, len(known))} & defined
    under = within.get(known, set())
    if len(known) == len(path):
        return into | under
    return into | {
        rule for rule in under if all(step is None or step == name for step, name in zip(path, rule, strict=False))
    }


def _in_data(path: Path, data: Any) -> bool:
    for step in path:
        if not isinstance(data, Mapping):
            return True  # inside a list or string, which only an evaluation can tell
        if step is None:
            return True
        if step not in data:
            return False
        data = data[step]
    return True


def _recursion(edges: Mapping[Path, set[Path]], rules: Sequence[Rule]) -> Iterator[PolicyError]:
    done: set[Path] = set()

    def visit(path: Path, trail: tuple[Path, ...]) -> Iterator[PolicyError]:
        if path in trail:
            circle = " -> ".join(str(step[-1]) for step in (*trail[trail.index(path) :], path))
            rule = next(rule for rule in rules if rule.path == path)
            yield PolicyError(f"{rule.file}:{rule.line}: recursion is not allowed in Rego: {circle}")
        elif path not in done:
            for following in sorted(edges[path], key=str):
                yield from visit(following, (*trail, path))
            done.add(path)

    for path in sorted(edges, key=str):
        yield from visit(path, ())
