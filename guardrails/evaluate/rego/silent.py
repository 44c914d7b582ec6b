"""Rules that would load and never act: in a form, a package or a file that the guard does not ask, or misspelt.

The guard asks for the sets deny, confirm and warn of the packages guardrails.<area>. Helpers and libraries may have any
form and name, as long as a rule uses them or they do not look like a decision.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from guardrails.evaluate.rego import entry, lint
from guardrails.evaluate.rego.entry import LEVELS
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.references import Path
from guardrails.evaluate.rego.syntax import Module, Rule

# data, guardrails, and the area's name.
_AREA = 3
_COLLECTOR = ("data", "guardrails", "areas")
# What other tools and guides call their decisions (OPA's examples, Conftest, Gatekeeper).
_DECISIONS = frozenset(("allow", "allowed", "authorized", "block", "blocked", "exception", "forbid", "forbidden",
                        "prohibit", "reject", "rejected", "violation", "violations"))  # fmt: skip
_INFLECTED = {"denies": "deny", "denied": "deny", "denys": "deny", "denial": "deny", "denials": "deny",
              "confirms": "confirm", "confirmed": "confirm", "confirmation": "confirm", "confirmations": "confirm",
              "warns": "warn", "warning": "warn", "warnings": "warn"}  # fmt: skip
# Conftest asks rules whose names only begin like this.
_PREFIXED = re.compile(r"(deny|violation|warn|confirm)_\w+")
_ALIKE = 0.75


def left_out(file: str) -> bool:
    """True for a file of tests, which is not loaded."""
    return PurePath(file).stem.endswith("_test")


def mistakes(modules: Sequence[Module]) -> Iterator[Mistake]:
    """Every such rule. `modules` are all that are loaded, with the collector; files of tests may be among them."""
    users = _users(modules)
    asking = {path[:_AREA] for path, packages in users.items() if _COLLECTOR in packages and path[-1] in LEVELS}
    idle: set[Path] = set()
    for module in modules:
        for rule in module.rules:
            used_by = users.get(rule.path, set())
            code, message = _about(module, rule, used_by, has_entries=module.package in asking)
            if not message and not left_out(module.file) and module.package not in asking | idle:
                code, message = "package", _of_another_tool(rule, used_by - {module.package})
                idle |= {module.package} if message else set()
            if message:
                yield Mistake(module.file, rule.line, 1, code, message)


def _users(modules: Sequence[Module]) -> Mapping[Path, set[Path]]:
    """For each rule the packages with another rule that uses it. What only tests use is not asked."""
    defined = {rule.path for module in modules for rule in module.rules}
    within = lint.below(defined)
    users: dict[Path, set[Path]] = {}
    for module in modules:
        for rule in module.rules:
            for reference in module.references(rule, within):
                for path in lint.reached(reference.path, defined, within) - {rule.path}:
                    if not left_out(module.file) or path[: len(module.package)] == module.package:
                        users.setdefault(path, set()).add(module.package)
    return users


def _about(module: Module, rule: Rule, used_by: set[Path], *, has_entries: bool) -> tuple[str, str]:
    """The code and the message, or two empty strings."""
    name = rule.path[len(module.package)] if len(rule.path) > len(module.package) else ""
    package = _dotted(module.package)
    if name in LEVELS:
        return _level(module, rule, used_by)
    if used_by or rule.form == "function" or left_out(module.file) or name is None:
        return "", ""
    meant = _meant(name)
    if meant and (rule.form == "set" or name.lower() in LEVELS or not has_entries):
        return "entry", f"{package}.{name} is never evaluated; did you mean `{meant} contains {{…}} if {{`?"
    if rule.form == "set" and (_PREFIXED.fullmatch(name) or entry.looks_like_one(rule)):
        return "entry", f"{package}.{name} is never evaluated; name it deny, confirm or warn, or use it in such a rule"
    return "", ""


def _level(module: Module, rule: Rule, used_by: set[Path]) -> tuple[str, str]:
    """About a rule with the name of a level."""
    package, level = _dotted(module.package), rule.path[len(module.package)]
    is_test = left_out(module.file) or package.endswith("_test")
    if is_test and not used_by - {_COLLECTOR}:
        return "package", (
            f"{package}.{level} is among the tests, which the guard does not load; "
            "move it to a package guardrails.<area> in a file whose name does not end in _test"
        )
    if is_test:
        return "", ""
    if len(module.package) != _AREA or module.package[:2] != ("data", "guardrails"):
        never = f"{package}.{level} is never evaluated; put it in a package guardrails.<area>"
        return ("", "") if used_by else ("package", never)
    if rule.form != "set" or len(rule.path) != _AREA + 1:
        return "entry", f"{level} must be a set; write `{level} contains {{…}} if {{`"
    if _COLLECTOR not in used_by:
        return (
            "package",
            f"{package}.{level} is never evaluated; write `package {package}` and `{level} contains` plainly",
        )
    return "entry", "; ".join(entry.problems(rule))


def _of_another_tool(rule: Rule, used_by: set[Path]) -> str:
    """A sentence about a decision under the name that another tool asks for, in a package without one of ours."""
    if rule.path[-1] not in _DECISIONS or rule.form == "function" or used_by:
        return ""
    return (
        f"{_dotted(rule.path)} is never evaluated: a call is allowed unless a rule denies it; "
        "write `deny contains {…} if {` in a package guardrails.<area>"
    )


def _meant(name: str) -> str:
    """The level that a name is a slip of the pen for; "" where it is none."""
    small = name.lower()
    close = difflib.get_close_matches(small, LEVELS, 1, _ALIKE) if abs(len(small) - len("deny")) <= 1 else []
    near = difflib.get_close_matches(small, ("confirm",), 1, 0.85)
    return small if small in LEVELS else _INFLECTED.get(small) or next(iter((*close, *near)), "")


def _dotted(path: Path) -> str:
    return ".".join(str(step) for step in path[1:])
