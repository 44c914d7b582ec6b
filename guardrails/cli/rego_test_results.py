"""The results of policy tests on a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from attrs import asdict

from guardrails.cli import own_policies
from guardrails.policy.test.coverage import Coverage
from guardrails.policy.test.embedded import RegoTestResult
from guardrails.show.sentences import counted


def differing(embedded: Sequence[RegoTestResult], opa: Sequence[RegoTestResult]) -> dict[str, str]:
    """The tests that pass on one engine only, by id, each with a sentence."""
    return {
        one.test.id: f"passes on {'embedded' if one.passed else 'opa'} only"
        for one, other in zip(embedded, opa, strict=False)
        if one.passed != other.passed
    }


def show(
    results: Sequence[RegoTestResult],
    differences: Mapping[str, str] | None,
    coverage: Coverage | None,
    *,
    verbose: bool,
) -> None:
    """Failures (every test if `verbose`), uncovered lines, and the totals; `differences` is None for one engine."""
    for result in results:
        difference = (differences or {}).get(result.test.id, "")
        if not result.passed or verbose or difference:
            _show_one(result, difference)
    for file in coverage.files() if coverage else []:
        missing = f"  not covered: {_ranges(file.missing)}" if file.missing else ""
        if missing or verbose:
            click.echo(f"{file.percent:6.1f} %  {own_policies.short_path(file.file)}{missing}")
    failed = sum(not result.passed for result in results)
    covered = f", {coverage.percent:.1f} % of lines covered" if coverage else ""
    differ = "" if differences is None else f", {len(differences)} differ between the engines"
    click.echo(f"{counted(len(results), 'test')}, {len(results) - failed} passed, {failed} failed{differ}{covered}")


def _show_one(result: RegoTestResult, difference: str) -> None:
    verdict = click.style("pass", fg="green") if result.passed else click.style("FAIL", fg="red")
    place = f"{own_policies.short_path(result.test.file)}:{result.test.line}"
    click.echo(f"{verdict}  {result.test.id}  {place}  {result.seconds * 1000:.1f} ms")
    if not result.passed:
        click.echo(f"      {result.reason}")
    if difference:
        click.echo(f"      {difference}")
    for line in result.prints:
        click.echo(f"      print: {line}")


def _ranges(lines: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][-1] + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def document(
    results: Sequence[RegoTestResult], differences: Mapping[str, str], coverage: Coverage | None
) -> Mapping[str, Any]:
    """As JSON."""
    failed = sum(not result.passed for result in results)
    whole: dict[str, Any] = {
        "passed": len(results) - failed,
        "failed": failed,
        "differing": differences,
        "tests": [
            {
                **asdict(result.test),
                "passed": result.passed,
                "reason": result.reason,
                "prints": result.prints,
                "seconds": round(result.seconds, 6),
            }
            for result in results
        ],
    }
    if coverage is not None:
        whole["coverage"] = {
            "percent": round(coverage.percent, 2),
            "files": [
                {"file": file.file, "percent": round(file.percent, 2), "missing": file.missing}
                for file in coverage.files()
            ],
        }
    return whole
