"""``guardrails cutover plan`` and ``start``."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from guardrails.cli.cutover_parts import Parts, parts, work
from guardrails.cli.options import Number, aws_options
from guardrails.cli.show import console
from guardrails.cutover.consent import consent
from guardrails.cutover.found import Wanted
from guardrails.cutover.hold import Hold, latest
from guardrails.cutover.make import Made, Terms, make
from guardrails.cutover.plan import STUCK, SWITCHING, Record
from guardrails.cutover.preflight import Checked, checks
from guardrails.cutover.show import plan_json, plan_page
from guardrails.cutover.situation import look
from guardrails.errors import CutoverRefused
from guardrails.health.named import checks as health_checks

_EXAMPLES = """\b
Examples:
  guardrails cutover plan --from blue --to green
  guardrails cutover start --from blue --to green --health alarm:checkout
  guardrails cutover start --resume
"""


def _shares(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        shares = tuple(int(each.strip().removesuffix("%")) for each in value.split(","))
    except ValueError:
        shares = ()
    if not shares or shares[-1] != 100 or shares[0] < 1 or any(a >= b for a, b in itertools.pairwise(shares)):
        raise click.BadParameter(f"{value!r} must be rising numbers of percent that end with 100, such as 10,50,100")
    return shares


def _terms_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--health", multiple=True, metavar="CHECK",
                     help="Also healthy: target-group:ARN, alarm:NAME or command:PROGRAM; repeatable."),
        click.option("--patience", type=Number(min=0), default=120.0, show_default=True,
                     help="Seconds for which a health check may be false before everything goes back."),
        click.option("--bake", type=Number(min=0), default=60.0, show_default=True,
                     help="Seconds to watch the health after each step."),
        click.option("--at-once", type=click.IntRange(min=1), help="Addresses per step, in place of shares."),
        click.option("--shares", default="10,50,100", show_default=True, callback=_shares,
                     help="Percent of the users after each step."),
        click.option("--to", "to", help="The cluster that gets the users."),
        click.option("--from", "source", help="The cluster that is live."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command(epilog=_EXAMPLES)
@aws_options
@_terms_options
def plan(
    fmt: str,
    source: str | None,
    to: str | None,
    shares: tuple[int, ...],
    at_once: int | None,
    bake: float,
    patience: float,
    health: tuple[str, ...],
    **aws: str | None,
) -> None:
    """Show the steps of a cutover, and check that it can start.

    Only look-ups are sent. Exit code 1 if a check fails.
    """
    here = parts(aws)
    made, checked = _planned(here, source, to, Terms(Wanted(shares, at_once), bake, patience, health))
    _show(made, checked, fmt)
    sys.exit(0 if all(check.ok for check in checked) else 1)


@click.command(epilog=_EXAMPLES)
@aws_options
@_terms_options
@click.option("--resume", is_flag=True, help="Go on with the one that is under way and whose process is gone.")
def start(
    fmt: str,
    source: str | None,
    to: str | None,
    shares: tuple[int, ...],
    at_once: int | None,
    bake: float,
    patience: float,
    health: tuple[str, ...],
    *,
    resume: bool,
    **aws: str | None,
) -> None:
    """Carry out a cutover, after one confirmation for all of it.

    Where no one can be asked, a second person approves it. A failed check, Ctrl-C and SIGTERM bring everything back.
    """
    if resume:
        _check_resumed()
    here = parts(aws)
    if resume:
        hold = _resumed(here, source, to)
    else:
        hold = _begun(here, source, to, Terms(Wanted(shares, at_once), bake, patience, health), fmt)
    sys.exit(work(here, hold, fmt, lambda runner: runner.forward()))


def _begun(here: Parts, source: str | None, to: str | None, terms: Terms, fmt: str) -> Hold:
    """A cutover that is ready and confirmed. An answer takes its time, so what is there is looked at once more."""
    confirmed = ""
    while True:
        made, checked = _planned(here, source, to, terms)
        if not all(check.ok for check in checked):
            _show(made, checked, fmt)
            sys.exit(1)
        if confirmed == made.plan.digest:
            return Hold.begin(here.cutovers, made.plan)
        if confirmed:
            raise CutoverRefused("what is there has changed since the plan was confirmed: run the command again")
        consent(here.guard.settings)(made.plan, checked)
        confirmed = made.plan.digest


def _show(made: Made, checked: list[Checked], fmt: str) -> None:
    if fmt == "json":
        click.echo(json.dumps(plan_json(made.plan, checked), indent=2))
    else:
        console().print(plan_page(made.plan, checked, _title(checked)))


def _planned(here: Parts, source: str | None, to: str | None, terms: Terms) -> tuple[Made, list[Checked]]:
    if not source or not to:
        raise click.UsageError("--from and --to are needed: the cluster that is live, and the one that takes its place")
    try:
        health_checks(terms.checks, here.clients)
    except ValueError as error:
        raise click.UsageError(f"--health: {error}") from error
    situation = look(here.guard, here.clients, source, to)
    made = make(situation, terms)
    if made.plan.scope != here.scope:
        raise CutoverRefused(f"the machines are in {made.plan.scope}, and the memory is asked for {here.scope}")
    return made, checks(situation, made, here.cutovers)


def _check_resumed() -> None:
    """A plan goes on as it was confirmed. Raises click.UsageError where options ask for something else."""
    context = click.get_current_context()
    named = [
        f"--{name.replace('_', '-')}"
        for name in ("shares", "at_once", "bake", "patience", "health")
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]
    if named:
        raise click.UsageError(
            f"{', '.join(named)} cannot change a plan that was confirmed: leave it out with --resume, or abort and "
            "start again"
        )


def _resumed(here: Parts, source: str | None, to: str | None) -> Hold:
    record = latest(here.cutovers, here.scope)
    if record is None or record.phase not in (SWITCHING, STUCK):
        raise CutoverRefused("no cutover waits to go on; `guardrails cutover status` shows the last one")
    if not _is(record, source, to):
        plan = record.plan
        raise CutoverRefused(f"the cutover that waits to go on is from {plan.source} to {plan.to}")
    return Hold.take_over(here.cutovers, record, phase=SWITCHING)


def _is(record: Record, source: str | None, to: str | None) -> bool:
    return source in (None, record.plan.source) and to in (None, record.plan.to)


def _title(checked: list[Checked]) -> str:
    failed = sum(not check.ok for check in checked)
    return f"not ready: {failed} of {len(checked)} checks failed" if failed else "ready to start"
