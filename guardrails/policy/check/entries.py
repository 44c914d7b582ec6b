"""The rules that add to deny, confirm or warn, and the METADATA above them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.evaluate.rego.entry import LEVELS
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check import metadata


def entries(module: Module) -> list[Rule]:
    """Every definition of the module's deny, confirm and warn."""
    return [rule for rule in module.rules if len(rule.path) == len(module.package) + 1 and rule.path[-1] in LEVELS]


def metadata_of(module: Module, rule: Rule) -> Mapping[str, Any]:
    """The METADATA above a rule; {} if it is not YAML, which `policy check` reports."""
    try:
        return metadata.above(module.lines, rule.line)
    except ValueError:
        return {}
