"""``guardrails approve``: a second person allows one blocked call, or a plan, once."""

from __future__ import annotations

import time

import click

from guardrails import caller
from guardrails.cli.options import config_option
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.enforce.approvals import people
from guardrails.enforce.approvals.digest import digest
from guardrails.enforce.approvals.whole import WHOLE
from guardrails.errors import ApprovalRefused
from guardrails.memory import StateUnavailable, configured
from guardrails.memory.approvals import Board, Grant, Identity, Record, Request
from guardrails.show.printable import printable
from guardrails.values import rfc3339

# A shorter beginning could be another request's than the one that is meant.
_SHORTEST = 6
_EXAMPLE = """\b
Example:
  guardrails approve 3f2a9c01de --reason 'INC-42, checked with the DBAs'
"""


@click.command(epilog=_EXAMPLE)
@config_option
@click.argument("request_id", metavar="ID")
@click.option("--reason", required=True, help="Why, with the incident number.")
def approve(config: str | None, request_id: str, reason: str) -> None:
    """Approve a call, plan or cutover of another person.

    The blocked call names the ID; its first 6 characters are enough. The approval covers exactly that call or plan,
    once, and for as long as the rule book says.
    The person who asked cannot approve it, nor can an agent or a CI job.
    """
    settings = load(config)
    _only_people(settings)
    if not reason.strip():
        raise ApprovalRefused("the reason is missing; say why, with the incident number if there is one")
    try:
        board = configured.board(settings)
        me, record, now = board.me(), _found(board, request_id), time.time()
        _check(record, me, now)
        request = record.request
        _show(request)
        board.grant(request, Grant(me.id, me.name, " ".join(reason.split()), request.digest, now, request.leaves))
    except StateUnavailable as error:
        raise ApprovalRefused(f"not approved: {error}") from error
    until = rfc3339(now + request.minutes * 60)[:16].replace("T", " ")
    asker = printable(request.asked_by.id)
    may = f"run this {whole}" if (whole := _whole(request)) else "make this call"
    click.echo(f"Approved by {printable(me.name)}: {asker} may {may} once, until {until} UTC.")


def _only_people(settings: Settings) -> None:
    kind = caller.describe(None, settings.caller).kind
    if kind in ("agent", "ci"):
        what = "an agent" if kind == "agent" else "a CI job"
        raise ApprovalRefused(f"not approved: {what} runs this command, and only a person can approve a call")


def _found(board: Board, request_id: str) -> Record:
    """The request with this id, or the only one whose id begins so."""
    if not request_id.strip():
        raise ApprovalRefused("the id is empty; `guardrails requests` lists the requests that are open")
    every = board.all()
    found = [record for record in every if record.request.id == request_id]
    if not found and len(request_id) >= _SHORTEST:
        found = [record for record in every if record.request.id.startswith(request_id)]
    if len(found) != 1:
        many = "several requests begin with" if found else "there is no request"
        raise ApprovalRefused(
            f"{many} {request_id}; give the whole id, or at least {_SHORTEST} characters: `guardrails requests` lists "
            "those that are open"
        )
    return found[0]


def _check(record: Record, me: Identity, now: float) -> None:
    """Raise ApprovalRefused for what would not count."""
    request = record.request
    if digest(request.document) != request.digest:
        raise ApprovalRefused(f"request {request.id} was altered after it was made; have the call made again")
    if record.used_by:
        used_by = printable(record.used_by)
        raise ApprovalRefused(f"request {request.id} was approved and used already, by decision {used_by}")
    if now >= request.until:
        until = rfc3339(request.until)[:19]
        raise ApprovalRefused(f"request {request.id} expired at {until}Z; have the call made again")
    if people.is_same(request.asked_by.names, me.names):
        raise ApprovalRefused(
            f"request {request.id} is your own ({me.name}), or of a user or session with your name: there is no "
            "second person. If everyone has the same name here, give each person a user or a session name of their own"
        )
    if not people.is_person(me.id):
        raise ApprovalRefused(
            f"the session name of {me.name} is a machine's or anyone's, not a person's; set role_session_name in your "
            "profile to your own name"
        )
    if not people.may_approve(me.id, request.terms.values()):
        raise ApprovalRefused(
            f"{me.name} ({me.id}) is not among those who may approve {', '.join(request.rules)}: see the parameter "
            "`approvals`"
        )


def _whole(request: Request) -> str:
    """``plan`` or ``cutover`` for a request that covers many calls, "" for one call."""
    what = request.document
    return str(what["operation"]) if what["service"] == WHOLE else ""


def _show(request: Request) -> None:
    """What is approved, from what the digest was made of."""
    what, whole = request.document, _whole(request)
    params = {} if whole else what["params"]
    rows = (
        (whole or "call", request.summary if whole else f"{what['service']}:{what['operation']}"),
        ("where", " ".join(filter(None, (what["region"], what["account"])))),
        ("targets", ", ".join(what["targets"])),
        ("clusters", ", ".join(sorted({name for names in what["clusters"].values() for name in names}))),
        ("leaves", ", ".join(f"{left} of {running} of {name}" for name, (left, running) in request.leaves.items())),
        ("with", ", ".join(f"{name}={value}" for name, value in params.items())),
        ("rules", ", ".join(request.rules)),
        ("asked by", request.asked_by.shown),
    )
    for name, value in rows:
        if value:
            click.echo(f"{name + ':':<10} {printable(value)}")
    for line in what["params"].get("lines") or () if whole else ():
        click.echo(f"  {printable(str(line))}")
    if what["hidden"]:
        click.echo("Parameters that may be secret are hidden: the approval covers their present values.")
