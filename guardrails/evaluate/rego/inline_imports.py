"""Write imports out: ``lib.effects`` becomes ``data.guardrails.lib.effects``.

Measured on regorus 0.13: a reference through an import makes the engine evaluate every rule of the imported package at
once, out of context. Rules there that use imports themselves come out empty and stay empty: a denial lacks its reason,
or does not happen. Written out, references are evaluated as on OPA; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guardrails.evaluate.rego.rewriting import written
from guardrails.evaluate.rego.syntax import Module

_ROOTS = ("data", "input")


def expand(modules: Iterable[Module]) -> dict[str, str]:
    """The source of every module by its file, with imports written out; every line keeps its number."""
    return {module.file: _expanded(module) for module in modules}


def _expanded(module: Module) -> str:
    source = module.source
    for start, end, replacement in sorted(set(_replacements(module)), reverse=True):
        source = source[:start] + replacement.encode() + source[end:]
    return source.decode()


def _replacements(module: Module) -> Iterator[tuple[int, int, str]]:
    """Start, end and new text of every name that is an import."""
    full = {name: written(path) for name, path in module.aliases.items() if path[0] in _ROOTS}
    for rule in module.rules:
        for reference in rule.references:
            name = reference.path[0]
            if name in full and name not in rule.locals and reference.first is not None:
                yield reference.first["start"], reference.first["end"], full[name]
