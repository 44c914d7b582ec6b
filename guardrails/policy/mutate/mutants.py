"""Mutants of a policy: its source with one small mistake that a test should notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.evaluate.rego.references import spans
from guardrails.evaluate.rego.syntax import Module
from guardrails.values import frozen

_OPERATORS = {"Eq": ("==", "!="), "Ne": ("!=", "=="), "Lt": ("<", "<="), "Le": ("<=", "<"), "Gt": (">", ">="),
              "Ge": (">=", ">")}  # fmt: skip
_EFFECTS = ("capacity", "indirect", "ip", "network", "opaque", "protection", "replace", "scale-in", "stop", "storage",
            "terminate", "traffic", "unreviewed", "admit")  # fmt: skip
_WORDING = ("sprintf", "concat")


@frozen
class Mutant:
    """`text` replaces the bytes from `start` to `end` of the file; `change` describes it."""

    file: str
    area: str
    line: int
    start: int
    end: int
    text: str
    change: str

    def apply(self, source: str) -> str:
        """The file's source with the mistake."""
        encoded = source.encode()
        return (encoded[: self.start] + self.text.encode() + encoded[self.end :]).decode()


def mutants_in(entry: Mapping[str, Any]) -> list[Mutant]:
    """All mutants of one module, given its entry in the engine's AST, in source order."""
    module = Module(entry)
    rules = [node["Spec"] for node in entry["ast"]["rules"] if "Spec" in node]
    mutants = dict.fromkeys(mutant for rule in rules for mutant in _Maker(module).walk(rule, in_body=False))
    return sorted(mutants, key=lambda mutant: (mutant.line, mutant.start, mutant.change))


class _Maker:
    def __init__(self, module: Module) -> None:
        self._module, self._area = module, str(module.package[-1])

    def walk(self, node: Any, *, in_body: bool) -> Iterator[Mutant]:
        if isinstance(node, list):
            for item in node:
                yield from self.walk(item, in_body=in_body)
        elif isinstance(node, dict):
            for kind, value in node.items():
                # A name is left as it is; a head that may be undefined is written as a list and its first item.
                if (kind == "refr" and "ArrayCompr" not in value) or _is_wording(kind, value):
                    continue
                if isinstance(value, dict):
                    yield from self._at(kind, value, in_body=in_body)
                yield from self.walk(value, in_body=in_body or kind == "query")

    def _at(self, kind: str, value: Mapping[str, Any], *, in_body: bool) -> Iterator[Mutant]:
        if kind == "NotExpr":
            start, _ = self._extent(value["expr"])
            yield self._mutant(value["span"], value["span"]["start"], start, "", f"without not: {self._text(value)}")
        elif kind == "Expr" and "AssignExpr" not in value["expr"] and self._text(value) != "true":
            yield self._mutant(value["span"], *self._extent(value), "true", f"dropped: {self._text(value)}")
        elif kind == "BoolExpr":
            yield from self._operator(value)
        elif kind in ("Set", "Array") and "items" in value:  # a rule's head is called Set, too
            yield from self._items(kind, value)
        elif kind in ("String", "Number", "Bool") and in_body:
            yield from self._constant(kind, value)

    def _operator(self, node: Mapping[str, Any]) -> Iterator[Mutant]:
        old, new = _OPERATORS[node["op"]]
        _, start = self._extent(node["lhs"])
        end, _ = self._extent(node["rhs"])
        between = self._module.source[start:end].decode()
        change = f"{old} becomes {new}: {self._text(node)}"
        yield self._mutant(node["span"], start, end, between.replace(old, new, 1), change)

    def _items(self, kind: str, node: Mapping[str, Any]) -> Iterator[Mutant]:
        items = [self._text(item) for item in node["items"]]
        span = node["span"]
        for number, item in enumerate(items):
            rest = ", ".join(items[:number] + items[number + 1 :])
            text = f"[{rest}]" if kind == "Array" else f"{{{rest}}}" if rest else "set()"
            yield self._mutant(span, span["start"], span["end"], text, f"without {item} in {self._text(node)}")
        names = [item["String"]["value"] for item in node["items"] if "String" in item]
        if kind == "Set" and names and len(names) == len(items) and set(names) <= set(_EFFECTS):
            more = next(effect for effect in _EFFECTS if effect not in names)
            text = "{" + ", ".join([*items, f'"{more}"']) + "}"
            yield self._mutant(span, span["start"], span["end"], text, f'with "{more}" in {self._text(node)}')

    def _constant(self, kind: str, node: Mapping[str, Any]) -> Iterator[Mutant]:
        span = node["span"]
        old = self._module.source[span["start"] : span["end"]].decode()
        if kind == "String":
            if not any(character.isspace() for character in old):
                yield self._mutant(span, span["start"], span["end"], f"{old}~", f'"{old}" becomes "{old}~"')
        elif kind == "Number":
            new = str(node["value"] + 1)
            yield self._mutant(span, span["start"], span["end"], new, f"{old} becomes {new}")
        else:
            new = "false" if old == "true" else "true"
            yield self._mutant(span, span["start"], span["end"], new, f"{old} becomes {new}")

    def _mutant(self, span: Mapping[str, Any], start: int, end: int, text: str, change: str) -> Mutant:
        # As the author wrote it: the engine replaces imported names with full paths.
        words = " ".join(change.replace("data.guardrails.", "").split())
        return Mutant(self._module.file, self._area, span["line"], start, end, text, words)

    def _text(self, node: Mapping[str, Any]) -> str:
        start, end = self._extent(node)
        return self._module.source[start:end].decode()

    def _extent(self, node: Mapping[str, Any]) -> tuple[int, int]:
        """Start and end of an expression, in bytes; the engine's spans leave out quotes at either end."""
        span = node["span"] if "span" in node else next(iter(node.values()))["span"]
        strings = list(spans(node, "String", "RawString"))
        start = span["start"] - any(string["start"] == span["start"] for string in strings)
        return start, span["end"] + any(string["end"] == span["end"] for string in strings)


def _is_wording(kind: str, value: Any) -> bool:
    """Tests need not check the wording of messages."""
    return kind == "Call" and "Var" in value["fcn"] and value["fcn"]["Var"]["value"] in _WORDING
