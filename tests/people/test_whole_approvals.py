"""One approval for many calls: a plan or a cutover, by its digest, once, and by another person."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.enforce.approvals import Whole, WholeDesk
from guardrails.enforce.confirm import ask_about
from guardrails.memory.approvals import ApprovalFolder
from guardrails.show.page import Page
from tests.support import other_user

# Loaded while this process may still read everything.
CliRunner().invoke(app, ["approve", "--help"])
RULE = "live-cluster/terminate"
PLAN = Whole(
    kind="plan",
    digest="ab" * 32,
    summary="plan abababab: 2 calls that change 3 machines of green",
    lines=("TerminateInstances i-1, i-2", "ReleaseAddress eipalloc-1"),
    terms={RULE: ("*",)},
    minutes=10.0,
    region="eu-west-1",
    account="123456789012",
    targets=("i-1", "i-2"),
    clusters={"i-1": ("green",), "i-2": ("green",)},
    leaves={"green": (1, 3)},
)


@pytest.fixture
def place():
    """A folder that other users may enter, with a configuration that they may read."""
    folder = Path(tempfile.mkdtemp(prefix="guardrails-approvals-"))
    folder.chmod(0o755)
    (folder / "guardrails.toml").write_text(f'approval_folder = "{folder}/asked"\n')
    yield folder
    shutil.rmtree(folder)


def command(place, *arguments):
    done = CliRunner().invoke(app, [*arguments, "--config", str(place / "guardrails.toml")])
    return f"{done.exit_code} {done.output}"


def desk_in(place):
    board = ApprovalFolder(place / "asked")
    return WholeDesk(board, board.me())


def test_a_second_person_approves_a_whole_plan_once(place):
    """The request shows the plan's calls; its author cannot approve it; the approval is used up, or given back."""
    desk = desk_in(place)
    asked = desk.answer(PLAN, "run-1").request
    assert desk.answer(PLAN, "run-1").request.id == asked.id
    assert "is your own" in command(place, "approve", asked.id, "--reason", "INC-42")
    listed = json.loads(command(place, "requests", "--format", "json")[2:])
    assert (listed["summary"], listed["targets"]) == (PLAN.summary, ["i-1", "i-2"])
    said = other_user.act(lambda: command(place, "approve", asked.id, "--reason", "INC-42"))
    assert "ReleaseAddress eipalloc-1" in said
    assert "leaves:    1 of 3 of green" in said
    assert "may run this plan once" in said
    given = desk.answer(PLAN, "run-1")
    assert (given.approval.reason, given.approval.used_by) == ("INC-42", "run-1")
    again = desk.answer(PLAN, "run-2")
    assert (again.approval, again.request.id != asked.id) == (None, True)
    assert "was used already, by decision run-1" in again.note
    desk.give_back(PLAN, given)
    assert desk.answer(PLAN, "run-3").approval.used_by == "run-3"


@pytest.mark.parametrize(
    "other",
    [
        evolve(PLAN, digest="cd" * 32),
        evolve(PLAN, kind="cutover"),
        evolve(PLAN, terms={**PLAN.terms, "network/route": ("*",)}),
        evolve(PLAN, targets=("i-1", "i-3")),
        evolve(PLAN, leaves={"green": (0, 3)}),
        evolve(PLAN, region="us-east-1"),
        evolve(PLAN, terms={RULE: ("someone-else",)}),
    ],
    ids=["digest", "kind", "rules", "targets", "leaves", "region", "approvers"],
)
def test_it_covers_nothing_else(other, place):
    """Another digest, kind, rule, target or region is not approved, nor what leaves fewer machines."""
    desk = desk_in(place)
    asked = desk.answer(PLAN, "run-1").request
    other_user.act(lambda: command(place, "approve", asked.id, "--reason", "INC-42"))
    assert desk.answer(other, "run-1").approval is None
    assert desk.answer(PLAN, "run-1").approval is not None


def test_who_asks_may_wait(place):
    """The desk looks again until the time is over; then the request is the answer."""
    clock = [1_700_000_000.0]
    asked = []

    def sleep(seconds):
        clock[0] += seconds
        asked[:] = [record.request.id for record in desk.board.all()]

    desk = evolve(desk_in(place), wait_s=10.0, clock=lambda: clock[0], sleep=sleep)
    assert [desk.answer(PLAN, "run-1").request.id] == asked
    assert clock[0] == 1_700_000_010.0


def test_nobody_is_asked_where_no_terminal_is(monkeypatch):
    """The confirmation of a page needs a person at a terminal, as that of a call does."""
    monkeypatch.setattr(os, "isatty", lambda _: False)
    answer = ask_about(Page("a plan", "2 calls", "warn", ()), "green", None, 1.0)
    assert (answer.given, answer.asked) == (False, False)
