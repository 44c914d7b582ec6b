"""Run the tests on each mutant, until the first that notices it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import PurePath
from typing import Any

from attrs import evolve

from guardrails.errors import ConfigError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.rego.syntax import Module
from guardrails.policy.mutate import mutants
from guardrails.policy.mutate.mutants import Mutant
from guardrails.policy.test.suite import Suite, compiled

# Evaluated first, because it must succeed: an engine refuses all questions where one rule does not compile.
_PROBE = "package guardrails_probe\n\nok := true\n"
_BESIDE = ("areas",)


def make(suite: Suite, areas: Sequence[str] = ()) -> list[Mutant]:
    """The mutants of the suite's own policies, of these areas or of all. Raises ConfigError for an unknown area."""
    found: list[Mutant] = []
    known: set[str] = set()
    for entry in json.loads(compiled(suite.checked).get_ast_as_json()):
        file = str(entry["source"]["file"])
        area = Module(entry).package[-1]
        if file not in suite.files or PurePath(file).stem.endswith("_test") or area in _BESIDE:
            continue
        known.add(str(area))
        if not areas or area in areas:
            found += mutants.of(entry)
    for area in areas:
        if area not in known:
            raise ConfigError(f"{area}: no such area; there are {', '.join(sorted(known))}")
    return found


def run(
    suite: Suite, found: Sequence[Mutant], jobs: int, told: Callable[[int], None] = lambda _: None
) -> list[str | None]:
    """For each mutant the test that noticed it, "" for none, None where it does not compile; `told` how many are done.

    The lint is not asked again: a mutant has no reference and no function that the policy has not.
    """
    context = multiprocessing.get_context("spawn")
    answers: list[str | None] = []
    given = (suite.checked, [(case.package, case.path) for case in suite.cases])
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=given) as pool:
        for answer in pool.map(_try, found, chunksize=8):
            answers.append(answer)
            told(len(answers))
    return answers


def failing(suite: Suite) -> str:
    """The first test that fails on the policies as they are, "" where all pass."""
    return _noticed(compiled(suite.checked), [case.path for case in suite.cases])


class _Worker:
    """What one process keeps from mutant to mutant: all of a bundle compiled but the file that is mutated."""

    def __init__(self, bundle: Bundle, cases: Sequence[tuple[str, str]]) -> None:
        self.bundle, self.cases = bundle, cases
        self._file, self._rest = "", None

    def engine(self, mutant: Mutant) -> Any:
        if self._file != mutant.file:
            rest: Mapping[str, str] = {name: text for name, text in self.bundle.modules.items() if name != mutant.file}
            self._rest = compiled(evolve(self.bundle, modules={**rest, "probe": _PROBE}))
            self._file = mutant.file
        engine: Any = self._rest
        made = engine.clone()
        made.add_policy(mutant.file, mutant.apply(self.bundle.modules[mutant.file]))
        return made

    def ordered(self, area: str) -> list[str]:
        """The tests of the area itself first: they are likely to notice."""
        own = [path for package, path in self.cases if package == f"guardrails.{area}_test"]
        return own + [path for package, path in self.cases if package != f"guardrails.{area}_test"]


_workers: list[_Worker] = []


def _start(bundle: Bundle, cases: Sequence[tuple[str, str]]) -> None:
    _workers[:] = [_Worker(bundle, cases)]


def _try(mutant: Mutant) -> str | None:
    (worker,) = _workers
    try:
        engine = worker.engine(mutant)
        engine.eval_rule_as_json("data.guardrails_probe.ok")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # regorus panics with a BaseException
        return None
    return _noticed(engine, worker.ordered(mutant.area))


def _noticed(engine: Any, paths: Sequence[str]) -> str:
    for path in paths:
        try:
            passed = engine.eval_rule_as_json(path) == "true"
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # an error fails a test, too
            passed = False
        if not passed:
            return path
    return ""
