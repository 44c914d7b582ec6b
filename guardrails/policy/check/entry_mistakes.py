"""Mistakes in entries (members of deny, confirm and warn): their place, shape, METADATA and ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from guardrails.evaluate.bundle import shipped
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check import metadata
from guardrails.policy.check.entries import entries
from guardrails.policy.check.mistake import Mistake

# data, guardrails, and the area's name.
_AREA = 3
_MEMBERS = ("rule", "target", "message", "remediation")
_ID = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")
_CALL = re.compile(r'violation\(\s*"(?P<id>[^"]+)"')
_LITERAL = re.compile(r'"rule":\s*"(?P<id>[^"]+)"')
# The METADATA that a shipped rule must have.
_SHIPPED = ("title", "description", "rule", "severity", "remediation", "incident")


def of(module: Module, owners: dict[str, str]) -> Iterator[Mistake]:
    """The mistakes in a module's entries. `owners` maps ids to the package that used them first, and is added to."""
    levels = entries(module)
    if levels and (len(module.package) != _AREA or module.package[:2] != ("data", "guardrails")):
        name = ".".join(map(str, module.package[1:]))
        message = f"{name}.{levels[0].path[-1]} is never evaluated; put it in a package guardrails.<area>"
        yield Mistake(module.file, levels[0].line, 1, "package", message)
    for rule in levels:
        level = str(rule.path[-1])
        if re.match(rf"\s*{level}\s+contains\b", module.lines[rule.line - 1]):
            yield from _entry(module, rule, owners)
        else:
            message = f"{level} must be a set; write `{level} contains {{…}} if {{`"
            yield Mistake(module.file, rule.line, 1, "entry", message)


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
    mistakes = [*_shape(str(rule.path[-1]), head, rule_id), *_metadata(module, about, rule_id)]
    if rule_id and owner != package:
        mistakes.append(("id", f"{rule_id} is also a rule of {owner}; rename one of them"))
    for code, message in mistakes:
        yield Mistake(module.file, rule.line, 1, code, message)


def _shape(level: str, head: str, rule_id: str) -> Iterator[tuple[str, str]]:
    written = [member for member in _MEMBERS if f'"{member}":' in head]
    for member in _MEMBERS if written else ():
        if member not in written:
            yield "entry", f"the entry has no {member}; a {level} needs {', '.join(_MEMBERS)}"
    if not rule_id:
        yield "entry", "the entry has no rule id; name it in the METADATA (custom: rule: area/name)"
    elif not _ID.fullmatch(rule_id):
        yield "id", f"{rule_id} is not a rule id; write area/name in lower case"


def _metadata(module: Module, about: Mapping[str, str], rule_id: str) -> Iterator[tuple[str, str]]:
    ours = Path(module.file).is_relative_to(shipped())
    for key in _SHIPPED if ours else ("title", "rule"):
        if not about.get(key):
            yield "metadata", f"{rule_id or 'the rule'} has no {key} in its METADATA; add it above the rule"
    if about.get("rule", rule_id) != rule_id:
        yield "metadata", f"the METADATA names rule {about['rule']}, the entry {rule_id}; use one id in both"
