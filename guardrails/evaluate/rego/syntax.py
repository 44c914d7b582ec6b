"""The syntax tree of a policy as the embedded engine gives it: rules, imports and references."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import evolve, field

from guardrails.evaluate.rego import head_parts, heads
from guardrails.evaluate.rego.references import Contents, Misread, Path, Reference, leading, path_of, variables
from guardrails.evaluate.rego.rewriting import Edit, edges
from guardrails.values import frozen

# How a rule begins: `name contains …`, `name := …` or `name if …`, `name(…) := …`, `default name := …`.
Form = Literal["set", "value", "function", "default"]
_FORMS: Mapping[str, Form] = {"Set": "set", "Func": "function"}


@frozen
class FirstLine:
    """The first line of a rule: start and end in bytes, its references, the variables it declares, whether it loops.

    A line ``subject == "text"`` has the end of its subject, and the text with its quotes.
    """

    edges: tuple[int, int]
    references: Sequence[Reference] = field(repr=False)
    declared: frozenset[str]
    loops: bool
    subject_end: int = 0
    text: str = ""


@frozen
class Rule:
    """One definition of a rule. `node` is all of its syntax tree but its name, up to the first key, and its arguments.

    `member` is what a set gets from it, None for other forms. A module read without trees has neither, nor `bodies`.
    `head` are the references in its name and in arguments that are patterns, `declared` its variables beside arguments.
    `written_otherwise` is how the engine gets it: see heads.py. `takes_any` is false for a function of some values
    only, such as `f(1)` or `f([x, y])`.
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
    head: Sequence[Reference] = ()
    declared: frozenset[str] = frozenset()
    first_line: FirstLine | None = field(default=None, repr=False)
    written_otherwise: Sequence[Edit] = field(default=(), repr=False)
    takes_any: bool = True
    _contents: Contents = field(factory=Contents, repr=False, eq=False)

    @property
    def references(self) -> Sequence[Reference]:
        """Every reference, as written."""
        return self._contents.references

    @property
    def modified(self) -> bool:
        """Whether a ``with`` changes input or data for a part of it."""
        return self._contents.modified

    @property
    def misread(self) -> Sequence[Misread]:
        """What the embedded engine reads differently from OPA."""
        return self._contents.misread

    def part(self, node: Any) -> Rule:
        """The rule as if this part of its syntax tree were all of it."""
        return evolve(self, node=[node], contents=Contents(node))


class Module:
    """One file. `aliases` maps the name of each import to its path; `dialects` has the imports of a version of Rego.

    Without `trees` it takes a tenth of the memory: the rules' syntax trees are not kept.
    """

    def __init__(self, entry: Mapping[str, Any], *, trees: bool = True) -> None:
        tree = entry["ast"]
        self.file = str(entry["source"]["file"])
        self.source = str(entry["source"]["contents"]).encode()
        self.package: Path = ("data", *path_of(tree["package"]["refr"]))
        package = next(iter(tree["package"]["refr"].values()))
        # Where the package is named, and the imports.
        self.spans = [package["span"], *(imported["span"] for imported in tree["imports"])]
        self.aliases: dict[str, Path] = {}
        self.dialects: list[tuple[Path, Mapping[str, Any]]] = []
        for imported in tree["imports"]:
            path = path_of(imported["refr"])
            name = self._word(imported["as"]) if imported.get("as") else path[-1]
            if path[0] in ("data", "input") and name:
                self.aliases[name] = path
            elif path[0] == "rego":
                self.dialects.append((path, imported["span"]))
        text = head_parts.text_of(self.source)
        self.rules = [self._rule(node, text, trees=trees) for node in tree["rules"]]

    @property
    def lines(self) -> list[str]:
        """The source, line by line."""
        return self.source.decode().splitlines()

    def text(self, span: Mapping[str, Any]) -> str:
        """The source of a span, with the quotes at its edges."""
        start, end = self.edges(span)
        return self.source[start:end].decode()

    def edges(self, span: Mapping[str, Any]) -> tuple[int, int]:
        """Start and end of a span in bytes, with the quotes at its edges, which spans of strings leave out."""
        return edges(span, self.source)

    def _word(self, span: Mapping[str, Any]) -> str:
        return self.source[span["start"] : span["end"]].decode()

    def _rule(self, node: Mapping[str, Any], text: head_parts.Text, *, trees: bool) -> Rule:
        body = node.get("Spec") or node["Default"]
        kind, head = next(iter(body["head"].items())) if "head" in body else ("", body)
        form = _FORMS.get(kind, "value") if kind else "default"
        arguments = head.get("args") or ()
        # The head's own name is not a reference; what is in brackets behind it may be.
        inside = [value for key, value in head.items() if key not in ("refr", "args")]
        keys = head_parts.keys(head["refr"], text)
        inside.append([key.node for key in keys])
        inside.append([value for key, value in body.items() if key not in ("head", "refr")])
        patterns = [argument for argument in arguments if "Var" not in argument]
        contents = Contents(inside)
        declared = frozenset(map(self._word, (*contents.declared, *variables(patterns))))
        return Rule(
            path=(*self.package, *leading(path_of(head["refr"]))),
            package=self.package,
            line=body["span"]["line"],
            file=self.file,
            is_function="args" in head,
            arity=len(arguments),
            node=inside if trees else (),
            locals=frozenset(str(step) for argument in arguments for step in path_of(argument)[:1]),
            bodies=(body.get("bodies") or ()) if trees else (),
            span=body["span"],
            form=form,
            member=head["key"] if trees and form == "set" else None,
            head=Contents([head["refr"], patterns]).references,
            declared=declared,
            first_line=self._first_line(body) if form == "set" else None,
            written_otherwise=tuple(heads.edits(body, text, keys, declared)) if kind else (),
            takes_any=not patterns,
            contents=contents,
        )

    def _first_line(self, body: Mapping[str, Any]) -> FirstLine | None:
        """The first line of the only body of a rule; None where it says nothing, and for several bodies."""
        if len(body.get("bodies") or ()) != 1:
            return None
        statement = body["bodies"][0]["query"]["stmts"][0]
        literal, contents = statement["literal"], Contents(statement)
        if "SomeVars" in literal:
            return None
        compared = literal.get("Expr", {}).get("expr", {}).get("BoolExpr", {})
        is_text = compared.get("op") == "Eq" and "String" in compared["rhs"]
        return FirstLine(
            self.edges(statement["span"]),
            contents.references,
            frozenset(map(self._word, contents.declared)),
            loops="SomeIn" in literal,
            subject_end=self.edges(next(iter(compared["lhs"].values()))["span"])[1] if is_text else 0,
            text=self.text(compared["rhs"]["String"]["span"]) if is_text else "",
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
