"""The tests beside policies, and the policies they need."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle, read, shipped
from guardrails.evaluate.checked import checked
from guardrails.evaluate.rego.syntax import Module
from guardrails.evaluate.regorus import ask, explain, new_engine
from guardrails.values import frozen


@frozen
class RegoTest:
    """One `test_` rule; `package` is without the leading data."""

    package: str
    name: str
    file: str
    line: int

    @property
    def id(self) -> str:
        """As reports show it and `--run` matches it: ``guardrails.naming_test.test_keep``."""
        return f"{self.package}.{self.name}"

    @property
    def path(self) -> str:
        """As the engine calls it."""
        return f"data.{self.id}"


@frozen
class Suite:
    """`bundle` as read, `checked` as the embedded engine evaluates it, `files` those below the folders asked for."""

    bundle: Bundle
    checked: Bundle
    tests: tuple[RegoTest, ...]
    files: frozenset[str]


def load(folders: Iterable[Path]) -> Suite:
    """The tests below the folders; their policies may use the shipped ones.

    Raises PolicyError with file and line if policies or tests do not load.
    """
    ours, wanted = shipped(), [folder.resolve() for folder in folders]
    own = [folder for folder in wanted if not folder.is_relative_to(ours)]
    for folder in wanted:
        if not os.path.isdir(folder):
            raise PolicyError(f"{folder}: no such policy folder; name an existing one")
    bundle = read((ours, *own), tests=True)
    try:
        valid = checked(bundle)
        engine = compiled(valid)
        # Unsafe variables are reported only at the first evaluation.
        ask(engine, {})
        tests = _tests(json.loads(engine.get_ast_as_json()))
    except (KeyboardInterrupt, SystemExit, PolicyError):
        raise
    except BaseException as error:  # regorus panics with a BaseException
        raise PolicyError(explain(error)) from None
    files = frozenset(name for name in bundle.modules if any(Path(name).is_relative_to(folder) for folder in wanted))
    return Suite(bundle, valid, tuple(test for test in tests if test.file in files), files)


def compiled(bundle: Bundle) -> Any:
    """An engine with these policies and an empty input, as in `opa test`."""
    engine = new_engine(bundle)
    engine.set_input_json("{}")
    return engine


def _tests(ast: Any) -> Iterable[RegoTest]:
    tests: dict[str, RegoTest] = {}
    for module in map(Module, ast):
        for rule in module.rules:
            name = str(rule.path[-1])
            if name.startswith("test_") and not rule.is_function and len(rule.path) == len(module.package) + 1:
                test = RegoTest(".".join(map(str, module.package[1:])), name, rule.file, rule.line)
                tests.setdefault(test.id, test)
    return sorted(tests.values(), key=lambda test: test.id)
