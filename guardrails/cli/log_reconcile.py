"""``guardrails log reconcile``: compares CloudTrail with the decision log."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
import click
from rich.text import Text

from guardrails.audit.reconcile import Bypass, reconcile
from guardrails.classify.catalogue import Catalogue
from guardrails.cli.options import config_option, format_option
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.record.many_logs import gathered
from guardrails.show.sentences import counted


@click.command()
@config_option
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--log",
    "logs",
    multiple=True,
    help="Another host's decision log: a file, folder or pattern, or s3://BUCKET/PREFIX; several add up.",
)
@format_option
def reconcile_(config: str | None, files: tuple[Path, ...], logs: tuple[str, ...], fmt: str) -> None:
    """List governed calls in CloudTrail that bypassed the guard.

    FILES are CloudTrail files, gzipped or not, or folders of them. A guarded call is recognized by the decision id in
    its User-Agent. Exit code 1 if a call bypassed the guard.
    """
    settings = load(config)
    known = {}
    with gathered(settings.log, logs, own=True) as found:
        for entry in found.read():
            if isinstance(entry, str):
                click.echo(f"guardrails: {entry}", err=True)
            else:
                known[entry.decision_id] = entry
    count = 0
    for bypass in reconcile(files, known.values(), Catalogue()):
        if isinstance(bypass, str):
            click.echo(f"guardrails: {bypass}", err=True)
            continue
        count += 1
        if fmt == "json":
            click.echo(json.dumps(attrs.asdict(bypass)))
        else:
            _show_bypass(bypass)
    if fmt == "pretty":
        click.echo(f"{counted(count, 'governed call')} bypassed the guard ({counted(len(known), 'decision')} known)")
    sys.exit(1 if count else 0)


def _show_bypass(bypass: Bypass) -> None:
    console().print(
        Text.assemble(
            f"{bypass.time}  ",
            (f"{bypass.why:<16}", "red" if not bypass.error else "yellow"),
            f"  {bypass.service}:{bypass.operation}  {bypass.region}  {bypass.principal}  {bypass.address}",
            f"  refused: {bypass.error}" if bypass.error else "",
            (f"  {bypass.event_id}", "dim"),
        ),
        soft_wrap=True,
    )
