"""The part of ``guardrails run`` that makes a plan, and that confirms one before it is run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from attrs import frozen
from botocore.exceptions import BotoCoreError, ClientError

from guardrails import caller
from guardrails.aws.clients import make_client
from guardrails.cli.output_file import writing
from guardrails.config.settings import Settings
from guardrails.enforce.approvals import Whole, WholeDesk
from guardrails.enforce.approvals.whole import public
from guardrails.enforce.confirm import ask_about
from guardrails.errors import ConfigError
from guardrails.memory import StateUnavailable, configured
from guardrails.planning import file as files
from guardrails.planning import page as pages
from guardrails.planning import plan as plans
from guardrails.planning.file import SavedPlan
from guardrails.planning.joining import APPROVED, VARIABLE
from guardrails.planning.journal import Journal
from guardrails.planning.plan import Plan
from guardrails.planning.progress import Progress
from guardrails.show import text
from guardrails.system import processes
from guardrails.values import Approval

FAILED = 1


@frozen
class Wanted:
    """How a plan is asked for: `fmt` is pretty, json or html; `save` is where it is kept, for `minutes`."""

    fmt: str
    save: Path | None
    minutes: float
    stop: bool
    ask_aws: bool


def make(
    settings: Settings, revision: str, command: Sequence[str], environment: Mapping[str, str], wanted: Wanted
) -> int:
    """Run the command as a plan, print it and save it. Returns the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="guardrails-plan-"))
    try:
        Journal.make(folder, {"stop": wanted.stop, "ask_aws": wanted.ask_aws})
        failed = _run(command, {**environment, VARIABLE: str(folder)}, quiet=wanted.fmt != "pretty")
        made = plans.of_journal(folder, revision, settings.mode)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _show(made, wanted.fmt)
    if failed and made.exit_code != plans.BLOCKED:
        click.echo(f"guardrails: the script ended with exit code {failed}, so the plan ends there", err=True)
    if wanted.save is not None and not failed:
        _save(made, wanted, command)
    elif wanted.save is not None:
        older = "; the file there is of an older plan" if wanted.save.exists() else ""
        click.echo(f"guardrails: nothing was saved to {wanted.save}, because the script failed{older}", err=True)
    return FAILED if failed and not (wanted.stop and made.exit_code == plans.BLOCKED) else made.exit_code


def _run(command: Sequence[str], environment: Mapping[str, str], *, quiet: bool) -> int:
    """Wait for the script, whose output goes to standard error where the plan's is for a program."""
    processes.keep_exit_codes()
    started = subprocess.Popen(command, env=dict(environment), stdout=sys.stderr if quiet else None)  # noqa: S603  (the user's own)
    while True:
        try:
            return started.wait()
        except KeyboardInterrupt:
            # The terminal interrupts the script as well; what was planned so far is shown.
            continue


def _show(made: Plan, fmt: str) -> None:
    if fmt == "json":
        click.echo(json.dumps({**made.document(), "exit_code": made.exit_code}, indent=2))
    elif fmt == "html":
        from guardrails.planning.html import whole_page  # noqa: PLC0415  (brings Jinja2)

        click.echo(whole_page(made))
    else:
        click.echo("\n".join(text.lines(pages.page(made))))


def _save(made: Plan, wanted: Wanted, command: Sequence[str]) -> None:
    assert wanted.save is not None
    account, region = _caller()
    with writing(wanted.save):
        saved = files.save(
            made, wanted.save, account=account, region=region, minutes=wanted.minutes, command=tuple(command)
        )
    click.echo(
        f"Saved plan {saved.short} to {saved.path}. Run it with: guardrails run --approved {saved.path} …", err=True
    )


def _caller() -> tuple[str, str]:
    """The account and region for which a plan holds. Raises ConfigError."""
    try:
        client = make_client("sts", None, None, None)
        return str(client.get_caller_identity()["Account"]), str(client.meta.region_name)
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(f"a plan holds for one account, and sts:GetCallerIdentity failed: {error}") from error


def approved(settings: Settings, revision: str, path: Path) -> dict[str, str]:
    """Confirm a saved plan, or have it approved. Returns the environment in which the script runs it.

    Raises ConfigError where the plan does not hold here; ends the process with code 3 where it is not confirmed.
    """
    saved = _checked(files.load(path, time.time()), revision, settings.mode)
    confirmed, approval = _permission(settings, saved)
    folder = Path(tempfile.mkdtemp(prefix="guardrails-approved-"))
    Progress.make(folder, saved, confirmed=confirmed, approval=approval)
    return {APPROVED: str(folder)}


def _checked(saved: SavedPlan, revision: str, mode: str) -> SavedPlan:
    path, again = saved.path, saved.again
    if saved.plan.revision != revision:
        raise ConfigError(
            f"{path}: the plan was made with the policies {saved.plan.revision}, and {revision} are in force; {again}"
        )
    here = _caller()
    if here != (saved.account, saved.region):
        raise ConfigError(
            f"{path}: the plan is for account {saved.account} in {saved.region}, and this is {here[0]} in {here[1]}; "
            f"{again}"
        )
    if saved.plan.mode != mode:
        raise ConfigError(f"{path}: the plan was made in mode {saved.plan.mode!r}, and this is {mode!r}; {again}")
    blocks = saved.plan.mode == "enforce"
    denied = [str(each.number) for each in saved.plan.entries if each.unsent or (blocks and each.status == "denied")]
    if denied:
        raise ConfigError(f"{path}: call {', '.join(denied)} of the plan is denied; change the script and {again}")
    return saved


def _permission(settings: Settings, saved: SavedPlan) -> tuple[bool, Approval | None]:
    asking = [each for each in saved.plan.entries if each.status in ("to confirm", "needs approval")]
    if not asking or settings.mode != "enforce":
        return False, None
    why = ""
    if all(each.status == "to confirm" for each in asking):
        name = " ".join(sorted({name for each in asking for name in each.clusters})) or saved.short
        answer = ask_about(
            pages.page(saved.plan), name, caller.describe(None, settings.caller), settings.confirm_timeout_s
        )
        if answer.given:
            return True, None
        if answer.asked:
            return _stop(f"plan {saved.short} was not confirmed: {answer.why}")
        why = answer.why
    terms = {rule: each for entry in asking for rule, each in entry.terms.items()}
    if not all(entry.terms for entry in asking):
        return _stop(f"plan {saved.short} needs a confirmation. {why}")
    return False, _approval(settings, _whole(saved, terms))


def _whole(saved: SavedPlan, terms: Mapping[str, Mapping[str, object]]) -> Whole:
    left = {name: (one.after, one.before) for name, one in saved.plan.left().items()}
    things = {thing: each.clusters for each in saved.plan.entries for thing in each.things}
    calls = pages.calls(saved.plan.entries).rows
    return Whole(
        kind="plan",
        digest=saved.digest,
        summary=f"plan {saved.short}: {pages.title(saved.plan).partition(': ')[2]}",
        lines=tuple(" ".join(filter(None, row[:4])) for row in calls),
        terms={rule: tuple(each["by"]) for rule, each in terms.items()},  # type: ignore[arg-type]
        minutes=min(float(each["minutes"]) for each in terms.values()),  # type: ignore[arg-type]
        region=saved.region,
        account=saved.account,
        targets=tuple(things),
        clusters=things,
        leaves=left,
    )


def _approval(settings: Settings, whole: Whole) -> Approval | None:
    try:
        board = configured.board(settings)
        desk = WholeDesk(board, board.me(), settings.approval_wait_s)
        standing = desk.answer(whole, f"plan {whole.digest[:8]}")
    except StateUnavailable as error:
        raise ConfigError(f"no approval can be asked for: {error}") from error
    if standing.approval is None and standing.request is not None:
        asked = public(standing.request, standing.note)
        note = f"{asked.note}. " if asked.note else ""
        _stop(
            f"{note}plan {whole.digest[:8]} needs the approval of a second person: they run `{asked.command}`; then "
            "run this again"
        )
    return standing.approval


def _stop(why: str) -> tuple[bool, None]:
    click.echo(f"guardrails: {why}", err=True)
    sys.exit(3)
