"""What the embedded engine lets pass when it loads policies and would meet, or miss, only at a decision.

Unknown functions, references to `data` that nothing defines (they would be undefined, so a rule would silently never
fire), forbidden functions, recursion (recursive functions overflow the stack and kill the process), and what regorus
0.13 evaluates wrongly: a package picked by a variable, a function defined in several files, `walk` that is taken apart
by an assignment, and objects as patterns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.errors import PolicyError
from guardrails.evaluate.rego.builtins import AVAILABLE, FORBIDDEN
from guardrails.evaluate.rego.syntax import Module, Path, Reference, Rule, leading


def check(ast: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> None:
    """Raise PolicyError at the first mistake, as ``file:line:column: what, and how to mend it``."""
    for mistake in mistakes(ast, data):
        raise mistake


def mistakes(ast: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> Iterator[PolicyError]:
    """Every mistake, in the order of the files; the sentences are those of `check`."""
    modules = list(map(Module, ast))
    rules = [rule for module in modules for rule in module.rules]
    defined = {rule.path for rule in rules}
    lying = below(defined)
    functions = {rule.path: rule.arity for rule in rules}
    edges: dict[Path, set[Path]] = {path: set() for path in defined}
    for module in modules:
        for rule in module.rules:
            for found in module.references(rule, lying):
                into = reached(found.path, defined, lying)
                if found.is_call:
                    yield from _calls(found, functions, module.file)
                elif found.path[0] == "data":
                    yield from _unknown(found, into, defined, data, module.file)
                if found.path == found.imported and found.imported not in defined:
                    yield _bare_import(found, module.file)
                edges[rule.path] |= into
            yield from _otherwise(rule.node, module.file)
    yield from _functions(rules)
    yield from _recursion(edges, rules)


def _at(file: str, span: Mapping[str, Any]) -> str:
    return f"{file}:{span['line']}:{span['col']}"


def _calls(found: Reference, functions: Mapping[Path, int], file: str) -> Iterator[PolicyError]:
    name = _name(found.path)
    if name in FORBIDDEN:
        yield PolicyError(f"{_at(file, found.span)}: {name} is not allowed, a decision must depend on its input alone")
    elif found.path in functions:
        takes = functions[found.path]
        # One more takes the result, as in `f(x, y)` for `y := f(x)`.
        if found.arguments not in (takes, takes + 1):
            yield PolicyError(f"{_at(file, found.span)}: {name} takes {takes} arguments, not {found.arguments}")
    elif name not in AVAILABLE:
        yield PolicyError(f"{_at(file, found.span)}: unknown function {name}; define it or mend its name")


def _unknown(
    found: Reference, into: set[Path], defined: set[Path], data: Mapping[str, Any], file: str
) -> Iterator[PolicyError]:
    path, span, name = found.path, found.span, _name(found.path)
    known = tuple(leading(path))
    if len(known) < len(path) and any(len(rule) > len(known) + 1 and rule[: len(known)] == known for rule in defined):
        yield PolicyError(
            f"{_at(file, span)}: {name} picks a package by a variable; name each package, as areas.rego does"
        )
    elif not into and not _in_data(path[1:], data):
        yield PolicyError(
            f"{_at(file, span)}: nothing defines {name}; mend the name, or give it a value in a data.json"
        )


def _otherwise(node: Any, file: str) -> Iterator[PolicyError]:
    """What the embedded engine takes for something else than OPA does."""
    if isinstance(node, list):
        for item in node:
            yield from _otherwise(item, file)
    elif isinstance(node, dict):
        assigned, chosen = node.get("AssignExpr"), node.get("SomeIn")
        if assigned and "Var" not in assigned["lhs"] and _is_walk(assigned["rhs"]):
            yield PolicyError(
                f"{_at(file, assigned['span'])}: what walk gives is not taken apart like this by the embedded engine; "
                "write walk(x, [path, value])"
            )
        if chosen and any(_has_object(chosen.get(part)) for part in ("key", "value")):
            yield PolicyError(
                f"{_at(file, chosen['span'])}: an object after `some` fits more on the embedded engine than on OPA; "
                "give it a name, and ask for its members in lines of their own"
            )
        for value in node.values():
            yield from _otherwise(value, file)


def _is_walk(node: Mapping[str, Any]) -> bool:
    return "Call" in node and node["Call"]["fcn"].get("Var", {}).get("value") == "walk"


def _has_object(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_has_object, node))
    return isinstance(node, dict) and ("Object" in node or any(map(_has_object, node.values())))


def _name(path: Path) -> str:
    return ".".join("_" if step is None else step for step in path)


def _bare_import(found: Reference, file: str) -> PolicyError:
    name = found.path[-1]
    return PolicyError(
        f"{_at(file, found.span)}: {name} is the package {_name(found.path)} here; "
        "name something in it, or give the variable another name"
    )


def _functions(rules: Sequence[Rule]) -> Iterator[PolicyError]:
    first: dict[Path, Rule] = {}
    for rule in rules:
        other = first.setdefault(rule.path, rule)
        if rule.is_function and other.file != rule.file:
            yield PolicyError(
                f"{rule.file}:{rule.line}: the function {rule.path[-1]} is defined in {other.file}, too; "
                "put its definitions into one file"
            )


def below(defined: set[Path]) -> dict[Path, set[Path]]:
    """The rules by each of the paths that they lie on or below."""
    found: dict[Path, set[Path]] = {}
    for rule in defined:
        for length in range(len(rule) + 1):
            found.setdefault(rule[:length], set()).add(rule)
    return found


def reached(path: Path, defined: set[Path], lying: Mapping[Path, set[Path]]) -> set[Path]:
    """The rules a reference may read: one it goes into, or all below it; a dynamic step matches any name."""
    known = tuple(leading(path))
    into = {path[:length] for length in range(1, len(known))} & defined
    under = lying.get(known, set())
    if len(known) == len(path):
        return into | under
    return into | {
        rule for rule in under if all(step is None or step == name for step, name in zip(path, rule, strict=False))
    }


def _in_data(path: Path, data: Any) -> bool:
    for step in path:
        if not isinstance(data, Mapping):
            return True  # below a value: a list or text that only evaluation knows
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
