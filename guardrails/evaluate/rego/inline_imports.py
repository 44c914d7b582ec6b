"""Write out what a policy refers to through an import: ``lib.effects`` becomes ``data.guardrails.lib.effects``.

Measured on regorus 0.13: a reference through an import makes the engine evaluate every rule of the imported package at
once, out of context, so that rules which use imports themselves are found empty and stay so. A denial then lacks its
reason, or does not happen. References in full are evaluated as OPA does; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.evaluate.rego.syntax import Module


def expand(ast: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The text of every module by its file, with imports of `data` written out; every line stays on its line."""
    return {module.file: _expanded(module) for module in map(Module, ast)}


def _expanded(module: Module) -> str:
    source = module.source
    places = sorted(set(_places(module)), reverse=True)
    for start, end, full in places:
        source = source[:start] + full.encode() + source[end:]
    return source.decode()


def _places(module: Module) -> Iterator[tuple[int, int, str]]:
    for rule in module.rules:
        for span, name in _variables(rule.node):
            path = module.aliases.get(name)
            if path is not None and path[0] == "data" and name not in rule.locals:
                yield span["start"], span["end"], _written(path)


def _variables(node: Any) -> Iterator[tuple[Mapping[str, Any], str]]:
    if isinstance(node, list):
        for item in node:
            yield from _variables(item)
    elif isinstance(node, dict):
        for kind, value in node.items():
            if kind == "Var" and isinstance(value, dict):
                yield value["span"], str(value["value"])
            else:
                yield from _variables(value)


def _written(path: Sequence[str | None]) -> str:
    first, *rest = path
    return str(first) + "".join(f'["{step}"]' if not str(step).isidentifier() else f".{step}" for step in rest)
