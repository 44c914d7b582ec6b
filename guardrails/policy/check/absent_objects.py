"""Objects built by rules like ``allowed.x := true if …`` and read as a whole.

Where none of those rules holds, such an object is empty on OPA and undefined on the embedded engine, so ``not allowed``
and ``count(allowed) == 0`` have two answers. Built by ``allowed["x"] := …`` it is empty on both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails.evaluate.rego import lint
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.references import Path, leading
from guardrails.evaluate.rego.syntax import Module, Rule


def of(modules: Sequence[Module]) -> Iterator[Mistake]:
    """One mistake for each rule that adds to such an object."""
    dotted = [(module, rule) for module in modules for rule in module.rules if _is_dotted(module, rule)]
    if not dotted:
        return
    always = {rule.path[:-1] for module in modules for rule in module.rules if _makes_the_object(module, rule)}
    read = _read_as_a_whole(modules)
    for module, rule in dotted:
        objects = [rule.path[:length] for length in range(len(rule.package) + 1, len(rule.path))]
        names = [_dotted(path, rule) for path in objects if path in read]
        if names and rule.path[:-1] not in always:
            yield Mistake(module.file, rule.line, 1, "object", _message(names[0], rule))


def _is_dotted(module: Module, rule: Rule) -> bool:
    """Whether the last step of the name of a rule for a value is written with a dot."""
    if rule.form != "value" or len(rule.path) < len(rule.package) + 2 or not rule.head:
        return False
    ends = rule.head[0].ends
    return len(ends) == len(rule.path) - len(rule.package) and module.source[ends[-2] : ends[-1]].lstrip()[:1] == b"."


def _makes_the_object(module: Module, rule: Rule) -> bool:
    """Whether the object that this rule adds to is there whatever the input: on both engines, it may then be empty."""
    return not _is_dotted(module, rule) or not (rule.bodies or rule.references)


def _read_as_a_whole(modules: Sequence[Module]) -> frozenset[Path]:
    known = lint.below({rule.path for module in modules for rule in module.rules})
    return frozenset(
        tuple(leading(reference.path))
        for module in modules
        for rule in module.rules
        for reference in module.references(rule, known)
        if None not in reference.path
    )


def _dotted(path: Path, rule: Rule) -> str:
    return ".".join(str(step) for step in path[len(rule.package) :])


def _message(name: str, rule: Rule) -> str:
    *above, last = rule.path[len(rule.package) :]
    written = f'{".".join(map(str, above))}["{last}"]'
    return (
        f"where no rule adds to {name}, it is empty on OPA and undefined on the embedded engine; "
        f"write {written} instead of {_dotted(rule.path, rule)}"
    )
