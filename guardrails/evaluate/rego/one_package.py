"""All modules as one package, with parameters and fixed values written out: the same policies, faster on the engine.

Measured on regorus 0.13: a reference into another package makes the engine look through all modules, and so does every
use of a parameter. Within one package a rule is found by its name, and sooner if names are short and files are few:
``data.guardrails.lib.effects`` becomes ``r12__``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from guardrails.evaluate.engine import ENTRYPOINT
from guardrails.evaluate.rego import areas, first_lines, objects
from guardrails.evaluate.rego.merged import DECISION, MERGED, PACKAGE
from guardrails.evaluate.rego.references import Path, Reference, leading
from guardrails.evaluate.rego.rewriting import Edit, apply, literal, value_at, written
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.values import frozen

_COLLECTOR = ("data", "guardrails", "areas")
_PARAMS = ("data", "guardrails", "params")
# In bytes. The engine refuses files of 1 MB, or 20,000 lines.
_LONGEST, _MOST_LINES = 500_000, 10_000


class NotMergeable(Exception):
    """These modules have to stay as they are, which is slower. The message says where, why, and what to write."""


@frozen
class _Names:
    """The new name of each rule by its path, and the paths of all that holds rules."""

    new: Mapping[Path, str]
    above: frozenset[Path]
    data: Mapping[str, Any]
    constants: Mapping[Path, str]
    params: dict[Path, str]

    def edit(self, module: Module, reference: Reference, absolute: Path) -> Edit | None:
        """How a reference is written now; None where it stays. `absolute` is its path from `data` or `input`."""
        added = len(absolute) - len(reference.path)
        start = reference.span["start"]
        for length in range(2, len(absolute) + 1):
            if absolute[:length] in self.new:
                if length <= added:
                    whole = ".".join(map(str, absolute[:length]))
                    raise _apart(module, reference.span["line"], f"uses an import of a part of {whole}; import {whole}")
                return start, reference.ends[length - added - 1], self.new[absolute[:length]]
        known = tuple(leading(absolute))
        if known in self.above:
            raise _apart(module, reference.span["line"], f"uses all of {'.'.join(known)}; name the rule that is meant")
        if known[: len(_PARAMS)] == _PARAMS and len(known) > added:
            return start, reference.ends[len(known) - added - 1], self._param(known)
        return (start, reference.ends[0], written(absolute[: added + 1])) if absolute != reference.path else None

    def constant(self, reference: Reference, absolute: Path) -> Edit | None:
        """How a reference to a rule whose value no input changes is written; None for others."""
        text = "" if reference.is_call else self.constants.get(absolute, "")
        return (reference.span["start"], reference.ends[-1], text) if text else None

    def _param(self, path: tuple[str, ...]) -> str:
        """A parameter's value, or a rule that is evaluated once per decision."""
        text = literal(value_at(path, self.data))
        return text or self.params.setdefault(path, f"p{len(self.params)}__")


def merged(
    modules: Sequence[Module], data: Mapping[str, Any], constants: Mapping[Path, str] | None = None
) -> dict[str, str]:
    """The sources of the one package by their files, the first of which is MERGED. Raises NotMergeable.

    `constants` are the values of rules to write out.
    """
    names = _names(modules, data, constants or {})
    edits = {module.file: sorted(set(_edits(module, names)), reverse=True) for module in modules}
    asked = areas.gates(first_lines.by_area(modules, names.new), names.new, edits)
    for module in modules:
        if module.package == _COLLECTOR:
            edits[module.file] = [(start, end, asked.names.get(text, text)) for start, end, text in edits[module.file]]
        # What is asked first is asked as it is written.
        heads = (edit for rule in module.rules for edit in rule.written_otherwise)
        edits[module.file] = sorted({*edits[module.file], *heads}, reverse=True)
    params = [f"{name} := {written(path)}" for path, name in names.params.items()]
    added = "\n\n".join((*params, *asked.rules, *_empty_objects(modules, names)))
    texts = (f"#@ {json.dumps(module.file)}\n{apply(edits[module.file], module.source)}" for module in modules)
    return {f"{MERGED}{number or ''}": text for number, text in enumerate(_files([added, *texts]))}


def _files(texts: Iterable[str]) -> Iterator[str]:
    """The texts in as few files as may be."""
    head = f"package {PACKAGE}\n"
    file = head
    for text in texts:
        if len(file) + len(text) > _LONGEST or file.count("\n") + text.count("\n") > _MOST_LINES:
            yield file
            file = head
        file += f"\n{text}\n"
    yield file


def _empty_objects(modules: Sequence[Module], names: _Names) -> Sequence[str]:
    rules: dict[str, None] = {}
    for module in modules:
        until = len(module.package) + 1
        paths = ((names.new[path[:until]], *path[until:]) for path in objects.built(module))
        rules.update(dict.fromkeys(map(objects.empty, paths)))
    return [*rules]


def paths(modules: Sequence[Module]) -> Mapping[Path, str]:
    """The path of each rule in the one package."""
    return {path: f"data.{PACKAGE}.{name}" for path, name in _new_names(modules).items()}


def _new_names(modules: Sequence[Module]) -> Mapping[Path, str]:
    known = {rule.path[: len(rule.package) + 1] for module in modules for rule in module.rules}
    numbered = {path: f"r{number}__" for number, path in enumerate(sorted(known, key=str))}
    return {path: DECISION if _dotted(path) == ENTRYPOINT else name for path, name in numbered.items()}


def _names(modules: Sequence[Module], data: Mapping[str, Any], constants: Mapping[Path, str]) -> _Names:
    """Raises NotMergeable where a new name would not be unique, or mean something else."""
    packages = {module.package for module in modules}
    new = _new_names(modules)
    above = frozenset(path[:length] for path in new for length in range(1, len(path)))
    if PACKAGE in data:
        raise NotMergeable(f"a data.json has the name `{PACKAGE}`, which the guard uses; rename it")
    for module in modules:
        for rule in module.rules:
            path = rule.path[: len(rule.package) + 1]
            if path in packages | above:
                raise _apart(module, rule.line, f"gives a rule the name of the package {_dotted(path)}; rename it")
            if value_at(path, data) is not None:
                raise _apart(module, rule.line, f"defines {_dotted(path)}, which a data.json defines too; rename one")
    return _Names(new, above, data, constants, {})


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _apart(module: Module, line: int, why: str) -> NotMergeable:
    return NotMergeable(f"{module.file}:{line}: {why}")


def _edits(module: Module, names: _Names) -> Iterator[Edit]:
    package, *imports = module.spans
    yield module.source.rindex(b"package", 0, package["start"]), package["end"], ""
    yield from ((span["start"], span["end"], "") for span in imports)
    own = {path[-1] for path in names.new if path[:-1] == module.package}
    for rule in module.rules:
        if rule.modified:
            raise _apart(module, rule.line, "uses `with` in a rule; give a function the value instead")
        if rule.head and rule.head[0].path[0] in module.aliases:
            raise _apart(module, rule.line, f"gives a rule the name of an import, {rule.path[-1]}; rename it")
        shadowing = rule.declared & (own | module.aliases.keys())
        if shadowing:
            raise _apart(
                module, rule.line, f"gives a variable the name of a rule or import, {min(shadowing)}; rename it"
            )
        yield from _references(module, rule, own, names)


def _references(module: Module, rule: Rule, own: set[str | None], names: _Names) -> Iterator[Edit]:
    for reference in (*rule.head, *rule.references):
        name = reference.path[0]
        if "__" in str(name):
            raise _apart(module, reference.span["line"], f"has the name {name} with two underscores; rename it")
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
        # A rule keeps its name where it is defined.
        edit = names.constant(reference, absolute) if reference not in rule.head else None
        edit = edit or names.edit(module, reference, absolute)
        if edit is not None:
            yield edit
