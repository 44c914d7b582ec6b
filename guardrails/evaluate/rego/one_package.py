"""All modules as one package, with parameters written out: the same policies, faster on the embedded engine.

Measured on regorus 0.13: a reference into another package makes the engine look through all modules, and so does every
use of a parameter. Within one package a rule is found by its name: ``data.guardrails.lib.effects`` becomes
``lib__effects``. Files keep their names and lines, so that the place of an error can be found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from guardrails.evaluate.rego import areas, first_lines
from guardrails.evaluate.rego.references import Path, Reference, leading
from guardrails.evaluate.rego.rewriting import Edit, apply, literal, value_at, written
from guardrails.evaluate.rego.syntax import Module, Rule

PACKAGE = "decisions"
# The module that the guard adds.
ADDED = "(added by the guard)"
_OURS = ("data", "guardrails")
_COLLECTOR = ("data", "guardrails", "areas")
_PARAMS = ("data", "guardrails", "params")


class NotMergeable(Exception):
    """These modules have to stay as they are, which is slower. The message says why."""


@frozen
class _Names:
    """The new name of each rule by its path, and the paths of all that holds rules."""

    new: Mapping[Path, str]
    above: frozenset[Path]
    data: Mapping[str, Any]
    params: dict[Path, str]

    def edit(self, module: Module, reference: Reference, absolute: Path) -> Edit | None:
        """How a reference is written now; None where it stays. `absolute` is its path from `data` or `input`."""
        added = len(absolute) - len(reference.path)
        start = reference.span["start"]
        for length in range(2, len(absolute) + 1):
            if absolute[:length] in self.new:
                if length <= added:
                    raise NotMergeable(f"{module.file} imports a part of {'.'.join(map(str, absolute[:length]))}")
                return start, reference.ends[length - added - 1], self.new[absolute[:length]]
        known = tuple(leading(absolute))
        if known in self.above:
            raise NotMergeable(f"{module.file} refers to all of {'.'.join(known)}")
        if known[: len(_PARAMS)] == _PARAMS and len(known) > added:
            return start, reference.ends[len(known) - added - 1], self._param(known)
        return (start, reference.ends[0], written(absolute[: added + 1])) if absolute != reference.path else None

    def _param(self, path: tuple[str, ...]) -> str:
        """A parameter's value, or a rule that is evaluated once per decision."""
        text = literal(value_at(path, self.data))
        return text or self.params.setdefault(path, f"param_{len(self.params)}__")


def merged(modules: Sequence[Module], data: Mapping[str, Any]) -> dict[str, str]:
    """The source of each module by its file, and ADDED. Raises NotMergeable."""
    names = _names(modules, data)
    edits = {module.file: sorted(set(_edits(module, names)), reverse=True) for module in modules}
    asked = areas.gates(first_lines.by_area(modules, names.new), names.new, edits)
    if {*asked.names.values(), *names.params.values()} & set(names.new.values()):
        raise NotMergeable("a name is used twice")
    for module in modules:
        if module.package == _COLLECTOR:
            edits[module.file] = [(start, end, asked.names.get(text, text)) for start, end, text in edits[module.file]]
    sources = {module.file: apply(edits[module.file], module.source) for module in modules}
    params = [f"{name} := {written(path)}" for path, name in names.params.items()]
    # First: the engine looks for a rule in one module after the other.
    return {ADDED: "\n\n".join((f"package {PACKAGE}", *params, *asked.rules, "")), **sources}


def entrypoint(modules: Collection[str], usual: str) -> str:
    """The path of the entrypoint among these modules; `usual` is the one that they have as they are written."""
    return f"data.{PACKAGE}.{_renamed(tuple(usual.split('.')))}" if ADDED in modules else usual


def _renamed(path: Path) -> str:
    ours = path[: len(_OURS)] == _OURS and len(path) > len(_OURS) + 1
    return "__".join(map(str, path[len(_OURS) if ours else 1 :]))


def _names(modules: Sequence[Module], data: Mapping[str, Any]) -> _Names:
    """Raises NotMergeable where a new name would not be unique, or mean something else."""
    packages = {module.package for module in modules}
    paths = {rule.path[: len(rule.package) + 1] for module in modules for rule in module.rules}
    new = {path: _renamed(path) for path in paths}
    above = frozenset(path[:length] for path in paths for length in range(1, len(path)))
    if PACKAGE in data or paths & (packages | above):
        raise NotMergeable("a rule has the name of a package")
    if len(set(new.values())) < len(new) or not all(name.isidentifier() for name in new.values()):
        raise NotMergeable("a name is used twice, or is not an identifier")
    if any(name.startswith(("asked_", "param_")) for name in new.values()):
        raise NotMergeable("a package has a name that the guard uses")
    if any(value_at(path, data) is not None for path in paths):
        raise NotMergeable("a data.json defines what is a rule")
    return _Names(new, above, data, {})


def _edits(module: Module, names: _Names) -> Iterator[Edit]:
    package, *imports = module.spans
    yield package["start"], package["end"], PACKAGE
    yield from ((span["start"], span["end"], "") for span in imports)
    own = {path[-1] for path in names.new if path[:-1] == module.package}
    for rule in module.rules:
        if rule.modified:
            raise NotMergeable(f"{module.file} uses `with`")
        if rule.head and rule.head[0].path[0] in module.aliases:
            raise NotMergeable(f"{module.file} has a rule with the name of an import")
        if rule.declared & (own | module.aliases.keys()):
            raise NotMergeable(f"{module.file} has a variable with the name of a rule or an import")
        yield from _references(module, rule, own, names)


def _references(module: Module, rule: Rule, own: set[str | None], names: _Names) -> Iterator[Edit]:
    for reference in (*rule.head, *rule.references):
        name = reference.path[0]
        if "__" in str(name):
            raise NotMergeable(f"{module.file} has the name {name}")
        # An argument may have the name of the function.
        if name is None or (name in rule.locals and reference is not rule.head[0]):
            continue
        if name in module.aliases:
            absolute = (*module.aliases[name], *reference.path[1:])
        elif name in own:
            absolute = (*module.package, *reference.path)
        elif name in ("data", "input"):
            absolute = reference.path
        else:
            continue
        edit = names.edit(module, reference, absolute)
        if edit is not None:
            yield edit
