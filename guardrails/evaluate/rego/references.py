"""What a part of a syntax tree refers to, and the variables that it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from guardrails.values import frozen

# A step of a reference: its name, or None where only an evaluation can tell.
Path = tuple[str | None, ...]
_REFS = ("RefDot", "RefBrack", "Var")
# What the embedded engine reads differently from OPA: see `Misread`.
Misreading = Literal["walk", "pattern"]


@frozen
class Reference:
    """A name used in a rule, as written or, from `Module.references`, with an absolute `path`.

    `arguments` counts the arguments of a call; None where nothing is called. `first` is the span of the variable it
    starts with, None where it starts with an expression. `imported` is the path of the import it goes through. `ends`
    says where each step of the path ends, in bytes.
    """

    path: Path
    span: Mapping[str, Any]
    arguments: int | None
    first: Mapping[str, Any] | None
    imported: Path | None = None
    ends: tuple[int, ...] = ()

    @property
    def is_call(self) -> bool:
        """True where a function is called, False where a value is named."""
        return self.arguments is not None


@frozen
class Misread:
    """A ``walk`` whose result an assignment unpacks, or an object as a ``pattern`` after ``some``."""

    kind: Misreading
    span: Mapping[str, Any]


class Contents:
    """What one walk through a syntax tree finds: `references` as written, and what is `misread`.

    `declared` are the spans of the variables that ``:=``, ``some`` and ``every`` declare. `modified` is true where a
    ``with`` changes input or data.
    """

    def __init__(self, tree: Any = None) -> None:
        self.references: list[Reference] = []
        self.misread: list[Misread] = []
        self.declared: list[Mapping[str, Any]] = []
        self.modified = False
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
            number = len(value["params"])
            self.references.append(
                Reference(path_of(called), value["span"], number, _first(called), ends=_ends(called))
            )
            self._walk(value["params"])
        elif kind in _REFS:
            self.references.append(Reference(path_of(node), value["span"], None, _first(node), ends=_ends(node)))
            self._brackets(node)
        else:
            if kind == "AssignExpr" and "Var" not in value["lhs"] and is_walk(value["rhs"]):
                self.misread.append(Misread("walk", value["span"]))
            elif kind == "SomeIn" and any(_has_object(value.get(part)) for part in ("key", "value")):
                self.misread.append(Misread("pattern", value["span"]))
            self._declares(kind, value)
            self._walk(value)

    def _declares(self, kind: str, value: Any) -> None:
        if kind == "AssignExpr":
            self.declared += variables(value["lhs"])
        elif kind == "SomeIn":
            self.declared += variables([value.get("key"), value["value"]])
        elif kind == "SomeVars":
            self.declared += value["vars"]
        elif kind == "Every":
            self.declared += [span for span in (value.get("key"), value["value"]) if span]
        elif kind == "with_mods":
            self.modified = self.modified or bool(value)

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


def is_walk(node: Mapping[str, Any]) -> bool:
    """Whether a node is a call of ``walk``, which loops over what it gives."""
    return "Call" in node and node["Call"]["fcn"].get("Var", {}).get("value") == "walk"


def _has_object(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_has_object, node))
    return isinstance(node, dict) and ("Object" in node or any(map(_has_object, node.values())))


def variables(node: Any) -> Iterator[Mapping[str, Any]]:
    """The spans of all variables in a part of a syntax tree."""
    return spans(node, "Var")


def spans(node: Any, *kinds: str) -> Iterator[Mapping[str, Any]]:
    """The spans of all nodes of these kinds in a part of a syntax tree; it does not look into them."""
    if isinstance(node, list):
        for item in node:
            yield from spans(item, *kinds)
    elif isinstance(node, dict):
        for kind, value in node.items():
            if kind in kinds:
                yield value["span"]
            elif kind != "span":
                yield from spans(value, *kinds)


def called(call: Mapping[str, Any]) -> str:
    """The name of the function that a call is of, with dots."""
    return ".".join(map(str, path_of(call["fcn"])))


def path_of(node: Mapping[str, Any]) -> Path:
    """The path of a reference."""
    if "Var" in node:
        return (str(node["Var"]["value"]),)
    if "RefDot" in node:
        return (*path_of(node["RefDot"]["refr"]), str(node["RefDot"]["field"][1]))
    if "RefBrack" in node:
        index = node["RefBrack"]["index"]
        return (*path_of(node["RefBrack"]["refr"]), str(index["String"]["value"]) if "String" in index else None)
    return (None,)


def _ends(node: Mapping[str, Any]) -> tuple[int, ...]:
    """Where each step of the path of a node ends."""
    kind = next((kind for kind in _REFS if kind in node), None)
    if kind is None:
        return (0,)
    inner = () if kind == "Var" else _ends(node[kind]["refr"])
    return (*inner, int(node[kind]["span"]["end"]))


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
