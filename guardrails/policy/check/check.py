"""All that is wrong with policies, before they guard anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle, read, shipped
from guardrails.evaluate.embedded import parsed, prepared, syntax_of
from guardrails.evaluate.rego import lint
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check import metadata, opa_check
from guardrails.policy.check.entries import entries
from guardrails.policy.check.finding import Finding
from guardrails.policy.check.input_paths import mistake

# data, guardrails, and its name.
_AREA = 3
_MEMBERS = ("rule", "target", "message", "remediation")
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):)? (?P<what>.*)", re.DOTALL)
_ID = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")
_CALL = re.compile(r'violation\(\s*"(?P<id>[^"]+)"')
_LITERAL = re.compile(r'"rule":\s*"(?P<id>[^"]+)"')
# What the METADATA of a shipped rule says.
_SHIPPED = ("title", "description", "rule", "severity", "remediation", "incident")


def check(folders: Iterable[Path], opa: str | None = None) -> tuple[list[Finding], int]:
    """Every finding in the .rego files below the folders, in order, and the number of files.

    The shipped policies are there for them to use. `opa` is a program to ask as well. Raises PolicyError for a folder
    that cannot be read.
    """
    ours, wanted = shipped(), [folder.resolve() for folder in folders]
    found = read((ours, *(folder for folder in wanted if not folder.is_relative_to(ours))), tests=True)
    files = [name for name in found.modules if any(Path(name).is_relative_to(folder) for folder in wanted)]
    findings = set(_syntax(found, files))
    broken = {one.file for one in findings}
    good = evolve(found, modules={name: text for name, text in found.modules.items() if name not in broken})
    modules = parsed(good)
    if not broken:
        # What a broken file defines would be missing everywhere.
        findings |= set(_whole(found, modules, set(files)))
    findings |= set(_written(modules, set(files), wanted))
    if opa is not None:
        places = {(one.file, one.line) for one in findings}
        texts = [name for name in found.modules if Path(name).is_file()]
        said = opa_check.findings(opa, texts)
        findings |= {one for one in said if one.file in files and (one.file, one.line) not in places}
    return sorted(findings), len(files)


def _syntax(found: Bundle, files: Sequence[str]) -> Iterator[Finding]:
    """Each file by itself, so that a broken one does not hide the next."""
    for name in files:
        try:
            syntax_of(Bundle({name: found.modules[name]}, {}, ""))
        except PolicyError as error:
            yield _read(error, "syntax", name)


def _whole(found: Bundle, modules: Sequence[Module], files: set[str]) -> Iterator[Finding]:
    """What only all files together show: names that nothing defines, recursion, unsafe variables."""
    mistakes = list(lint.mistakes(modules, found.data))
    yield from (one for one in (_read(error, "lint") for error in mistakes) if one.file in files)
    if mistakes:
        return
    try:
        prepared(found).eval_rule_as_json("data")
    except BaseException as error:  # regorus panics with a BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        yield from _at_evaluation(found, error, files)


def _written(modules: Iterable[Module], files: set[str], folders: Sequence[Path]) -> Iterator[Finding]:
    """What each file shows by itself: its package, its entries with their METADATA, the parts of input that it asks."""
    schema = json.loads((shipped() / "schemas" / "input.json").read_text("utf-8"))
    owners: dict[str, str] = {}
    # The shipped policies first: they own their ids.
    for module in sorted(modules, key=lambda module: not Path(module.file).is_relative_to(shipped())):
        is_test = str(module.package[-1]).endswith("_test")
        found = [] if is_test else list(_entries(module, owners))
        if module.file not in files:
            continue
        yield from found
        yield from _placed(module, folders)
        if not is_test:
            yield from _inputs(module, schema)


def _entries(module: Module, owners: dict[str, str]) -> Iterator[Finding]:
    levels = entries(module)
    if levels and (len(module.package) != _AREA or module.package[:2] != ("data", "guardrails")):
        name = ".".join(map(str, module.package[1:]))
        what = f"nobody asks the {levels[0].path[-1]} of {name}; the package of an area is guardrails.<area>"
        yield Finding(module.file, levels[0].line, 1, "package", what)
    for rule in levels:
        level = str(rule.path[-1])
        if re.match(rf"\s*{level}\s+contains\b", module.lines[rule.line - 1]):
            yield from _entry(module, rule, owners)
        else:
            what = f"{level} is a set, and nobody asks for anything else; write `{level} contains {{…}} if {{`"
            yield Finding(module.file, rule.line, 1, "entry", what)


def _at_evaluation(found: Bundle, error: BaseException, files: set[str]) -> Iterator[Finding]:
    try:
        prepared(found)
    except PolicyError as refused:
        one = _read(refused, "compile", min(files))
    else:
        text = str(error).partition("Stack backtrace:")[0]
        place = re.search(r"--> (?P<file>.+?):(?P<line>\d+):(?P<column>\d+)", text)
        if place is None or "unsafe" not in text:
            # What fails for want of an input is no mistake of the policy.
            return
        what = text.rpartition("error: ")[2].strip()
        one = Finding(place["file"], int(place["line"]), int(place["column"]), "compile", what)
    if one.file in files:
        yield one


def _read(error: PolicyError, code: str, file: str = "") -> Finding:
    place = _PLACE.fullmatch(str(error))
    if place is None:
        return Finding(file, 1, 1, code, str(error))
    return Finding(place["file"], int(place["line"]), int(place["column"] or 1), code, place["what"])


def _placed(module: Module, folders: Sequence[Path]) -> Iterator[Finding]:
    """A package below guardrails/ is its folder; a file elsewhere may hold any."""
    file = Path(module.file)
    root = next(folder for folder in folders if file.is_relative_to(folder))
    parts = file.relative_to(root).parent.parts
    package = tuple(map(str, module.package[1:]))
    if "guardrails" in parts and parts[parts.index("guardrails") :] != package:
        wanted = ".".join(parts[parts.index("guardrails") :])
        line = next((n for n, text in enumerate(module.lines, 1) if text.startswith("package ")), 1)
        yield Finding(module.file, line, 1, "package", f"package {'.'.join(package)} lies in {wanted}; make them equal")


def _inputs(module: Module, schema: Mapping[str, Any]) -> Iterator[Finding]:
    for rule in module.rules:
        for found in module.references(rule, ()):
            if found.path[0] == "input" and not found.is_call:
                wrong = mistake(found.path, schema)
                if wrong:
                    yield Finding(module.file, found.span["line"], found.span["col"], "input", wrong)


def _entry(module: Module, rule: Rule, owners: dict[str, str]) -> Iterator[Finding]:
    """The entry's shape, its METADATA, and whose id it is."""
    try:
        told = metadata.above(module.lines, rule.line)
    except ValueError as error:
        yield Finding(module.file, rule.line, 1, "metadata", f"the METADATA above is not YAML: {error}")
        return
    head = module.text(rule.span).partition(" if ")[0]
    named = _LITERAL.search(head) or _CALL.search(head)
    # An entry that another rule made has its id in the METADATA only.
    rule_id = named["id"] if named else str(told.get("rule") or "")
    package = ".".join(map(str, module.package[1:]))
    owner = owners.setdefault(rule_id, package)
    wrong = [*_shape(str(rule.path[-1]), head, rule_id), *_metadata(module, told, rule_id)]
    if rule_id and owner != package:
        wrong.append(("id", f"{rule_id} is a rule of {owner}, too; give one of them another id"))
    for code, message in wrong:
        yield Finding(module.file, rule.line, 1, code, message)


def _shape(level: str, head: str, rule_id: str) -> Iterator[tuple[str, str]]:
    written = [member for member in _MEMBERS if f'"{member}":' in head]
    for member in _MEMBERS if written else ():
        if member not in written:
            yield "entry", f"the entry lacks {member}; a {level} has {', '.join(_MEMBERS)}"
    if not rule_id:
        yield "entry", "nobody knows the entry's rule; say it in the METADATA (custom: rule: area/name)"
    elif not _ID.fullmatch(rule_id):
        yield "id", f"{rule_id}: a rule's id is area/name in small letters"


def _metadata(module: Module, told: Mapping[str, str], rule_id: str) -> Iterator[tuple[str, str]]:
    ours = Path(module.file).is_relative_to(shipped())
    for key in _SHIPPED if ours else ("title", "rule"):
        if not told.get(key):
            yield "metadata", f"{rule_id or 'the rule'} has no {key} in its METADATA; say it above the rule"
    if told.get("rule", rule_id) != rule_id:
        yield "metadata", f"METADATA says rule {told['rule']}, the entry {rule_id}; make them equal"
