"""Makes mutants and runs the tests on each, until the first that notices it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, ClassVar

from attrs import evolve

from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.rego.syntax import Module
from guardrails.policy.mutate.mutants import Mutant, mutants_in
from guardrails.policy.test.suite import Suite, compiled
from guardrails.policy.workers import WorkerPool

# Evaluated first: if it fails, the mutant does not compile, because an engine then refuses every query.
_PROBE = "package guardrails_probe\n\nok := true\n"
# Collects the areas and is not one itself.
_NOT_AN_AREA = ("areas",)


def mutants_of(suite: Suite, areas: Sequence[str] = ()) -> list[Mutant]:
    """The mutants of the suite's policies, of these areas or of all. Raises ConfigError for an unknown area."""
    made: list[Mutant] = []
    known: set[str] = set()
    for entry in json.loads(compiled(suite.checked).get_ast_as_json()):
        file = str(entry["source"]["file"])
        area = Module(entry).package[-1]
        if file not in suite.files or PurePath(file).stem.endswith("_test") or area in _NOT_AN_AREA:
            continue
        known.add(str(area))
        if not areas or area in areas:
            made += mutants_in(entry)
    for area in areas:
        if area not in known:
            hint = suggestion(area, known, f"the areas are {', '.join(sorted(known))}")
            raise ConfigError(f"{area}: no such area; {hint}")
    return made


def run(
    suite: Suite, mutants: Sequence[Mutant], jobs: int, progress: Callable[[int], None] = lambda _: None
) -> list[str | None]:
    """For each mutant the test that noticed it; "" if none did, None if it does not compile.

    `progress` is called with the number of mutants done. Mutants are not linted: they use no reference or function that
    the policy does not use.
    """
    noticed_by: list[str | None] = []
    tests = [(test.package, test.path) for test in suite.tests]
    with WorkerPool(jobs, _MutantWorker.start, suite.checked, tests) as pool:
        for test in pool.map(_MutantWorker.try_, mutants, chunksize=8):
            noticed_by.append(test)
            progress(len(noticed_by))
    return noticed_by


def failing(suite: Suite) -> str:
    """The first test that fails on the unchanged policies; "" if all pass."""
    return _noticed(compiled(suite.checked), [test.path for test in suite.tests])


class _MutantWorker:
    """A process of the pool. Keeps the rest of the bundle compiled, all but the mutated file, from mutant to mutant."""

    current: ClassVar[_MutantWorker]

    def __init__(self, bundle: Bundle, tests: Sequence[tuple[str, str]]) -> None:
        self._bundle, self._tests = bundle, tests
        self._file, self._rest = "", None

    @classmethod
    def start(cls, bundle: Bundle, tests: Sequence[tuple[str, str]]) -> None:
        cls.current = cls(bundle, tests)

    @classmethod
    def try_(cls, mutant: Mutant) -> str | None:
        """The test that notices the mutant; "" if none does, None if it does not compile."""
        try:
            engine = cls.current.engine(mutant)
            engine.eval_rule_as_json("data.guardrails_probe.ok")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # regorus panics with a BaseException
            return None
        return _noticed(engine, cls.current.ordered(mutant.area))

    def engine(self, mutant: Mutant) -> Any:
        if self._file != mutant.file:
            rest: Mapping[str, str] = {name: text for name, text in self._bundle.modules.items() if name != mutant.file}
            self._rest = compiled(evolve(self._bundle, modules={**rest, "probe": _PROBE}))
            self._file = mutant.file
        rest_engine: Any = self._rest
        engine = rest_engine.clone()
        engine.add_policy(mutant.file, mutant.apply(self._bundle.modules[mutant.file]))
        return engine

    def ordered(self, area: str) -> list[str]:
        """The area's own tests first, because they are the most likely to notice."""
        own = [path for package, path in self._tests if package == f"guardrails.{area}_test"]
        return own + [path for package, path in self._tests if package != f"guardrails.{area}_test"]


def _noticed(engine: Any, paths: Sequence[str]) -> str:
    for path in paths:
        try:
            passed = engine.eval_rule_as_json(path) == "true"
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # an error also fails a test
            passed = False
        if not passed:
            return path
    return ""
