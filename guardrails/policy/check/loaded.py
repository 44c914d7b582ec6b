"""What is wrong with rules that load: METADATA, ids, packages, and facts that may be missing.

`guardrails policy check` shows it, and so do install() and the doctor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from guardrails.evaluate.bundle import rule_owners, shipped
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.syntax import Module
from guardrails.policy.check import entry_mistakes, missing_facts, negations, odd_arguments, opa_refusals, sprintf
from guardrails.policy.check.input_paths import unknown_part


def findings(modules: Sequence[Module], folders: Sequence[Path], texts: Mapping[str, str]) -> Iterator[Mistake]:
    """The mistakes in modules that are below `folders`; `texts` has all modules, the shipped ones too."""
    schema = json.loads((shipped() / "schemas" / "input.json").read_text("utf-8"))
    # The shipped policies own their ids.
    owners = rule_owners(text for name, text in texts.items() if Path(name).is_relative_to(shipped()))
    yield from opa_refusals.of(modules, texts)
    defined = negations.defined(modules)
    for module in modules:
        yield from _package(module, folders)
        if not str(module.package[-1]).endswith("_test"):
            yield from entry_mistakes.of(module, owners)
            yield from _input_references(module, schema)
            yield from missing_facts.of(module, schema, defined)
            yield from sprintf.of(module)
            yield from odd_arguments.of(module)


def _package(module: Module, folders: Sequence[Path]) -> Iterator[Mistake]:
    """Below a folder guardrails/ the package follows the folders; elsewhere it is free."""
    file = Path(module.file)
    root = next(folder for folder in folders if file.is_relative_to(folder))
    parts = file.relative_to(root).parent.parts
    package = tuple(map(str, module.package[1:]))
    if "guardrails" not in parts or parts[parts.index("guardrails") :] == package:
        return
    expected = ".".join(parts[parts.index("guardrails") :])
    line = next((number for number, text in enumerate(module.lines, 1) if text.startswith("package ")), 1)
    message = f"package {'.'.join(package)} is in the folder of {expected}; move the file or rename the package"
    yield Mistake(module.file, line, 1, "package", message)


def _input_references(module: Module, schema: Mapping[str, Any]) -> Iterator[Mistake]:
    for rule in module.rules:
        for reference in module.references(rule, ()):
            if reference.path[0] == "input" and not reference.is_call:
                message = unknown_part(reference.path, schema)
                if message:
                    yield Mistake(module.file, reference.span["line"], reference.span["col"], "input", message)
