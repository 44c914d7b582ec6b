"""Write imports out: ``lib.effects`` becomes ``data.guardrails.lib.effects``.

Measured on regorus 0.13: a reference through an import makes the engine evaluate every rule of the imported package at
once, out of context. Rules there that use imports themselves come out empty and stay empty: a denial lacks its reason,
or does not happen. Written out, references are evaluated as on OPA; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guardrails.evaluate.rego.rewriting import Edit, apply, written
from guardrails.evaluate.rego.syntax import Module

_ROOTS = ("data", "input")


def expand(modules: Iterable[Module]) -> dict[str, str]:
    """The source of every module by its file, with imports written out; every line keeps its number."""
    return {module.file: apply(sorted(set(_edits(module)), reverse=True), module.source) for module in modules}


def _edits(module: Module) -> Iterator[Edit]:
    """Every name that is an import, written out."""
    full = {name: written(path) for name, path in module.aliases.items() if path[0] in _ROOTS}
    for rule in module.rules:
        yield from rule.written_otherwise
        for reference in rule.references:
            name = reference.path[0]
            if name in full and name not in rule.locals and reference.first is not None:
                yield reference.first["start"], reference.first["end"], full[name]
