"""What each definition of a rule reads of the input, and the values that it compares with what it reads.

Names stand for the parts of the input: a rule that names `type` reads every part of the input that is called so. That
is more than it reads in fact, never less.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import evolve

from guardrails.evaluate.rego.references import Contents, Path, called
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.compare.origins import aliases, members_got, nodes, sources
from guardrails.values import frozen

# Paths that begin with a free object, with None for an item of a list, and what is compared with the part there.
Nested = frozenset[tuple[Path, frozenset[str]]]
# Objects of the input that may have any member.
FREE = frozenset(("facts", "tags", "params", "protections", "set"))
PARAMS: Path = ("data", "guardrails", "params")
# Nodes whose parts are compared with each other.
_COMPARING = ("BoolExpr", "Membership", "AssignExpr", "Call", "SomeIn", "RefBrack", "ArithExpr")
# Functions that compare what they are given; others make sentences or compute something.
_ASKING = frozenset(
    ("contains", "endswith", "startswith", "object.get", "regex.match", "glob.match", "indexof", "lower", "upper",
     "strings.any_prefix_match", "strings.any_suffix_match", "net.cidr_contains", "net.cidr_intersects")
)  # fmt: skip
# Longer strings, and those with spaces, are for people.
_LONGEST = 60
_WHOLE, _LONGEST_WHOLE = ("BoolExpr", "Membership"), 300
_PLACES = ("span", "eidx", "sidx", "qidx")
# How many variables lead to what is compared, at most.
_DEEPEST = 5


@frozen
class Definition:
    """One definition of a rule.

    `names` are all the names and short strings in it. `strings` are those that it compares, by the name that they are
    compared with ("" where that is not known); `keys` the members of free objects, by the object's name, and `nested`
    what is compared further inside. `refers` are the paths in ``data`` that it refers to.
    """

    path: Path
    file: str
    line: int
    digest: str
    names: frozenset[str]
    strings: Mapping[str, frozenset[str]]
    numbers: frozenset[float]
    keys: Mapping[str, frozenset[str]]
    refers: frozenset[Path]
    nested: Nested
    # Of one condition: it does more than give a value a name.
    decides: bool = True


def definitions(module: Module, within: Mapping[Path, set[Path]]) -> list[Definition]:
    """Every definition in the module, which must have its syntax trees; `within` is what is below each path."""
    return [_definition(module, rule, within) for rule in module.rules]


def conditions(module: Module, rule: Rule, within: Mapping[Path, set[Path]]) -> Iterator[list[Definition]]:
    """For each body of a rule what each of its conditions reads, with those before it that its variables come from.

    It refers to what it uses itself and what its variables are assigned: what they are chosen from was chosen already.
    """
    for body in rule.bodies:
        yield [
            _condition(module, rule, body["query"]["stmts"][: number + 1], within)
            for number in range(len(body["query"]["stmts"]))
        ]


def _condition(
    module: Module, rule: Rule, statements: Sequence[Mapping[str, Any]], within: Mapping[Path, set[Path]]
) -> Definition:
    needed = _needed(module, statements)
    own = [statement for statement in needed if statement is statements[-1] or only_names(statement)]
    return evolve(
        _definition(module, rule.part(needed), within),
        refers=_definition(module, rule.part(own), within).refers,
        decides=not only_names(statements[-1]),
    )


def is_constant(rule: Rule) -> bool:
    """Whether a definition has no conditions."""
    return not any(body["query"]["stmts"] for body in rule.bodies)


def only_names(statement: Mapping[str, Any]) -> bool:
    """Whether a condition only gives a value a name."""
    return "AssignExpr" in (statement["literal"].get("Expr", {}).get("expr") or {})


def _needed(module: Module, statements: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The last statement, and those before it that give a value to its variables or to those of these."""
    needed = [statements[-1]]
    names = _used(statements[-1])
    for statement in reversed(statements[:-1]):
        if names.intersection(map(module.text, Contents(statement).declared)):
            needed.append(statement)
            names |= _used(statement)
    return needed


def _used(statement: Mapping[str, Any]) -> set[str | None]:
    return {reference.path[0] for reference in Contents(statement).references}


def _definition(module: Module, rule: Rule, within: Mapping[Path, set[Path]]) -> Definition:
    reader = _Reader(rule)
    members = dict(members_got(rule.node))
    references = [*module.references(rule, within)]
    refers = frozenset(
        (*reference.path, *members.get(reference.span["start"], ()))
        for reference in references
        if reference.path[0] == "data"
    )
    # An import may stand for another part of the input.
    asked = {str(reference.path) for reference in references if reference.path[0] == "input"}
    return Definition(
        path=rule.path,
        file=rule.file,
        line=rule.line,
        # An alias says the same in both, whatever its import stands for.
        digest=hashlib.sha256(f"{_digest(module, rule)} {sorted({*map(str, refers), *asked})}".encode()).hexdigest(),
        names=frozenset(reader.names),
        strings={name: frozenset(values) for name, values in reader.strings.items()},
        numbers=frozenset(reader.numbers),
        keys={name: frozenset(values) for name, values in reader.keys.items()},
        refers=refers,
        nested=frozenset(reader.nested),
    )


class _Reader:
    """Collects from the syntax tree of one definition."""

    def __init__(self, rule: Rule) -> None:
        self.names: set[str] = set()
        self.strings: dict[str, set[str]] = {}
        self.numbers: set[float] = set()
        self.keys: dict[str, set[str]] = {}
        self.nested: set[tuple[Path, frozenset[str]]] = set()
        # What a rule without a body is, such as a set of names of principals, may have spaces, too.
        self._longest = _LONGEST_WHOLE if is_constant(rule) else 0
        self._aliases = dict(aliases(rule.node))
        self._sources = dict(sources(rule.node))
        for reference in rule.references:
            steps = [step for step in reference.path if step is not None]
            self.names.update(steps)
            self._free_members(reference.path)
        for kind, value in nodes(rule.node):
            self._read(kind, value)

    def _free_members(self, path: Path) -> None:
        if path[: len(PARAMS)] == PARAMS:
            return
        for name, member in pairwise(path):
            if name in FREE and member is not None:
                self.keys.setdefault(name, set()).add(member)

    def _read(self, kind: str, value: Mapping[str, Any]) -> None:
        if kind in _COMPARING:
            self._compared(kind, value)
        if kind == "Number":
            self.numbers.add(value["value"])
        elif kind in ("String", "RawString") and (_is_value(value["value"]) or len(value["value"]) <= self._longest):
            self.names.add(value["value"])
            self.strings.setdefault("", set()).add(value["value"])

    def _compared(self, kind: str, node: Mapping[str, Any]) -> None:
        """Keep the strings in a comparison for each name in it."""
        # What is compared whole may have spaces, as the names of principals have.
        whole = kind in _WHOLE
        values = {value for value in _strings(node) if _is_value(value) or (whole and len(value) <= _LONGEST_WHOLE)}
        if not values or (kind == "Call" and called(node) not in _ASKING):
            return
        for reference in Contents({kind: node}).references:
            self._inside(reference.path, frozenset(values))
            last = next((step for step in reversed(reference.path) if step is not None), None)
            for name in self._behind(last, 0):
                self.strings.setdefault(name, set()).update(values)
                if name in FREE:
                    self.keys.setdefault(name, set()).update(values)

    def _inside(self, path: Path, values: frozenset[str]) -> None:
        """Keep what is compared with a part further inside of a free object."""
        for _ in range(_DEEPEST):
            source = self._sources.get(path[0] or "")
            if source is None or source[0] == path[0]:
                break
            path = (*source, *path[1:])
        place = next((number for number, step in enumerate(path) if step in FREE), len(path))
        if len(path) > place + 2 and path[place + 1] is not None:
            self.nested.add((path[place:], values))

    def _behind(self, name: str | None, depth: int) -> Iterator[str]:
        """The names that a variable stands for."""
        if name is None:
            return
        yield name
        if depth < 4:
            for other in self._aliases.get(name, ()):
                yield from self._behind(other, depth + 1)


def _strings(node: Any) -> Iterable[str]:
    return [value["value"] for kind, value in nodes(node) if kind in ("String", "RawString")]


def _is_value(text: str) -> bool:
    return len(text) <= _LONGEST and not any(character.isspace() for character in text)


def _digest(module: Module, rule: Rule) -> str:
    """The same for every way to lay out the same definition."""
    shape = [str(rule.path), rule.form, rule.arity, sorted(map(str, rule.locals)), bare(list(rule.node), module)]
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()


def bare(node: Any, module: Module) -> Any:
    """A syntax tree without its places."""
    if isinstance(node, list):
        return [bare(item, module) for item in node if not _is_place(item)]
    if _is_place(node):
        # The variables of ``every`` are places only.
        return module.text(node)
    if isinstance(node, dict):
        return {kind: bare(value, module) for kind, value in node.items() if kind not in _PLACES}
    return node


def _is_place(node: Any) -> bool:
    return isinstance(node, dict) and {"line", "start", "end"} <= node.keys()
