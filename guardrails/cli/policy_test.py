"""``guardrails policy test``: run the tests beside policies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from guardrails.cli import own_policies
from guardrails.errors import ConfigError
from guardrails.policy.test import embedded, junit, opa_test, suite
from guardrails.policy.test.coverage import Coverage
from guardrails.policy.test.embedded import Outcome


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--run", "pattern", metavar="REGEX", default="", help="Only tests whose package.name matches.")
@click.option("-v", "--verbose", is_flag=True, help="Show every test and what it prints, not only failures.")
@click.option("--coverage", "cover", is_flag=True, help="Show which lines no test evaluates (embedded engine).")
@click.option("--threshold", type=click.FloatRange(0, 100), help="With less coverage the exit code is 1.")
@click.option("--junit", "xml", metavar="FILE", type=click.Path(path_type=Path), help="Write JUnit's XML, too.")
@click.option("--engine", type=click.Choice(["embedded", "opa"]), default="embedded", show_default=True)
@click.option("--parity", is_flag=True, help="Run on both engines; a different outcome is a failure.")
@click.option("--format", "style", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.pass_context
def test(
    context: click.Context,
    folders: tuple[Path, ...],
    *,
    pattern: str,
    verbose: bool,
    cover: bool,
    threshold: float | None,
    xml: Path | None,
    engine: str,
    parity: bool,
    style: str,
) -> None:
    """Run the test_ rules below FOLDERS, or those of this configuration's policies (the shipped ones without any).

    Exit code 1 where a test fails or none is found, or coverage is below the threshold.
    """
    if (cover or threshold is not None) and engine == "opa" and not parity:
        raise ConfigError("--coverage is measured on the embedded engine; leave out --engine opa, or add --parity")
    wanted = _pattern(pattern)
    there = suite.load(folders or own_policies.folders(context.obj))
    coverage = Coverage(there.files) if cover or threshold is not None else None
    cases = [case for case in there.cases if wanted.search(case.id)]
    other = opa_test.run(there, cases) if parity or engine == "opa" else []
    done = embedded.run(there, cases, coverage=coverage) if parity or engine == "embedded" else other
    differing = {
        one.case.id: f"passes on {'embedded' if one.passed else 'opa'} only"
        for one, two in zip(done, other, strict=False)
        if one.passed != two.passed
    }
    if xml is not None:
        junit.write(xml, done)
    failed = [outcome for outcome in done if not outcome.passed]
    if style == "json":
        click.echo(json.dumps(_document(done, differing, coverage), indent=2))
    else:
        _pretty(done, differing, coverage, verbose=verbose, parity=parity)
    low = coverage is not None and threshold is not None and coverage.percent < threshold
    if low and coverage is not None:
        click.echo(f"coverage {coverage.percent:.1f} % is below the threshold {threshold:g} %", err=True)
    if not done:
        click.echo("no test was found; tests are rules named test_… in files named …_test.rego", err=True)
    if failed or differing or low or not done:
        context.exit(1)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigError(f"--run: {text!r} is no regular expression ({error})") from error


def _pretty(
    done: Sequence[Outcome], differing: Mapping[str, str], coverage: Coverage | None, *, verbose: bool, parity: bool
) -> None:
    for outcome in done:
        case = outcome.case
        unlike = differing.get(case.id)
        if outcome.passed and not verbose and not unlike:
            continue
        verdict = click.style("pass", fg="green") if outcome.passed else click.style("FAIL", fg="red")
        click.echo(f"{verdict}  {case.id}  {own_policies.near(case.file)}:{case.line}  {outcome.seconds * 1000:.1f} ms")
        if not outcome.passed:
            click.echo(f"      {outcome.reason}")
        if unlike:
            click.echo(f"      {unlike}")
        for line in outcome.prints:
            click.echo(f"      print: {line}")
    for file in coverage.files() if coverage else []:
        missing = f"  not covered: {_ranges(file.missing)}" if file.missing else ""
        if missing or verbose:
            click.echo(f"{file.percent:6.1f} %  {own_policies.near(file.file)}{missing}")
    failed = sum(not outcome.passed for outcome in done)
    covered = f", {coverage.percent:.1f} % of lines covered" if coverage else ""
    unlike = f", {len(differing)} differ between the engines" if parity else ""
    click.echo(f"{len(done)} tests, {len(done) - failed} passed, {failed} failed{unlike}{covered}")


def _ranges(lines: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][-1] + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _document(done: Sequence[Outcome], differing: Mapping[str, str], coverage: Coverage | None) -> Mapping[str, Any]:
    failed = sum(not outcome.passed for outcome in done)
    document: dict[str, Any] = {
        "passed": len(done) - failed,
        "failed": failed,
        "differing": differing,
        "tests": [
            {
                **asdict(outcome.case),
                "passed": outcome.passed,
                "reason": outcome.reason,
                "prints": outcome.prints,
                "seconds": round(outcome.seconds, 6),
            }
            for outcome in done
        ],
    }
    if coverage is not None:
        document["coverage"] = {
            "percent": round(coverage.percent, 2),
            "files": [
                {"file": file.file, "percent": round(file.percent, 2), "missing": file.missing}
                for file in coverage.files()
            ],
        }
    return document
