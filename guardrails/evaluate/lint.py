"""What the embedded engine lets pass when it loads policies and would meet, or miss, only at a decision.

Unknown functions, references to `data` that nothing defines (they would be undefined, so a rule would silently never
fire), forbidden functions, recursion (recursive functions overflow the stack and kill the process), and three things
that regorus 0.13 evaluates wrongly, all measured: a package picked by a variable, a package of several files used
through an import (rules lose definitions, depending on the order of the files), a function defined in several files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from guardrails.errors import PolicyError
from guardrails.evaluate.builtins import AVAILABLE, FORBIDDEN

# A step of a reference: its text, or None where it is only known at evaluation.
Path = tuple[str | None, ...]
_REFS = ("RefDot", "RefBrack", "Var")


@frozen
class _Reference:
    """`path` is absolute where it names a rule of the own package or goes through an import, then named `imported`."""

    path: Path
    span: Mapping[str, Any]
    is_call: bool
    imported: Path | None = None


@frozen
class _Rule:
    path: Path
    package: Path
    line: int
    file: str
    is_function: bool
    node: Sequence[Any] = field(repr=False)
    locals: frozenset[str] = frozenset()


def check(ast: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> None:
    """Raise PolicyError at the first mistake, as ``file:line:column: what, and how to mend it``."""
    modules = [_Module(entry) for entry in ast]
    rules = [rule for module in modules for rule in module.rules]
    defined = {rule.path for rule in rules}
    files = _files(rules)
    edges: dict[Path, set[Path]] = {path: set() for path in defined}
    for module in modules:
        for rule in module.rules:
            for found in module.references(rule, defined):
                reached = _reached(found.path, defined)
                if found.is_call:
                    _check_call(found, defined, module.file)
                elif found.path[0] == "data":
                    _check_reference(found, reached, defined, data, module.file)
                for path in reached if found.imported is not None and found.imported not in defined else ():
                    _check_import(found, files[path], module.file)
                edges[rule.path] |= reached
    _check_functions(rules)
    _check_recursion(edges, rules)


class _Module:
    def __init__(self, entry: Mapping[str, Any]) -> None:
        tree = entry["ast"]
        self.file = str(entry["source"]["file"])
        self._source = str(entry["source"]["contents"]).encode()
        self.package: Path = ("data", *_path(tree["package"]["refr"]))
        self.aliases: dict[str, Path] = {}
        for imported in tree["imports"]:
            path = _path(imported["refr"])
            name = self._text(imported["as"]) if imported.get("as") else path[-1]
            if path[0] in ("data", "input") and name:
                self.aliases[name] = path
        self.rules = [self._rule(node) for node in tree["rules"]]

    def _text(self, span: Mapping[str, Any]) -> str:
        return self._source[span["start"] : span["end"]].decode()

    def _rule(self, node: Mapping[str, Any]) -> _Rule:
        body = node.get("Spec") or node["Default"]
        head = next(iter(body["head"].values())) if "head" in body else body
        arguments = frozenset(str(step) for argument in head.get("args") or [] for step in _path(argument)[:1])
        named = tuple(step for step in _leading(_path(head["refr"])))
        # The head's own name is no reference to itself.
        inside = [value for key, value in head.items() if key not in ("refr", "args")]
        rest = [value for key, value in body.items() if key not in ("head", "refr")]
        path = (*self.package, *named)
        return _Rule(path, self.package, body["span"]["line"], self.file, "args" in head, [inside, rest], arguments)

    def references(self, rule: _Rule, defined: set[Path]) -> Iterator[_Reference]:
        """Every reference in a rule, made absolute where it names a rule of this package or an import."""
        for path, span, is_call in _references(rule.node):
            first = path[0]
            if first in rule.locals or first is None:
                continue
            if first in self.aliases:
                imported = self.aliases[first]
                yield _Reference((*imported, *path[1:]), span, is_call, imported)
            elif any(other[: len(self.package) + 1] == (*self.package, first) for other in defined):
                yield _Reference((*self.package, *path), span, is_call)
            else:
                yield _Reference(path, span, is_call)


def _references(node: Any) -> Iterator[tuple[Path, Mapping[str, Any], bool]]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for kind, value in node.items():
            if kind == "Call" and isinstance(value, dict):
                yield _path(value["fcn"]), value["span"], True
                yield from _references(value["params"])
            elif kind in _REFS and isinstance(value, dict):
                yield _path(node), value["span"], False
                yield from _indices(node)
            else:
                yield from _references(value)


def _indices(node: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], bool]]:
    """References inside the brackets of a reference, and below a reference that starts with an expression."""
    if "RefBrack" in node:
        yield from _references(node["RefBrack"]["index"])
    for kind in ("RefDot", "RefBrack"):
        if kind in node:
            inner = node[kind]["refr"]
            yield from _indices(inner) if any(ref in inner for ref in _REFS) else _references(inner)


def _path(node: Mapping[str, Any]) -> Path:
    if "Var" in node:
        return (str(node["Var"]["value"]),)
    if "RefDot" in node:
        return (*_path(node["RefDot"]["refr"]), str(node["RefDot"]["field"][1]))
    if "RefBrack" in node:
        index = node["RefBrack"]["index"]
        return (*_path(node["RefBrack"]["refr"]), str(index["String"]["value"]) if "String" in index else None)
    return (None,)


def _leading(path: Path) -> Iterator[str]:
    for step in path:
        if step is None:
            return
        yield step


def _at(file: str, span: Mapping[str, Any]) -> str:
    return f"{file}:{span['line']}:{span['col']}"


def _check_call(found: _Reference, defined: set[Path], file: str) -> None:
    name = _name(found.path)
    if name in FORBIDDEN:
        raise PolicyError(f"{_at(file, found.span)}: {name} is not allowed, a decision must depend on its input alone")
    if name not in AVAILABLE and found.path not in defined:
        raise PolicyError(f"{_at(file, found.span)}: unknown function {name}; define it or mend its name")


def _check_reference(
    found: _Reference, reached: set[Path], defined: set[Path], data: Mapping[str, Any], file: str
) -> None:
    path, span, name = found.path, found.span, _name(found.path)
    known = tuple(_leading(path))
    if len(known) < len(path) and any(len(rule) > len(known) + 1 and rule[: len(known)] == known for rule in defined):
        raise PolicyError(
            f"{_at(file, span)}: {name} picks a package by a variable; name each package, as areas.rego does"
        )
    if reached or _in_data(path[1:], data):
        return
    raise PolicyError(f"{_at(file, span)}: nothing defines {name}; mend the name, or give it a value in a data.json")


def _name(path: Path) -> str:
    return ".".join("_" if step is None else step for step in path)


def _files(rules: Sequence[_Rule]) -> Mapping[Path, Sequence[str]]:
    """The files of the package of each rule."""
    files: dict[Path, set[str]] = {}
    for rule in rules:
        files.setdefault(rule.package, set()).add(rule.file)
    return {rule.path: sorted(files[rule.package]) for rule in rules}


def _check_import(found: _Reference, files: Sequence[str], file: str) -> None:
    if len(files) > 1:
        raise PolicyError(
            f"{_at(file, found.span)}: {_name(found.path)} is used through an import, and its package is spread over "
            f"{' and '.join(files)}; write the reference in full, or put that package into one file"
        )


def _check_functions(rules: Sequence[_Rule]) -> None:
    first: dict[Path, _Rule] = {}
    for rule in rules:
        other = first.setdefault(rule.path, rule)
        if rule.is_function and other.file != rule.file:
            raise PolicyError(
                f"{rule.file}:{rule.line}: the function {rule.path[-1]} is defined in {other.file}, too; "
                "put its definitions into one file"
            )


def _reached(path: Path, defined: set[Path]) -> set[Path]:
    """The rules a reference may read: one it goes into, or all below it; a dynamic step matches any name."""
    return {
        rule for rule in defined if all(step is None or step == name for step, name in zip(path, rule, strict=False))
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


def _check_recursion(edges: Mapping[Path, set[Path]], rules: Sequence[_Rule]) -> None:
    done: set[Path] = set()

    def visit(path: Path, trail: tuple[Path, ...]) -> None:
        if path in trail:
            circle = " -> ".join(str(step[-1]) for step in (*trail[trail.index(path) :], path))
            rule = next(rule for rule in rules if rule.path == path)
            raise PolicyError(f"{rule.file}:{rule.line}: recursion is not allowed in Rego: {circle}")
        if path not in done:
            for following in sorted(edges[path], key=str):
                visit(following, (*trail, path))
            done.add(path)

    for path in sorted(edges, key=str):
        visit(path, ())
