"""``guardrails rebuild run``: starts the lost machines of a cluster again."""

from __future__ import annotations

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from guardrails import assembly
from guardrails.cli.options import aws_options
from guardrails.cli.question import says_yes
from guardrails.cli.rebuild_options import Teller, given, named, readable, reader, wish_of, wish_options
from guardrails.errors import ConfigError
from guardrails.guard import Guard
from guardrails.health import all_of
from guardrails.rebuild import checks, folder, page, progress, reserve
from guardrails.rebuild.collect import collect, scope_of
from guardrails.rebuild.plan import HISTORY, Plan, Wish, make_plan
from guardrails.rebuild.progress import Progress
from guardrails.rebuild.reading import CannotRead, Reader
from guardrails.rebuild.run import Run
from guardrails.rebuild.send import Stopped, Surroundings
from guardrails.rebuild.turns import Turns
from guardrails.show.printable import printable


@click.command()
@aws_options
@click.argument("cluster", required=False)
@wish_options
@click.option("--resume", metavar="RUN", help="Go on with a run that stopped.")
@click.option("--new", is_flag=True, help="Start a new run although one has not finished.")
@click.option("--reserve", "minutes", type=click.IntRange(1, 24 * 60), metavar="MINUTES",
              help="First reserve the capacity, for at most so long.")  # fmt: skip
@click.option("--health", multiple=True, metavar="CHECK",
              help="Each wave waits for it: alarm:NAME, target-group:ARN or command:PROGRAM; repeatable.")  # fmt: skip
@click.option("--despite-unknown", is_flag=True, help="Start although the plan lists something as not known.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def run(
    config: str | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    fmt: str,
    cluster: str | None,
    resume: str | None,
    minutes: int | None,
    health: tuple[str, ...],
    *,
    new: bool,
    despite_unknown: bool,
    yes: bool,
    **options: Any,
) -> None:
    """Start the lost machines of CLUSTER again, in waves.

    The waves are 1, 5, 25 and the rest. Every call goes through the guard and waits for AWS's rate limits. When the
    machines pass their status checks, they are put behind the target groups of the old ones. A run that stops, or is
    stopped with Ctrl-C, goes on with --resume and starts no machine twice. Exit code 1 if it stopped, 3 if a rule
    blocked it.
    """
    _check_usage(cluster, resume, new or despite_unknown or health or any(options.values()), health)
    guard = Guard.from_config(config)
    guarded, plain = reader(profile, region, endpoint_url, guard), reader(profile, region, endpoint_url)
    before: list[Progress] = []
    if resume is not None:
        made = _resumed(guard, plain, resume)
        shown = [f"{len(made.new)} of {len(made.machines)} machines of {made.cluster} are started already"]
    else:
        wish, source = wish_of(str(cluster), options), options["source"]
        made, before, shown = _planned(guard, plain, wish, source, health, new=new, accepted=despite_unknown)
    click.echo("\n".join(shown), err=fmt == "json")
    wanted = _priced(plain, made, minutes, reader(profile, "us-east-1", endpoint_url)) if minutes else []
    _ask(made, yes=yes)
    with progress.alone(made):
        # Another process may have gone on while this one asked.
        made = _resumed(guard, plain, resume) if resume else _first(guard, made, before)
        sys.exit(_go(guard, guarded, made, wanted, minutes or 0, fmt))


def _check_usage(cluster: str | None, resume: str | None, planned: object, health: tuple[str, ...]) -> None:
    named(health, lambda _: None)
    if (cluster is None) == (resume is None):
        raise click.UsageError("name a cluster, or a run to go on with (--resume)")
    if resume is not None and planned:
        raise click.UsageError(
            "--resume goes on with the run's own plan: of the options of a plan it takes none; leave them out, or plan "
            "a new run"
        )


def _planned(
    guard: Guard,
    plain: Reader,
    wish: Wish,
    source: Path | None,
    health: tuple[str, ...],
    *,
    new: bool,
    accepted: bool,
) -> tuple[Progress, list[Progress], list[str]]:
    """A new run, the runs that there were before it was planned, and the plan as lines. Raises ConfigError."""
    with readable():
        before = progress.runs(guard.settings, wish.cluster, _scope(plain), _warn)
        planned = make_plan(guard, plain, wish, time.time(), given(source))
    shown = [printable(line) for line in page.lines(planned, time.time())]
    made = _begin(guard, planned, before, new=new, accepted=accepted, shown=shown)
    made.checks = health
    return made, before, shown


def _scope(plain: Reader) -> str:
    return scope_of(plain, plain.client("ec2").meta.region_name)


def _ask(made: Progress, *, yes: bool) -> None:
    if not yes and not says_yes(f"Start {made.cluster} again? [y/N] ", "Use --yes where no one is at a terminal"):
        sys.exit(2)


def _resumed(guard: Guard, plain: Reader, run_id: str) -> Progress:
    with readable():
        return progress.resumed(guard.settings, run_id, _scope(plain))


def _first(guard: Guard, made: Progress, before: list[Progress]) -> Progress:
    """Write a new run. Raises ConfigError where another has gone on since the plan was made."""
    if progress.runs(guard.settings, made.cluster, made.scope, lambda _: None) != before:
        raise ConfigError(
            f"another run of {made.cluster} has gone on since this plan was made; nothing was started; plan again"
        )
    made.write()
    return made


def _warn(sentence: str) -> None:
    click.echo(printable(f"warning: {sentence}"), err=True)


def _begin(
    guard: Guard, plan: Plan, before: list[Progress], *, new: bool, accepted: bool, shown: list[str]
) -> Progress:
    """A new run, unless something stands in the way. Raises ConfigError."""
    unfinished = [run for run in before if not run.finished]
    if unfinished and not new:
        raise ConfigError(
            f"a run of {plan.wish.cluster} has not finished; go on with it: {unfinished[-1].resume}, or start a new "
            "one with --new, which leaves out the machines that run"
        )
    if not plan.lost.gone and not plan.wish.whole:
        raise ConfigError(f"no machine of {plan.wish.cluster} is gone; --all starts a second set beside it")
    if plan.problems or (plan.unknown and not accepted):
        for line in shown:
            click.echo(line, err=True)
        also = "" if plan.problems else ", or start it anyway with --despite-unknown"
        raise ConfigError(f"nothing was started; see above what would fail or is not known{also}")
    return progress.begin(guard.settings, plan, uuid.uuid4().hex[:8], time.time())


def _priced(plain: Reader, made: Progress, minutes: int, pricing: Reader) -> list[reserve.Wanted]:
    findings = checks.Findings()
    try:
        wanted = reserve.wanted(made, checks.subnets(plain, findings) or {})
    except Stopped as error:
        raise ConfigError("; ".join([str(error), *findings.unknown])) from error
    for each in wanted:
        click.echo(f"Reserve {each.count} {each.type} in {each.zone} for {minutes} min", err=True)
    click.echo(reserve.price(pricing, made.scope.partition("/")[2], wanted, minutes), err=True)
    return wanted


def _go(guard: Guard, guarded: Reader, made: Progress, wanted: list[reserve.Wanted], minutes: int, fmt: str) -> int:
    """Run it, and say how it ended. Returns the exit code."""
    tell = Teller()
    running = Run(made, _surroundings(guard, guarded, made, tell))
    code, why = 0, ""
    try:
        if wanted:
            reserve.reserve(guarded, made, wanted, minutes, time.time)
        running.go()
    except KeyboardInterrupt:
        code, why = 1, "interrupted"
    except Stopped as error:
        code, why = (3 if error.denied else 1), str(error)
    except (BotoCoreError, ClientError, CannotRead) as error:
        code, why = 1, f"AWS gave no usable answer ({error}); it may have acted"
    finally:
        left = reserve.cancel(guarded, made) if made.reservations else ""
    kept = "" if why else _keep(guard, guarded)
    notes = [*running.notes, *filter(None, (left, kept))]
    resume = made.resume if why else ""
    if fmt == "json":
        ended = {"run": made.id, "finished": made.finished, "machines": made.new, "stopped": why, "resume": resume}
        click.echo(json.dumps({**ended, "notes": notes}, indent=2))
    else:
        for line in notes:
            click.echo(printable(line))
        started = f"{len(made.new)} machines started"
        click.echo(
            printable(
                f"{started}; stopped: {why}\ngo on with: {resume}" if why else f"{started}, all pass their checks"
            )
        )
    return code


def _keep(guard: Guard, source: Reader) -> str:
    """Keep a snapshot of the new machines, for the next loss; returns why there is none, or ""."""
    try:
        region = source.client("ec2").meta.region_name
        folder.keep(guard.settings, collect(source, guard.settings, region, time.time()))
    except (CannotRead, ConfigError) as error:
        return f"no snapshot of the new machines was kept ({error}); take one with `guardrails rebuild snapshot`"
    return ""


def _surroundings(guard: Guard, guarded: Reader, made: Progress, tell: Teller) -> Surroundings:
    settings = guard.settings
    history = assembly.history(settings)
    turns = Turns(
        history.pacer if history else None,
        made.scope,
        takes=settings.mode != "enforce",
        share=settings.pacing.share,
        clock=time.time,
        sleep=time.sleep,
        tell=tell,
    )
    history_file = folder.folder(settings) / HISTORY
    well = all_of(*named(made.checks, guarded.client)) if made.checks else None
    return Surroundings(guarded, turns, history_file, well, time.time, time.sleep, tell)
