"""``guardrails report``: the decision log as a page, or one decision's blast radius."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from guardrails.cli.options import config_option
from guardrails.cli.output_file import writing
from guardrails.config.load import load
from guardrails.errors import ConfigError
from guardrails.record.entries import Entry
from guardrails.record.many_logs import gathered
from guardrails.report import decision_page, page, tally
from guardrails.values import rfc3339

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@click.command()
@config_option
@click.option(
    "--log",
    "logs",
    multiple=True,
    help="A decision log, its rotated files included, a folder, a pattern or s3://BUCKET/PREFIX; several add up.",
)
@click.option("--since", default="", metavar="7d|2026-11-24", help="Leave out what is older.")
@click.option("--id", "decision_id", help="The blast radius of one decision, by its id or the beginning of it.")
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="The file to write; - prints it. Default: guardrails-report.html, or with --id "
                   "guardrails-decision-ID.html.")  # fmt: skip
@click.option(
    "--format", "fmt", type=click.Choice(["html", "json"]), default="html", show_default=True, help="A page, or JSON."
)
def report(
    config: str | None, logs: tuple[str, ...], since: str, decision_id: str | None, output: Path | None, fmt: str
) -> None:
    """Write the decision log as one HTML page.

    The page shows a timeline, denials, near misses, rules in dryrun and break glass.

    With --id the page is a picture of what one call would have hit, and what would have remained. The page fetches
    nothing. With --format json the counts, or the decision, go to standard output instead.
    """
    settings = load(config)
    with gathered(settings.log, logs) as found:
        if not found.streams:
            off = "" if settings.log.enabled else " (log.enabled is false)"
            raise ConfigError(f"{settings.log.path}: no such decision log{off}; name one with --log")
        if decision_id is not None:
            entry = _wanted(found.read(), decision_id)
            single = Path(f"guardrails-decision-{entry.short_id}.html")
            _put(json.dumps(entry.document, indent=2) if fmt == "json" else decision_page(entry), output or single, fmt)
            return
        counts = tally(found.read(), _since(since, time.time()))
    # A page that is handed on need not say where this host keeps its files.
    where = ", ".join(
        name if name.startswith("s3://") else Path(name).name for name in logs or [str(settings.log.path)]
    )
    _put(
        json.dumps(counts.document(), indent=2) if fmt == "json" else page(counts, where),
        output or Path("guardrails-report.html"),
        fmt,
    )


def _wanted(entries: Iterator[Entry | str], wanted: str) -> Entry:
    found = [entry for entry in entries if isinstance(entry, Entry) and entry.decision_id.startswith(wanted)]
    if len(found) != 1:
        count = f"{len(found)} such decisions" if found else "no such decision"
        raise ConfigError(f"{wanted}: {count}; `guardrails log` lists them")
    return found[0]


def _put(text: str, output: Path, fmt: str) -> None:
    if fmt == "json" or str(output) == "-":
        click.echo(text)
        return
    with writing(output, "name another file with --output"):
        output.write_text(text, "utf-8")
    click.echo(f"{output} written")


def _since(text: str, now: float) -> str:
    """As the log's timestamps are; "" for everything."""
    if not text:
        return ""
    found = re.fullmatch(r"(\d+)([mhdw])", text)
    try:
        if found:
            return rfc3339(now - int(found[1]) * _UNITS[found[2]])
        at = datetime.fromisoformat(text)
        return rfc3339((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"--since {text}: give an age such as 90m, 24h, 7d or 4w, or a date as 2026-11-24") from error
