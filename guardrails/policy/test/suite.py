"""The tests beside policies: which there are, and the policies they need."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import frozen

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle, read, shipped
from guardrails.evaluate.embedded import checked
from guardrails.evaluate.rego.syntax import Module
from guardrails.evaluate.regorus import ask, explain, new_engine


@frozen
class Case:
    """One `test_` rule; `package` without the leading data."""

    package: str
    name: str
    file: str
    line: int

    @property
    def id(self) -> str:
        """As people name it and `--run` matches it: ``guardrails.naming_test.test_keep``."""
        return f"{self.package}.{self.name}"

    @property
    def path(self) -> str:
        """As the engine names it."""
        return f"data.{self.id}"


@frozen
class Suite:
    """`bundle` as read, `checked` as the embedded engine evaluates it, `files` those below the folders asked for."""

    bundle: Bundle
    checked: Bundle
    cases: tuple[Case, ...]
    files: frozenset[str]


def load(folders: Iterable[Path]) -> Suite:
    """The tests below the folders; the shipped policies are there for them to use.

    Raises PolicyError with file and line for policies or tests that do not load.
    """
    ours, wanted = shipped(), [folder.resolve() for folder in folders]
    own = [folder for folder in wanted if not folder.is_relative_to(ours)]
    for folder in wanted:
        if not folder.is_dir():
            raise PolicyError(f"{folder}: no such folder of policies; name one that is there")
    found = read((ours, *own), tests=True)
    try:
        made = checked(found)
        engine = compiled(made)
        # Unsafe variables show at the first evaluation only.
        ask(engine, {})
        cases = _cases(json.loads(engine.get_ast_as_json()))
    except (KeyboardInterrupt, SystemExit, PolicyError):
        raise
    except BaseException as error:  # regorus panics with a BaseException
        raise PolicyError(explain(error)) from None
    files = frozenset(name for name in found.modules if any(Path(name).is_relative_to(folder) for folder in wanted))
    return Suite(found, made, tuple(case for case in cases if case.file in files), files)


def compiled(made: Bundle) -> Any:
    """An engine with these policies and an empty input, as `opa test` has."""
    engine = new_engine(made)
    engine.set_input_json("{}")
    return engine


def _cases(ast: Any) -> Iterable[Case]:
    found: dict[str, Case] = {}
    for module in map(Module, ast):
        for rule in module.rules:
            name = str(rule.path[-1])
            if name.startswith("test_") and not rule.is_function and len(rule.path) == len(module.package) + 1:
                case = Case(".".join(map(str, module.package[1:])), name, rule.file, rule.line)
                found.setdefault(case.id, case)
    return sorted(found.values(), key=lambda case: case.id)
