"""Who works on a cutover: its record, kept in the shared memory by one conditional write after the other.

An owner has it for `LEASE_S` seconds and renews that as long as it lives. Once that is over, another host may take it.
"""

from __future__ import annotations

import secrets
from typing import Any

from attrs import evolve

from guardrails import caller
from guardrails.cutover.plan import OPEN, SWITCHING, Plan, Record
from guardrails.errors import CutoverRefused
from guardrails.memory.cutovers import Cutovers, FleetCutovers
from guardrails.memory.store import StateUnavailable
from guardrails.values import rfc3339

LEASE_S = 60.0


class HoldLost(CutoverRefused):
    """Another host has taken the cutover over; this one must not touch anything any more."""


class Hold:
    """The record of a cutover that this process works on."""

    def __init__(self, cutovers: Cutovers, record: Record) -> None:
        self._cutovers = cutovers
        self.record = record

    @classmethod
    def begin(cls, cutovers: Cutovers, plan: Plan) -> Hold:
        """Start one. Raises CutoverRefused where another is under way, and StateUnavailable."""
        kept = cutovers.read(plan.scope)
        before = latest(cutovers, plan.scope)
        if before is not None and before.phase in OPEN:
            raise CutoverRefused(under_way(before))
        now = cutovers.now()
        record = Record(secrets.token_hex(4), plan, SWITCHING, started_at=now, revision=kept.revision)
        hold = cls(cutovers, _owned(record))
        try:
            hold.keep()
        except HoldLost:
            other = latest(cutovers, plan.scope)
            raise CutoverRefused(under_way(other) if other else "try again") from None
        return hold

    @classmethod
    def take_over(cls, cutovers: Cutovers, record: Record, **changes: Any) -> Hold:
        """Take over one that no one works on any more. Raises CutoverRefused and StateUnavailable."""
        if record.owner and record.owner_until > cutovers.now():
            raise CutoverRefused(
                f"{record.by} on {record.host} works on it until {rfc3339(record.owner_until)[:19]}Z at least: stop "
                "that process with Ctrl-C, which goes back, or wait until then"
            )
        hold = cls(cutovers, _owned(evolve(record, **changes)))
        hold.keep()
        return hold

    def keep(self, **changes: Any) -> None:
        """Write the record with these changes, and stay its owner. Raises HoldLost and StateUnavailable."""
        now = self._cutovers.now()
        record = evolve(self.record, **changes, changed_at=now)
        if record.owner:
            record = evolve(record, owner_until=now + LEASE_S)
        for _ in range(2):
            if self._cutovers.write(record.plan.scope, record.document(), record.revision):
                self.record = evolve(record, revision=record.revision + 1)
                return
            there = latest(self._cutovers, record.plan.scope)
            if there is None or there.id != record.id or there.owner not in (self.record.owner, record.owner):
                break
            # The answer to an earlier write was lost: what is there is this process's own.
            record = evolve(record, revision=there.revision)
        raise HoldLost("another process has taken this cutover over; `guardrails cutover status` shows which")

    def release(self, **changes: Any) -> None:
        """Write it and let go of it. Raises HoldLost and StateUnavailable."""
        owner = self.record.owner
        try:
            self.keep(**changes, owner="", owner_until=0.0)
        except BaseException:
            self.record = evolve(self.record, owner=owner)
            raise


def latest(cutovers: Cutovers, scope: str) -> Record | None:
    """The latest cutover of an account and region. Raises StateUnavailable."""
    return _read(cutovers, scope)


def last_known(cutovers: Cutovers, scope: str) -> tuple[Record | None, str]:
    """The same; while the shared memory does not answer, what this host wrote last, and why."""
    try:
        return latest(cutovers, scope), ""
    except StateUnavailable as error:
        if not isinstance(cutovers, FleetCutovers):
            raise
        return _read(cutovers.host, scope), str(error)


def under_way(record: Record) -> str:
    """Why another one cannot start, and what to do."""
    plan = record.plan
    return (
        f"the cutover {record.id} from {plan.source} to {plan.to} is not over ({record.phase}): `guardrails cutover "
        "status` shows it; `finish`, `abort` or `start --resume` ends it"
    )


def _read(cutovers: Cutovers, scope: str) -> Record | None:
    kept = cutovers.read(scope)
    if not kept.revision:
        return None
    try:
        return Record.read(kept.document, kept.revision)
    except ValueError as error:
        raise CutoverRefused(f"the cutover that is kept for {scope} cannot be read: {error}") from error


def _owned(record: Record) -> Record:
    who = caller.claimant()
    return evolve(record, owner=secrets.token_hex(8), by=who["by"], host=who["host"])
