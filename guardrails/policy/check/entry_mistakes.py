"""Mistakes in the METADATA and the ids of entries (members of deny, confirm and warn)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from guardrails.evaluate.bundle import shipped
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check import metadata
from guardrails.policy.check.entries import entries

# data, guardrails, and the area's name.
_AREA = 3
_RULE_ID = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")
_CALL = re.compile(r'violation\(\s*"(?P<id>[^"]+)"')
_LITERAL = re.compile(r'"rule":\s*"(?P<id>[^"]+)"')
# The METADATA that a shipped rule must have.
_SHIPPED = ("title", "description", "rule", "severity", "remediation", "incident")


def of(module: Module, owners: dict[str, str]) -> Iterator[Mistake]:
    """The mistakes in a module's entries. `owners` maps ids to the package that used them first, and is added to."""
    is_area = len(module.package) == _AREA and module.package[:2] == ("data", "guardrails")
    for rule in entries(module) if is_area else ():
        if rule.form == "set":
            yield from _entry(module, rule, owners)


def _entry(module: Module, rule: Rule, owners: dict[str, str]) -> Iterator[Mistake]:
    try:
        about = metadata.above(module.lines, rule.line)
    except ValueError as error:
        yield Mistake(module.file, rule.line, 1, "metadata", f"the METADATA above is not YAML: {error}")
        return
    head = module.text(rule.span).partition(" if ")[0]
    named = _LITERAL.search(head) or _CALL.search(head)
    # An entry that another rule builds has its id in the METADATA only.
    rule_id = named["id"] if named else str(about.get("rule") or "")
    package = ".".join(map(str, module.package[1:]))
    owner = owners.setdefault(rule_id, package)
    mistakes = [*_id(rule_id), *_metadata(module, about, rule_id)]
    if rule_id and owner != package:
        mistakes.append(("id", f"{rule_id} is also a rule of {owner}; rename one of them"))
    for code, message in mistakes:
        yield Mistake(module.file, rule.line, 1, code, message)


def _id(rule_id: str) -> Iterator[tuple[str, str]]:
    if not rule_id:
        yield "entry", "the entry has no rule id; name it in the METADATA (custom: rule: area/name)"
    elif not _RULE_ID.fullmatch(rule_id):
        yield "id", f"{rule_id} is not a rule id; write area/name in lower case"


def _metadata(module: Module, about: Mapping[str, str], rule_id: str) -> Iterator[tuple[str, str]]:
    if not metadata.READABLE:
        return
    ours = Path(module.file).is_relative_to(shipped())
    for key in _SHIPPED if ours else ("title", "rule"):
        if not about.get(key):
            yield "metadata", f"{rule_id or 'the rule'} has no {key} in its METADATA; add it above the rule"
    if about.get("rule", rule_id) != rule_id:
        yield "metadata", f"the METADATA names rule {about['rule']}, the entry {rule_id}; use one id in both"
