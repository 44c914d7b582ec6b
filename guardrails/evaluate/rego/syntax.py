"""The syntax tree of a policy as the embedded engine gives it: rules, imports and references."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

# A step of a reference: its text, or None where it is only known at evaluation.
Path = tuple[str | None, ...]
_QUOTES = (b'"', b"`")
_REFS = ("RefDot", "RefBrack", "Var")


@frozen
class Reference:
    """`path` is absolute where it names a rule of the own package or goes through an import, then named `imported`.

    `arguments` is how many a call gives, None for what is no call.
    """

    path: Path
    span: Mapping[str, Any]
    arguments: int | None
    imported: Path | None = None

    @property
    def is_call(self) -> bool:
        """Whether a function is called, not a value named."""
        return self.arguments is not None


@frozen
class Rule:
    path: Path
    package: Path
    line: int
    file: str
    is_function: bool
    arity: int
    node: Sequence[Any] = field(repr=False)
    locals: frozenset[str] = frozenset()
    bodies: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    span: Mapping[str, Any] = field(factory=dict, repr=False)


class Module:
    """One file. `aliases` gives the path of each import by the name it has here."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        tree = entry["ast"]
        self.file = str(entry["source"]["file"])
        self.source = str(entry["source"]["contents"]).encode()
        self.package: Path = ("data", *_path(tree["package"]["refr"]))
        self.aliases: dict[str, Path] = {}
        for imported in tree["imports"]:
            path = _path(imported["refr"])
            name = self._word(imported["as"]) if imported.get("as") else path[-1]
            if path[0] in ("data", "input") and name:
                self.aliases[name] = path
        self.rules = [self._rule(node) for node in tree["rules"]]

    @property
    def lines(self) -> list[str]:
        """The source, line by line."""
        return self.source.decode().splitlines()

    def text(self, span: Mapping[str, Any]) -> str:
        """What stands there in the source; the quotes of a text at its edges, which a span leaves out, go with it."""
        start, end = span["start"], span["end"]
        if start and self.source[start - 1 : start] in _QUOTES:
            start -= 1
        if self.source[end : end + 1] in _QUOTES:
            end += 1
        return self.source[start:end].decode()

    def _word(self, span: Mapping[str, Any]) -> str:
        return self.source[span["start"] : span["end"]].decode()

    def _rule(self, node: Mapping[str, Any]) -> Rule:
        body = node.get("Spec") or node["Default"]
        head = next(iter(body["head"].values())) if "head" in body else body
        arguments = frozenset(str(step) for argument in head.get("args") or [] for step in _path(argument)[:1])
        named = tuple(step for step in leading(_path(head["refr"])))
        # The head's own name is no reference to itself.
        inside = [value for key, value in head.items() if key not in ("refr", "args")]
        rest = [value for key, value in body.items() if key not in ("head", "refr")]
        path = (*self.package, *named)
        return Rule(
            path,
            self.package,
            body["span"]["line"],
            self.file,
            "args" in head,
            len(head.get("args") or ()),
            [inside, rest],
            arguments,
            body.get("bodies") or (),
            body["span"],
        )

    def references(self, rule: Rule, known: Collection[Path]) -> Iterator[Reference]:
        """Every reference in a rule, made absolute where it names a rule of this package or an import.

        `known` are the paths on which rules lie.
        """
        for path, span, arguments in _references(rule.node):
            first = path[0]
            if first in rule.locals or first is None:
                continue
            if first in self.aliases:
                imported = self.aliases[first]
                yield Reference((*imported, *path[1:]), span, arguments, imported)
            elif (*self.package, first) in known:
                yield Reference((*self.package, *path), span, arguments)
            else:
                yield Reference(path, span, arguments)


def _references(node: Any) -> Iterator[tuple[Path, Mapping[str, Any], int | None]]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for kind, value in node.items():
            if kind == "Call" and isinstance(value, dict):
                yield _path(value["fcn"]), value["span"], len(value["params"])
                yield from _references(value["params"])
            elif kind in _REFS and isinstance(value, dict):
                yield _path(node), value["span"], None
                yield from _indices(node)
            else:
                yield from _references(value)


def _indices(node: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], int | None]]:
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


def leading(path: Path) -> Iterator[str]:
    """The steps of a path that are known, up to the first that is not."""
    for step in path:
        if step is None:
            return
        yield step
