"""Rules whose value no input can change: it is asked when policies are loaded, and written where the rule is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence

from guardrails.evaluate.rego import lint
from guardrails.evaluate.rego.builtins import AVAILABLE
from guardrails.evaluate.rego.references import Path, Reference
from guardrails.evaluate.rego.rewriting import literal
from guardrails.evaluate.rego.syntax import Module, Rule

_UNDEFINED = "<undefined>"


def written(modules: Sequence[Module], ask: Callable[[Path], str]) -> Mapping[Path, str]:
    """The value of each such rule as Rego writes it. `ask` gives the value of a rule as JSON.

    Only strings, whole numbers and booleans: they are the same wherever they stand. A rule that fails, or has no value,
    stays as it is.
    """
    found = {}
    for path in sorted(_unchanging(modules), key=str):
        try:
            value = json.loads(ask(path))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: S112 - then the decision fails, as the rule says
            continue
        if value != _UNDEFINED and literal(value):
            found[path] = literal(value)
    return found


def _unchanging(modules: Sequence[Module]) -> Collection[Path]:
    """The paths of rules for a value that refer, through other rules too, to nothing but data."""
    rules: dict[Path, list[tuple[Module, Rule]]] = {}
    for module in modules:
        for rule in module.rules:
            rules.setdefault(rule.path, []).append((module, rule))
    within = lint.below(set(rules))
    uses = {path: _uses(made, set(rules), within) for path, made in rules.items()}
    changing = {path for path, used in uses.items() if used is None}
    while True:
        more = {path for path, used in uses.items() if path not in changing and used and used & changing}
        if not more:
            break
        changing |= more
    return [
        path
        for path, made in rules.items()
        if path not in changing
        and within[path] == {path}
        and all(rule.form in ("value", "default") and not rule.arity and path[:-1] == rule.package for _, rule in made)
    ]


def _uses(
    made: Sequence[tuple[Module, Rule]], defined: set[Path], within: Mapping[Path, set[Path]]
) -> set[Path] | None:
    """The rules that these refer to; None where they refer to what may change."""
    used: set[Path] = set()
    for module, rule in made:
        if rule.modified:
            return None
        for reference in module.references(rule, within):
            if reference.path[0] == "data":
                used |= lint.reached(reference.path, defined, within)
            elif not _stays(reference, rule):
                return None
    return used


def _stays(reference: Reference, rule: Rule) -> bool:
    """Whether this is a variable of the rule, part of an expression, or a built-in function."""
    name = reference.path[0]
    if reference.is_call:
        return ".".join(map(str, reference.path)) in AVAILABLE
    return name is None or name == "_" or name in rule.declared
