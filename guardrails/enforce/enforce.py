"""Stage 5: what a decision means in this mode. A pure function: the pipeline warns and raises."""

from __future__ import annotations

from guardrails.show.sentences import paragraph
from guardrails.values import Decision, Mode, Outcome


def enforce(decision: Decision, mode: Mode, now: float) -> Outcome:
    """Send or block. `now` (seconds since the epoch) is for the ages in the warning.

    ``enforce``: deny and confirm block, warn warns. ``warn``: nothing blocks, and what would have been blocked warns.
    ``dryrun``: nothing blocks or warns; the decision log shows what would have happened.
    A missing confirmation is a denial.
    """
    if decision.action == "allow" or (decision.action == "confirm" and decision.confirmed):
        return Outcome(send=True, enforcement="allow")
    if mode == "dryrun":
        return Outcome(send=True, enforcement="dryrun")
    if decision.action == "warn" or mode == "warn":
        return Outcome(send=True, enforcement="warn", warning=paragraph(decision, now, sent=True))
    return Outcome(send=False, enforcement="deny")
