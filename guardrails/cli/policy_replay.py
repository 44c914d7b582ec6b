"""``guardrails policy replay``: what these policies would have done with recorded calls."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from guardrails import assembly
from guardrails.cli.show import console
from guardrails.cli.written import writing
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.policy.replay import Tally, pieces
from guardrails.policy.replay import replay as run
from guardrails.policy.replay.known_facts import KnownFacts
from guardrails.policy.replay.page import page
from guardrails.policy.replay.snapshot import Snapshot
from guardrails.policy.replay.tally import KINDS, Change
from guardrails.policy.replay.trail import Trail
from guardrails.record import entries

_STYLES = {"newly denied": "red", "newly allowed": "green", "otherwise": "yellow"}
_SHOWN = 20


@click.command("replay")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--cloudtrail", multiple=True, type=click.Path(path_type=Path), help="CloudTrail's files, or a folder.")
@click.option("--snapshot", type=click.Path(path_type=Path), help="Facts for --cloudtrail, from policy snapshot.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that decide.")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with a timeline to this file, too.")
@click.pass_obj
def replay(
    config: str | None,
    files: tuple[Path, ...],
    cloudtrail: tuple[Path, ...],
    snapshot: Path | None,
    jobs: int,
    fmt: str,
    html: Path | None,
) -> None:
    """Decide again on the calls of decision logs, with the policies of this configuration; say what changes.

    FILES are decision logs (.gz, too), by default the configured one with its rotated files. The facts are those that
    the log holds, so the answer is exact. With --cloudtrail it is the calls that CloudTrail saw and no decision of the
    logs is about; their facts come from --snapshot, else from the logs, and the answer is approximated. Nothing is sent
    to AWS. Ctrl-C ends it with what was found so far. Exit code 1 when a decision comes out otherwise.
    """
    settings = load(config)
    made = assembly.policies(settings)
    named = files or tuple(entries.files(settings.log.path, settings.log.keep))
    missing = next((file for file in named if not file.is_file()), None)
    if missing is not None or not (named or snapshot):
        raise ConfigError(f"{missing or settings.log.path}: no such decision log; name the files to replay")
    if snapshot is not None and not cloudtrail:
        raise ConfigError("--snapshot is for --cloudtrail: a decision log holds its own facts; leave one, or name both")
    trail = _trail(settings, named, snapshot) if cloudtrail else None
    todo = pieces(named) if trail is None else trail.pieces(cloudtrail)
    # How much CloudTrail's files hold is not known before they are unpacked.
    size = sum(file.stat().st_size for file in named if file.suffix != ".gz") if trail is None else 0
    with _bar(size) as bar:
        task = bar.task_ids[0]
        tally, interrupted = run(todo, made, jobs=jobs, progress=lambda size: bar.advance(task, size))
    if trail is not None:
        tally.left_out += trail.left_out
        for fault in trail.faults:
            tally.fault(fault)
    if html is not None:
        with writing(html):
            html.write_text(page(tally, made.revision, interrupted=interrupted), "utf-8")
    if fmt == "json":
        click.echo(json.dumps({**tally.document(made.revision), "interrupted": interrupted}, indent=2))
    else:
        _show(console(), tally, made.revision)
    for fault in tally.faults if fmt == "pretty" else ():
        click.echo(f"guardrails: {fault}", err=True)
    if interrupted:
        click.echo("guardrails: interrupted; this is what was found until then", err=True)
        sys.exit(130)
    sys.exit(1 if tally.changed or tally.failed else 0)


def _trail(settings: Settings, logs: tuple[Path, ...], snapshot: Path | None) -> Trail:
    known = KnownFacts.read(logs)
    return Trail(settings, assembly.evidence(settings), known, Snapshot.read(snapshot) if snapshot else None)


def _bar(size: int) -> Progress:
    out = Console(stderr=True)
    columns = (TextColumn("replaying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=out, transient=True, disable=not out.is_terminal)
    bar.add_task("replay", total=size or None)
    return bar


def _show(out: Console, tally: Tally, revision: str) -> None:
    recorded = ", ".join(sorted(tally.revisions)) or "nothing"
    out.print(Text(f"policies {revision}; recorded with {recorded}", style="dim"))
    kinds = ", ".join(f"{tally.kinds[kind]} {kind}" for kind in KINDS if tally.kinds[kind]) or "nothing changes"
    out.print(Text(f"{tally.decisions} decisions, {tally.changed} come out otherwise: {kinds}", style="bold"))
    left = [(tally.undecided, "recorded without a verdict of the policies"), (tally.unreadable, "unreadable lines")]
    if tally.approximated:
        out.print(
            Text(f"approximated: the facts of {tally.approximated} were not recorded with the call", style="bold")
        )
    left += tuple((count, f"calls {reason}") for reason, count in sorted(tally.left_out.items()))
    for count, what in left:
        if count:
            out.print(Text(f"left out: {count} {what}", style="dim"))
    for title, counts in (("rule", tally.rules), ("program", tally.programs), ("person", tally.people)):
        if counts:
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
            table.add_column(title, overflow="fold")
            for kind in KINDS:
                table.add_column(kind, justify="right")
            for name in sorted(counts, key=lambda name: (-counts[name].total(), name)):
                table.add_row(Text(name), *(str(counts[name][kind] or "") for kind in KINDS))
            out.print(table)
    for change in tally.changes[:_SHOWN]:
        out.print(_line(change), soft_wrap=True)
    if tally.changed > _SHOWN:
        out.print(Text(f"and {tally.changed - _SHOWN} more; --html FILE or --format json has them", style="dim"))


def _line(change: Change) -> Text:
    about = f"  (facts of the {change.approximated})" if change.approximated else ""
    rules = [f"+{rule}" for rule in change.gained] + [f"-{rule}" for rule in change.lost]
    return Text.assemble(
        f"{change.time[:19]}  ",
        (f"{change.was} -> {change.now}", _STYLES[change.kind]),
        f"  {change.call}  {' '.join(rules)}  {', '.join(change.targets)}  {change.program}{about}  ",
        (change.decision_id[:8], "dim"),
    )
