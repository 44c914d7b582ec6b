"""Whether a host's own copy of a cutover can still be true, by what AWS shows: the shared memory does not answer."""

from __future__ import annotations

from guardrails.cutover.entrances import Entrances
from guardrails.cutover.kinds import KINDS
from guardrails.cutover.plan import SWITCHED, Record, State


def contradiction(record: Record, entrances: Entrances) -> str:
    """Why another host may have gone on with it, or finished it; "" where AWS shows what this copy knows.

    Raises StepFailed for an entrance that is gone, and what botocore raises.
    """
    plan, last = record.plan, len(record.plan.steps)
    if record.phase == SWITCHED:
        return "this host's copy says that every step is done, and another host may have finished it since"
    shown = entrances.read(plan.moved_first())
    ends = plan.wanted(last)
    if record.begun == last and ends and all(_same(record, key, shown[key], ends[key]) for key in ends):
        return "every step is done, and another host may have finished it since"
    for key, now in shown.items():
        known = [plan.entrance(key).before, *(_after(record, key, begun) for begun in (record.begun - 1, record.begun))]
        if not _nowhere(key, now) and not any(_same(record, key, now, state) for state in known):
            return (
                f"this host's copy says step {record.begun} of {last}, and {plan.entrance(key).name} is elsewhere: "
                "another host has gone on since, or someone has changed it"
            )
    return ""


def _after(record: Record, key: str, steps: int) -> State:
    return record.plan.wanted(max(steps, 0)).get(key, record.plan.entrance(key).before)


def _same(record: Record, key: str, one: State, other: State) -> bool:
    return KINDS[record.plan.entrance(key).kind].same(one, other)


def _nowhere(key: str, now: State) -> bool:
    """An address that no user reaches is to go back at once."""
    return key.startswith("address ") and not (now["instance"] or now["eni"])
