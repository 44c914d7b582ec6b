"""``guardrails policy compare``: whether new policies allow anything that the old ones stop."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import click

from guardrails.cli import compare_result, compare_sources
from guardrails.cli.options import config_option
from guardrails.cli.show import console
from guardrails.errors import ConfigError
from guardrails.policy.check.formats import github, github_warning, sarif
from guardrails.policy.compare.result import Comparison
from guardrails.policy.compare.run import NEIGHBORS, Comparing


@click.command()
@config_option
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--log", "logs", multiple=True, type=click.Path(path_type=Path),
              help="Also try the inputs in this decision log.")  # fmt: skip
@click.option("--both", is_flag=True, help="Also list where NEW is stricter.")
@click.option("--neighbors", type=click.IntRange(0), default=NEIGHBORS, show_default=True,
              help="How many inputs to try beside the known ones.")  # fmt: skip
@click.option("--write", "folder", type=click.Path(path_type=Path), help="Write each counterexample to this folder.")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json", "github", "sarif", "junit"]), default="pretty",
              help="For people, programs, GitHub Actions, code scanning or CI.")  # fmt: skip
def compare(
    config: str | None,
    old: str,
    new: str,
    *,
    logs: tuple[Path, ...],
    both: bool,
    neighbors: int,
    folder: Path | None,
    fmt: str,
) -> None:
    """Look for calls that NEW policies allow and OLD ones stop.

    OLD and NEW are folders, bundles (.tar.gz), configurations (guardrails.toml), or git:REVISION:PATH of one. Many
    inputs are decided on by both: every effect on every kind of target and state of the clusters, and what is next to
    inputs on which a changed rule acts. A counterexample is an input that `policy eval` and `policy explain` take. None
    found is no proof. Exit code 1 if NEW is wider.
    """
    del config  # OLD and NEW say what is compared
    missing = next((file for file in logs if not file.is_file()), None)
    if missing is not None:
        raise ConfigError(f"{missing}: no such decision log; name another file with --log")
    comparing = Comparing(compare_sources.read(old), compare_sources.read(new), stricter=both, neighbors=neighbors)
    comparison = comparing.run(compare_sources.recorded(logs))
    files = compare_result.write(folder, comparison.wider) if folder is not None else ()
    _report(comparison, fmt)
    if fmt == "pretty":
        if others := compare_sources.other_settings(old, new):
            click.echo(f"Not compared: {', '.join(others)}. The configurations differ there, and no policy sees it.")
        for file in files:
            click.echo(compare_result.hint(file, comparison))
    sys.exit(1 if comparison.is_wider else 0)


def _report(comparison: Comparison, fmt: str) -> None:
    if fmt == "json":
        click.echo(json.dumps(comparison.document(), indent=2))
    elif fmt == "junit":
        click.echo(compare_result.junit(comparison))
    elif fmt == "sarif":
        mistakes, notes = compare_result.mistakes(comparison), compare_result.notes(comparison)
        log = sarif(mistakes, version("botocore-guardrails"), "guardrails policy compare", notes)
        click.echo(json.dumps(log, indent=2))
    elif fmt == "github":
        for mistake in compare_result.mistakes(comparison):
            click.echo(github(mistake))
        for rule in comparison.silent:
            click.echo(github_warning(rule, compare_result.nothing_known(rule)))
    else:
        compare_result.show(console(), comparison)
