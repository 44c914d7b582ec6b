"""``guardrails policy test``: runs the tests beside policies."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

from guardrails.cli import own_policies, rego_test_results
from guardrails.cli.options import Number, config_option, format_option
from guardrails.errors import ConfigError
from guardrails.policy.test import embedded, junit, opa_test, suite
from guardrails.policy.test.coverage import Coverage


@click.command()
@config_option
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--run", "pattern", metavar="REGEX", default="", help="Only tests whose package.name matches.")
@click.option("-v", "--verbose", is_flag=True, help="Show every test and its prints, not only failures.")
@click.option("--coverage", "cover", is_flag=True, help="Show lines that no test evaluates (embedded engine).")
@click.option("--threshold", type=Number(0, 100), help="Fail below this coverage, in percent.")
@click.option("--junit", "xml", metavar="FILE", type=click.Path(path_type=Path), help="Also write JUnit XML.")
@click.option(
    "--engine",
    type=click.Choice(["embedded", "opa"]),
    default="embedded",
    show_default=True,
    help="What evaluates the tests.",
)
@click.option("--parity", is_flag=True, help="Run on both engines; a different result is a failure.")
@format_option
def test(
    config: str | None,
    folders: tuple[Path, ...],
    *,
    pattern: str,
    verbose: bool,
    cover: bool,
    threshold: float | None,
    xml: Path | None,
    engine: str,
    parity: bool,
    fmt: str,
) -> None:
    """Run the tests of policies.

    Tests are rules named test_… in files named …_test.rego below FOLDERS; default: the policies of this configuration,
    else the shipped ones. Exit code 1 if a test fails, none is found, or coverage is below the threshold.
    """
    if (cover or threshold is not None) and engine == "opa" and not parity:
        raise ConfigError("--coverage needs the embedded engine; remove --engine opa, or add --parity")
    wanted = _pattern(pattern)
    loaded = suite.load(folders or own_policies.folders(config))
    coverage = Coverage(loaded.files) if cover or threshold is not None else None
    tests = [each for each in loaded.tests if wanted.search(each.id)]
    on_opa = opa_test.run(loaded, tests) if parity or engine == "opa" else []
    results = embedded.run(loaded, tests, coverage=coverage) if parity or engine == "embedded" else on_opa
    differing = rego_test_results.differing(results, on_opa)
    if xml is not None:
        junit.write(xml, results)
    if fmt == "json":
        click.echo(json.dumps(rego_test_results.document(results, differing, coverage), indent=2))
    else:
        rego_test_results.show(results, differing if parity else None, coverage, verbose=verbose)
    low = coverage is not None and threshold is not None and coverage.percent < threshold
    if low and coverage is not None:
        click.echo(f"coverage {coverage.percent:.1f} % is below the threshold {threshold:g} %", err=True)
    if not results:
        click.echo("no tests found; tests are rules named test_… in files named …_test.rego", err=True)
    failed = any(not result.passed for result in results)
    sys.exit(1 if failed or differing or low or not results else 0)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigError(f"--run: {text!r} is not a regular expression ({error})") from error
