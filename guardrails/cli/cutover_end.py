"""``guardrails cutover status``, ``finish`` and ``abort``."""

from __future__ import annotations

import json
import sys

import click
from attrs import evolve
from botocore.exceptions import BotoCoreError, ClientError

from guardrails.cli.cutover_parts import Parts, parts, work
from guardrails.cli.options import aws_options
from guardrails.cli.show import console
from guardrails.cutover.copied import contradiction
from guardrails.cutover.entrances import Entrances, StepFailed
from guardrails.cutover.hold import Hold, last_known
from guardrails.cutover.plan import FINISHED, OPEN, RETURNED, RETURNING, SWITCHED, Record
from guardrails.cutover.runner import Runner
from guardrails.cutover.show import record_json, record_page
from guardrails.errors import CutoverRefused


@click.command()
@aws_options
def status(fmt: str, **aws: str | None) -> None:
    """Show how far a cutover is, and what to do next.

    It names who works on it, and until when that is certain.
    Exit code 1 while one is under way.
    """
    record, why = _last(parts(aws))
    if why:
        click.echo(f"guardrails: this is what this host saw last: {why}", err=True)
    if fmt == "json":
        click.echo(json.dumps(record_json(record), indent=2))
    elif record is None:
        click.echo("there was no cutover here")
    else:
        console().print(record_page(record))
    sys.exit(1 if record is not None and record.phase in OPEN else 0)


@click.command()
@aws_options
def finish(fmt: str, **aws: str | None) -> None:
    """End a cutover whose steps are all done.

    What else names the live cluster, a parameter or a tag, moves now.

    The old cluster is then kept for the rollback window.
    """
    here = parts(aws)
    record, why = _last(here)
    if record is None or record.phase != SWITCHED or why:
        phase = f"the last one: {record.phase}" if record else "there was none"
        raise CutoverRefused(why or f"no cutover waits to be finished ({phase})")
    hold = Hold.take_over(here.cutovers, record)

    def task(runner: Runner) -> None:
        try:
            runner.finish()
        except BaseException:
            hold.release(phase=SWITCHED)
            raise
        hold.release(phase=FINISHED, note="finished")

    sys.exit(work(here, hold, fmt, task))


@click.command()
@aws_options
def abort(fmt: str, **aws: str | None) -> None:
    """Bring everything back as it was before the cutover, from any host.

    Can be repeated: what is there is read from AWS before each change.
    """
    here = parts(aws)
    record, why = _last(here)
    if record is None or record.phase in (FINISHED, RETURNED):
        if record is not None and record.phase == FINISHED:
            plan = record.plan
            raise CutoverRefused(
                "the last cutover is finished; to go back, run "
                f"`guardrails cutover start --from {plan.to} --to {plan.source}`"
            )
        raise CutoverRefused("no cutover is under way")
    hold = _held(here, record, why)
    sys.exit(work(here, hold, fmt, lambda runner: runner.back("it was aborted")))


def _held(here: Parts, record: Record, why: str) -> Hold:
    """The cutover, taken over. Without the shared memory this host may only go back, by its own copy."""
    if why:
        try:
            problem = contradiction(record, Entrances(record.plan, here.clients, here.writers, lambda: None))
        except (StepFailed, BotoCoreError, ClientError) as error:
            problem = f"whether another host has gone on cannot be seen ({error})"
        if problem:
            raise CutoverRefused(f"{problem}: {why}; run abort again when the shared memory answers")
        click.echo(f"guardrails: going back by this host's copy: {why}", err=True)
        return Hold(here.cutovers, evolve(record, phase=RETURNING))
    return Hold.take_over(here.cutovers, record, phase=RETURNING)


def _last(here: Parts) -> tuple[Record | None, str]:
    return last_known(here.cutovers, here.scope)
