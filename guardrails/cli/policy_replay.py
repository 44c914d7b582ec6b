"""``guardrails policy replay``: what these policies would have decided on recorded calls."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from guardrails import assembly
from guardrails.cli.options import config_option, format_option
from guardrails.cli.output_file import writing
from guardrails.cli.replay_result import show
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.evaluate.bundle import Bundle
from guardrails.policy.replay.known_facts import KnownFacts
from guardrails.policy.replay.log_chunks import chunks
from guardrails.policy.replay.page import page
from guardrails.policy.replay.run import replay as run
from guardrails.policy.replay.snapshot import Snapshot
from guardrails.policy.replay.tally import ReplayTally
from guardrails.policy.replay.trail import Trail
from guardrails.record import log_files

if TYPE_CHECKING:
    from guardrails.policy.compare.result import Comparison


@click.command("replay")
@config_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--cloudtrail", multiple=True, type=click.Path(path_type=Path), help="CloudTrail files, or a folder.")
@click.option("--snapshot", type=click.Path(path_type=Path), help="Facts for --cloudtrail, from `policy snapshot`.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Number of processes.")
@click.option("--compare", "old", metavar="OLD", help="Also look for what OLD policies stop, as `policy compare` does.")
@format_option
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page with a timeline to this file.")
def replay(
    config: str | None,
    files: tuple[Path, ...],
    cloudtrail: tuple[Path, ...],
    snapshot: Path | None,
    jobs: int,
    old: str | None,
    fmt: str,
    html: Path | None,
) -> None:
    """Decide again on recorded calls, and show what changes.

    FILES are decision logs, gzipped or not; default: the configured log with its rotated files. The log holds the facts
    of each decision, so the result is exact. With --cloudtrail the calls are those in CloudTrail that the logs do not
    have. Their facts come from --snapshot, else from the logs, and the result is an approximation. Nothing is sent to
    AWS. Ctrl-C stops and shows the result so far. Exit code 1 if a decision changed, or if these policies allow what
    those of --compare stop.
    """
    settings = load(config)
    bundle = assembly.policies(settings)
    logs = _logs(settings, files, cloudtrail, snapshot)
    trail = _trail(settings, logs, snapshot) if cloudtrail else None
    work = chunks(logs) if trail is None else trail.chunks(cloudtrail)
    # The size of CloudTrail files is known only once they are unpacked.
    size = sum(file.stat().st_size for file in logs if file.suffix != ".gz") if trail is None else 0
    with _bar(size) as bar:
        task = bar.task_ids[0]
        tally, interrupted = run(work, bundle, jobs=jobs, progress=lambda size: bar.advance(task, size))
    if trail is not None:
        tally.skip(trail.left_out, trail.faults)
    if html is not None:
        with writing(html):
            html.write_text(page(tally, bundle.revision, interrupted=interrupted), "utf-8")
    compared = _compared(old, settings, bundle) if old is not None and not interrupted else None
    _report(tally, compared, bundle.revision, fmt, interrupted=interrupted)
    if interrupted:
        click.echo("guardrails: interrupted; this is the result so far", err=True)
        sys.exit(130)
    sys.exit(1 if tally.changed or tally.failed or (compared is not None and compared.is_wider) else 0)


def _report(tally: ReplayTally, compared: Comparison | None, revision: str, fmt: str, *, interrupted: bool) -> None:
    if fmt == "json":
        second = {} if compared is None else {"compare": compared.document()}
        click.echo(json.dumps({**tally.document(revision), "interrupted": interrupted, **second}, indent=2))
        return
    show(console(), tally, revision)
    if compared is not None:
        from guardrails.cli import compare_result  # noqa: PLC0415  (processes of the pool import this module)

        compare_result.show(console(), compared)


def _compared(old: str, settings: Settings, now: Bundle) -> Comparison:
    """A second opinion: whether these policies allow anything that the old ones stop."""
    from guardrails.cli import compare_sources  # noqa: PLC0415  (processes of the pool import this module)
    from guardrails.policy.compare.run import Comparing  # noqa: PLC0415
    from guardrails.policy.compare.verdicts import PolicySet  # noqa: PLC0415

    return Comparing(compare_sources.read(old), PolicySet("this configuration", now, settings.mode)).run()


def _logs(
    settings: Settings, files: tuple[Path, ...], cloudtrail: tuple[Path, ...], snapshot: Path | None
) -> Sequence[Path]:
    """The decision logs to read. Raises ConfigError for a missing one, or for --snapshot alone."""
    logs = files or tuple(log_files.files(settings.log.path, settings.log.keep))
    missing = next((file for file in logs if not file.is_file()), None)
    if missing is not None or not (logs or snapshot):
        raise ConfigError(f"{missing or settings.log.path}: no such decision log; name the files to replay")
    if snapshot is not None and not cloudtrail:
        raise ConfigError("--snapshot needs --cloudtrail, because decision logs have their own facts")
    return logs


def _trail(settings: Settings, logs: Sequence[Path], snapshot: Path | None) -> Trail:
    known = KnownFacts.read(logs)
    return Trail(settings, assembly.evidence(settings), known, Snapshot.read(snapshot) if snapshot else None)


def _bar(size: int) -> Progress:
    out = Console(stderr=True)
    columns = (TextColumn("replaying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=out, transient=True, disable=not out.is_terminal)
    bar.add_task("replay", total=size or None)
    return bar
