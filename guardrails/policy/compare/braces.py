"""Writes every body of a rule in braces: how it is laid out makes no difference to a comparison."""

from __future__ import annotations

from guardrails.evaluate.rego.rewriting import apply, edges, has_braces
from guardrails.evaluate.rego.syntax import Module


def braced(module: Module) -> str:
    """The source of a module, with the same lines; ``x if y`` becomes ``x if { y }``."""
    edits = []
    for query in (body["query"] for rule in module.rules for body in rule.bodies):
        if query["stmts"] and not has_braces(query["span"]["start"], query["span"]["end"], module.source):
            start, end = edges(query["span"], module.source)
            edits.append((start, end, f"{{ {module.source[start:end].decode()} }}"))
    return apply(sorted(edits, reverse=True), module.source)
