"""Approval of something as a whole, such as a plan or a cutover: one yes for all its calls, by its digest."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import evolve, field

from guardrails.enforce.approvals import standing
from guardrails.enforce.approvals.asking import ask
from guardrails.enforce.approvals.digest import SCHEMA, digest
from guardrails.enforce.approvals.standing import Standing, Terms
from guardrails.enforce.ctrl_c import interruptible
from guardrails.memory.approvals import Board, Identity, Request
from guardrails.values import EMPTY, ApprovalRequest, frozen
from guardrails.waiting.interruptions import waiting

# Between two looks for an approval.
_PAUSE_S = 1.5
# What is shown to who approves; the digest covers all of it.
_LINES = 200
_LINE = 300
WHOLE = "guardrails"


@frozen
class Whole:
    """What is approved at once. `digest` covers all that is to be done, `lines` says it to people.

    `terms` has each rule that blocks a call of it, with the patterns of who may approve that; an approval counts for
    `minutes`. `targets` are the ids that it touches, `clusters` what they belong to, and `leaves` says for each cluster
    how many machines it would leave running, and how many run.
    """

    kind: Literal["plan", "cutover"]
    digest: str
    summary: str
    lines: tuple[str, ...]
    terms: Mapping[str, tuple[str, ...]]
    minutes: float
    region: str = ""
    account: str | None = None
    targets: tuple[str, ...] = ()
    clusters: Mapping[str, tuple[str, ...]] = EMPTY
    leaves: Mapping[str, tuple[int, int]] = field(factory=dict)

    @property
    def place(self) -> str:
        """Where its requests are: those of its kind in the account and region."""
        return f"{self.account or ''}#{self.region}#{WHOLE}:{self.kind}"

    def document(self, user: str) -> dict[str, Any]:
        """What is approved, with `user` as who asks; it has the members of a call's document."""
        more = [f"and {len(self.lines) - _LINES} more"] if len(self.lines) > _LINES else []
        return {
            "schema": SCHEMA,
            "service": WHOLE,
            "operation": self.kind,
            "params": {"digest": self.digest, "lines": [line[:_LINE] for line in self.lines[:_LINES]] + more},
            "hidden": "",
            "targets": sorted(self.targets),
            "clusters": {name: sorted(clusters) for name, clusters in self.clusters.items()},
            "effects": [],
            "region": self.region,
            "account": self.account,
            "rules": sorted([rule, self.kind] for rule in self.terms),
            "user": user,
        }


@frozen
class WholeDesk:
    """Where a whole is approved. `asker` wants to do it; who asks waits for `wait_s` seconds."""

    board: Board
    asker: Identity
    wait_s: float = 0.0
    clock: Callable[[], float] = field(default=time.time)
    sleep: Callable[[float], None] = field(default=time.sleep)

    def answer(self, whole: Whole, used_by: str) -> Standing:
        """Its `approval`, which is used up in the name of `used_by`, else the open `request` for one.

        A request is made where none is open. Raises StateUnavailable where the place of the requests cannot be used,
        and KeyboardInterrupt where the wait is interrupted.
        """
        what, terms = whole.document(self.asker.id), Terms(whole.terms, whole.minutes, whole.leaves)
        until, asked = self.clock() + self.wait_s, None
        while True:
            now = standing.of(self.board.records(whole.place), what, self.asker, terms, self.clock())
            if now.approval is not None and now.record is not None and self.board.take(now.record.request, used_by):
                return evolve(now, approval=evolve(now.approval, used_by=used_by))
            asked = now.request or asked or self._ask(whole, what)
            left = until - self.clock()
            if left <= 0:
                return Standing(request=asked, note=now.note)
            with waiting(), interruptible():
                self.sleep(min(_PAUSE_S, left))

    def give_back(self, whole: Whole, given: Standing) -> None:
        """Nothing was sent after all, so the approval counts again. Raises StateUnavailable."""
        if given.approval is not None:
            self.board.give_back(whole.place, given.approval.id, given.approval.used_by)

    def _ask(self, whole: Whole, what: Mapping[str, Any]) -> Request:
        request = Request(
            id=secrets.token_hex(5),
            place=whole.place,
            digest=digest(what),
            document=what,
            summary=whole.summary,
            asked_at=self.clock(),
            minutes=whole.minutes,
            terms=whole.terms,
            asked_by=self.asker,
            leaves=whole.leaves,
        )
        ask(self.board, request)
        return request


def public(request: Request, note: str = "") -> ApprovalRequest:
    """What is shown of a request."""
    return ApprovalRequest(
        id=request.id,
        digest=request.digest,
        rules=request.rules,
        targets=tuple(request.document["targets"]),
        summary=request.summary,
        until=request.until,
        user=request.asked_by.id,
        note=note,
    )
