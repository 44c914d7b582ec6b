"""Writes a new rule with METADATA, and a test that fails until the rule is written."""

from __future__ import annotations

import re
from pathlib import Path

from guardrails.errors import ConfigError

_ID = re.compile(r"(?P<area>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)/(?P<rule>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)")

_RULE = """\
# METADATA
# title: {title}
# description: Say what it stops and why.
# custom:
#   rule: {id}
#   severity: high
#   remediation: Say what to do instead.
#   incident: Name the incident behind it.
deny contains {{
	"rule": "{id}",
	"target": id,
	"message": sprintf("%s must not touch %s.", [input.call.operation, id]),
	"remediation": "Say what to do instead.",
}} if {{
	# Say when it fires. Until you do it never fires, and the test fails.
	input.call.operation == "NothingYet"
	some id, _ in input.targets
}}
"""

_TEST = """\
package guardrails.{area}_test

import data.guardrails.{area}

test_{name}_stops if {{
	some violation in {area}.deny with input as {name}_input("TerminateInstances")
	violation.rule == "{id}"
	violation.target == "i-0a1"
}}

test_{name}_leaves_the_rest if {{
	found := {area}.deny with input as {name}_input("StartInstances")
	every violation in found {{
		violation.rule != "{id}"
	}}
}}

# An input document; policies/schemas/input.json describes all of it.
{name}_input(operation) := {{
	"call": {{"service": "ec2", "operation": operation, "effects": ["terminate"], "params": {{}}}},
	"targets": {{"i-0a1": {{"type": "instance", "role": "target", "clusters": ["blue"], "tags": {{}}}}}},
	"clusters": {{"blue": {{"live": true, "running": 3, "total": 3}}}},
	"live": {{"known": true, "disputed": false, "clusters": ["blue"]}},
}}
"""


def scaffold(folder: Path, rule_id: str) -> tuple[Path, Path]:
    """Write a rule and its test below `folder`; returns both files. Writes nothing if it raises ConfigError."""
    parsed = _ID.fullmatch(rule_id)
    if parsed is None:
        raise ConfigError(f"{rule_id} is not a rule id; write area/rule in lower case, for example weekend/terminate")
    area, name = parsed["area"].replace("-", "_"), parsed["rule"].replace("-", "_")
    package = folder / "guardrails" / area
    main_file = package / f"{area}.rego"
    rule = package / f"{name}.rego" if main_file.exists() and name != area else main_file
    test = folder / "guardrails" / f"{area}_test" / f"{name}_test.rego"
    existing = next((file for file in (rule, test) if file.exists()), None)
    if existing is not None:
        raise ConfigError(f"{existing} already exists; choose another id, or edit that file")
    title = parsed["rule"].replace("-", " ").capitalize()
    values = {"id": rule_id, "area": area, "name": name, "title": title}
    head = f"package guardrails.{area}\n\n"
    try:
        for file, text in ((rule, head + _RULE.format(**values)), (test, _TEST.format(**values))):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror}); name another folder with --into") from error
    return rule, test
