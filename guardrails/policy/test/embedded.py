"""Runs tests on the embedded engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from attrs import define

from guardrails.evaluate.regorus import explain
from guardrails.policy.test.coverage import Coverage
from guardrails.policy.test.suite import RegoTest, Suite, compiled
from guardrails.values import frozen


@frozen
class RegoTestResult:
    """`reason` says why the test failed, `prints` has what it printed, line by line."""

    test: RegoTest
    passed: bool
    reason: str = ""
    prints: tuple[str, ...] = ()
    seconds: float = 0.0


@define
class _Engine:
    """One engine for all tests, replaced after a failure because a failed engine may be in a broken state."""

    suite: Suite
    coverage: Coverage | None
    _current: Any = None

    def get(self) -> Any:
        if self._current is None:
            self._current = compiled(self.suite.checked)
            self._current.set_gather_prints(True)
            self._current.set_enable_coverage(self.coverage is not None)
        return self._current

    def drop(self) -> None:
        """Give it up, after collecting its coverage."""
        if self._current is not None and self.coverage is not None:
            self.coverage.add(json.loads(self._current.get_coverage_report_as_json()))
        self._current = None


def run(suite: Suite, tests: Iterable[RegoTest], *, coverage: Coverage | None = None) -> list[RegoTestResult]:
    """The result of each test, in order. A test passes if its rule is true; undefined or an error is a failure.

    The evaluated lines are added to `coverage`.
    """
    engine = _Engine(suite, coverage)
    try:
        return [_result(test, engine) for test in tests]
    finally:
        engine.drop()


def _result(test: RegoTest, engine: _Engine) -> RegoTestResult:
    current = engine.get()
    started = time.perf_counter()
    try:
        value = json.loads(current.eval_rule_as_json(test.path))
        reason = "" if value is True else _reason(value)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # regorus panics with a BaseException
        reason = explain(error)
    seconds = time.perf_counter() - started
    prints = tuple(str(line).rpartition(f"{test.file}:")[2] for line in current.take_prints())
    if reason:
        engine.drop()
    return RegoTestResult(test, not reason, reason, prints, seconds)


def _reason(value: Any) -> str:
    if value == "<undefined>":
        return "undefined: a condition is not true"
    if isinstance(value, dict):
        return "it has several values (test_x[case]); write one rule per case"
    return f"it is {json.dumps(value)}, not true"
