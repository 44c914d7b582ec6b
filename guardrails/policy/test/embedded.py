"""Run tests on the embedded engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from guardrails.evaluate.regorus import explain
from guardrails.policy.test.coverage import Coverage
from guardrails.policy.test.suite import Case, Suite, compiled


@frozen
class Outcome:
    """What came of a test; `reason` says why it failed, `prints` what it printed, line by line."""

    case: Case
    passed: bool
    reason: str = ""
    prints: tuple[str, ...] = ()
    seconds: float = 0.0


def run(suite: Suite, cases: Iterable[Case], *, coverage: Coverage | None = None) -> list[Outcome]:
    """Each test's outcome, in order. A test passes where its rule is true; undefined or an error is a failure.

    `coverage` is told which lines were evaluated.
    """
    made: list[Any] = []
    try:
        return [_outcome(case, _engine(made, suite, coverage), made, coverage) for case in cases]
    finally:
        _finish(made, coverage)


def _engine(made: list[Any], suite: Suite, coverage: Coverage | None) -> Any:
    if not made:
        engine = compiled(suite.checked)
        engine.set_gather_prints(True)
        engine.set_enable_coverage(coverage is not None)
        made.append(engine)
    return made[0]


def _outcome(case: Case, engine: Any, made: list[Any], coverage: Coverage | None) -> Outcome:
    started = time.perf_counter()
    try:
        value = json.loads(engine.eval_rule_as_json(case.path))
        reason = "" if value is True else _reason(value)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # regorus panics with a BaseException
        reason = explain(error)
    seconds = time.perf_counter() - started
    prints = tuple(str(line).rpartition(f"{case.file}:")[2] for line in engine.take_prints())
    if reason:
        # An engine that failed may not be itself any more.
        _finish(made, coverage)
    return Outcome(case, not reason, reason, prints, seconds)


def _finish(made: list[Any], coverage: Coverage | None) -> None:
    while made:
        engine = made.pop()
        if coverage is not None:
            coverage.add(json.loads(engine.get_coverage_report_as_json()))


def _reason(value: Any) -> str:
    if value == "<undefined>":
        return "undefined: a condition does not hold"
    if isinstance(value, dict):
        return "it has cases (test_x[case]); write a rule of its own for each"
    return f"it is {json.dumps(value)}, not true"
