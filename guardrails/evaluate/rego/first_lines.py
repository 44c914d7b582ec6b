"""What must hold before a rule can add anything: its first line, where that can be asked on its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from guardrails.evaluate.rego.builtins import AVAILABLE
from guardrails.evaluate.rego.entry import LEVELS
from guardrails.evaluate.rego.references import Path
from guardrails.evaluate.rego.syntax import FirstLine, Module, Rule

# The lines of some rules, each with its module.
Lines = Sequence[tuple[Module, FirstLine]]


def by_area(modules: Sequence[Module], known: Collection[Path]) -> Mapping[Path, Lines]:
    """For each set deny, confirm or warn the first lines of all its rules.

    Sets with a rule that has none are left out: what they say cannot be foreseen. `known` are the paths of all rules.
    """
    rules: dict[Path, list[tuple[Module, Rule]]] = {}
    for module in modules:
        for rule in module.rules:
            path = rule.path[: len(rule.package) + 1]
            if path[-1] in LEVELS:
                rules.setdefault(path, []).append((module, rule))
    found = {}
    for path, all_rules in rules.items():
        lines = [
            (module, rule.first_line)
            for module, rule in all_rules
            if rule.path == path and rule.first_line and all(_stands_alone(rule.first_line, module, known))
        ]
        if len(lines) == len(all_rules):
            found[path] = lines
    return found


def _stands_alone(line: FirstLine, module: Module, known: Collection[Path]) -> Iterator[bool]:
    """For each name in the line, whether it means the same outside the rule."""
    for reference in line.references:
        name = reference.path[0]
        builtin = reference.is_call and ".".join(map(str, reference.path)) in AVAILABLE
        outside = name in ("data", "input") or name in module.aliases or (*module.package, name) in known
        yield name is None or name in line.declared or builtin or outside
