"""The syntax tree of a policy as the embedded engine gives it: rules, imports and references."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import evolve, field, frozen

# A step of a reference: its name, or None where only an evaluation can tell.
Path = tuple[str | None, ...]
_QUOTES = (b'"', b"`")
_REFS = ("RefDot", "RefBrack", "Var")
# How a rule begins: `name contains …`, `name := …` or `name if …`, `name(…) := …`, `default name := …`.
Form = Literal["set", "value", "function", "default"]
_FORMS: Mapping[str, Form] = {"Set": "set", "Func": "function"}
# What the embedded engine reads differently from OPA: see `Misread`.
Misreading = Literal["walk", "pattern"]


@frozen
class Reference:
    """A name used in a rule, as written or, from `Module.references`, with an absolute `path`.

    `arguments` counts the arguments of a call; None where nothing is called. `first` is the span of the variable it
    starts with, None where it starts with an expression. `imported` is the path of the import it goes through.
    """

    path: Path
    span: Mapping[str, Any]
    arguments: int | None
    first: Mapping[str, Any] | None
    imported: Path | None = None

    @property
    def is_call(self) -> bool:
        """True where a function is called, False where a value is named."""
        return self.arguments is not None


@frozen
class Misread:
    """A ``walk`` whose result an assignment unpacks, or an object as a ``pattern`` after ``some``."""

    kind: Misreading
    span: Mapping[str, Any]


class _Contents:
    """What one walk through a syntax tree finds: `references` as written, and what is `misread`."""

    def __init__(self, tree: Any = None) -> None:
        self.references: list[Reference] = []
        self.misread: list[Misread] = []
        self._walk(tree)

    def _walk(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self._walk(item)
        elif isinstance(node, dict):
            for kind, value in node.items():
                if kind != "span" and isinstance(value, (dict, list)):
                    self._at(node, kind, value)

    def _at(self, node: Mapping[str, Any], kind: str, value: Any) -> None:
        if kind == "Call":
            called = value["fcn"]
            self.references.append(Reference(_path(called), value["span"], len(value["params"]), _first(called)))
            self._walk(value["params"])
        elif kind in _REFS:
            self.references.append(Reference(_path(node), value["span"], None, _first(node)))
            self._brackets(node)
        else:
            if kind == "AssignExpr" and "Var" not in value["lhs"] and _is_walk(value["rhs"]):
                self.misread.append(Misread("walk", value["span"]))
            elif kind == "SomeIn" and any(_has_object(value.get(part)) for part in ("key", "value")):
                self.misread.append(Misread("pattern", value["span"]))
            self._walk(value)

    def _brackets(self, node: Mapping[str, Any]) -> None:
        """Inside the brackets of a reference, and below a reference that starts with an expression."""
        if "RefBrack" in node:
            self._walk(node["RefBrack"]["index"])
        for kind in ("RefDot", "RefBrack"):
            if kind in node:
                inner = node[kind]["refr"]
                if any(ref in inner for ref in _REFS):
                    self._brackets(inner)
                else:
                    self._walk(inner)


def _is_walk(node: Mapping[str, Any]) -> bool:
    return "Call" in node and node["Call"]["fcn"].get("Var", {}).get("value") == "walk"


def _has_object(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_has_object, node))
    return isinstance(node, dict) and ("Object" in node or any(map(_has_object, node.values())))


def references_in(node: Any) -> list[Reference]:
    """Every reference in a part of a syntax tree, as written."""
    return _Contents(node).references


@frozen
class Rule:
    """One definition of a rule. `node` is all of its syntax tree but the head's own name and arguments.

    `member` is what a set gets from it, None for other forms. A module read without trees has neither, nor `bodies`.
    """

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
    form: Form = "value"
    member: Mapping[str, Any] | None = field(default=None, repr=False)
    _contents: _Contents = field(factory=_Contents, repr=False, eq=False)

    @property
    def references(self) -> Sequence[Reference]:
        """Every reference, as written."""
        return self._contents.references

    @property
    def misread(self) -> Sequence[Misread]:
        """What the embedded engine reads differently from OPA."""
        return self._contents.misread

    def part(self, node: Any) -> Rule:
        """The rule as if this part of its syntax tree were all of it."""
        return evolve(self, node=[node], contents=_Contents(node))


class Module:
    """One file. `aliases` maps the name of each import to its path.

    Without `trees` it takes a tenth of the memory: the rules' syntax trees are not kept.
    """

    def __init__(self, entry: Mapping[str, Any], *, trees: bool = True) -> None:
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
        self.rules = [self._rule(node, trees=trees) for node in tree["rules"]]

    @property
    def lines(self) -> list[str]:
        """The source, line by line."""
        return self.source.decode().splitlines()

    def text(self, span: Mapping[str, Any]) -> str:
        """The source of a span, with the quotes at its edges, which spans of strings leave out."""
        start, end = span["start"], span["end"]
        if start and self.source[start - 1 : start] in _QUOTES:
            start -= 1
        if self.source[end : end + 1] in _QUOTES:
            end += 1
        return self.source[start:end].decode()

    def _word(self, span: Mapping[str, Any]) -> str:
        return self.source[span["start"] : span["end"]].decode()

    def _rule(self, node: Mapping[str, Any], *, trees: bool) -> Rule:
        body = node.get("Spec") or node["Default"]
        kind, head = next(iter(body["head"].items())) if "head" in body else ("", body)
        form = _FORMS.get(kind, "value") if kind else "default"
        arguments = head.get("args") or ()
        # The head's own name is not a reference.
        inside = [value for key, value in head.items() if key not in ("refr", "args")]
        inside.append([value for key, value in body.items() if key not in ("head", "refr")])
        return Rule(
            path=(*self.package, *leading(_path(head["refr"]))),
            package=self.package,
            line=body["span"]["line"],
            file=self.file,
            is_function="args" in head,
            arity=len(arguments),
            node=inside if trees else (),
            locals=frozenset(str(step) for argument in arguments for step in _path(argument)[:1]),
            bodies=(body.get("bodies") or ()) if trees else (),
            span=body["span"],
            form=form,
            member=head["key"] if trees and form == "set" else None,
            contents=_Contents(inside),
        )

    def references(self, rule: Rule, known: Collection[Path]) -> Iterator[Reference]:
        """Every reference in a rule, made absolute where it names a rule of this package or an import.

        `known` are the paths of all rules and of everything above them.
        """
        for written in rule.references:
            name = written.path[0]
            if name in rule.locals or name is None:
                continue
            if name in self.aliases:
                imported = self.aliases[name]
                yield evolve(written, path=(*imported, *written.path[1:]), imported=imported)
            elif (*self.package, name) in known:
                yield evolve(written, path=(*self.package, *written.path))
            else:
                yield written


def _path(node: Mapping[str, Any]) -> Path:
    if "Var" in node:
        return (str(node["Var"]["value"]),)
    if "RefDot" in node:
        return (*_path(node["RefDot"]["refr"]), str(node["RefDot"]["field"][1]))
    if "RefBrack" in node:
        index = node["RefBrack"]["index"]
        return (*_path(node["RefBrack"]["refr"]), str(index["String"]["value"]) if "String" in index else None)
    return (None,)


def _first(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The span of the variable that a reference starts with."""
    while "Var" not in node:
        inner = node.get("RefDot") or node.get("RefBrack")
        if inner is None:
            return None
        node = inner["refr"]
    span: Mapping[str, Any] = node["Var"]["span"]
    return span


def leading(path: Path) -> Iterator[str]:
    """The steps of a path up to the first that only an evaluation can tell."""
    for step in path:
        if step is None:
            return
        yield step
