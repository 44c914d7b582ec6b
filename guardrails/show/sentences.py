"""The one paragraph a tired person reads: what was blocked, which machines, which cluster, why, what instead."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.show.printable import printable
from guardrails.values import Decision, Live, LookupFailure, Violation

_SHOWN = 5


def paragraph(decision: Decision, now: float, *, sent: bool = False) -> str:
    """One paragraph for a decision that is not a plain allow; `now` (seconds since the epoch) gives the ages.

    `sent` is true where the mode sends what was decided against.
    """
    parts = [f"{verb(decision, sent=sent)}: {summary(decision)}."]
    if decision.unavailable:
        parts.append(why(decision))
    if decision.facts is not None and not decision.unavailable:
        parts.append(sentence(live_sentence(decision.facts.live, now)))
    parts += [
        f"Rule {group.rule}: {group.message} Instead: {group.remediation}"
        for group in grouped(violation for violation in decision.violations if violation.action != "dryrun")
    ]
    if decision.action == "confirm" and decision.reason:
        parts.append(sentence(decision.reason))
    glass = decision.input.get("break_glass")
    if glass and any(violation.rule in glass["rules"] for violation in decision.violations):
        parts.append(sentence(f"The glass is broken for {', '.join(glass['rules'])}: {glass['reason']}"))
    parts.append(f"[decision {decision.id}]")
    return printable(" ".join(part for part in parts if part))


def live_sentence(live: Live, now: float) -> str:
    """Which cluster is live and the evidence with its age."""
    evidence = "; ".join(
        f"{source.name}: {source.evidence}, seen {age(now - source.observed_at)} ago" for source in live.sources
    )
    if not live.sources:
        return "No source was asked which cluster is live"
    if not live.known:
        return f"No source knows which cluster is live ({evidence})"
    names = " and ".join(live.clusters)
    verb = "are" if len(live.clusters) > 1 else "is"
    dispute = ", in dispute" if live.disputed else ""
    return f"{names} {verb} live{dispute} ({evidence})"


def grouped(violations: Iterable[Violation]) -> list[Violation]:
    """One violation for each rule and action, its message that of the first target with the others named after it."""
    groups: dict[tuple[str, str], list[Violation]] = {}
    for violation in violations:
        groups.setdefault((violation.rule, violation.action), []).append(violation)
    return [_merged(group) for group in groups.values()]


def failure_sentence(failure: LookupFailure) -> str:
    """Which look-up failed and why, and the IAM action to allow where a permission is what was missing."""
    mend = f"; allow the IAM action {failure.permission}" if refused(failure) else ""
    return f"the look-up {failure.lookup} failed with {failure.code} ({failure.message}){mend}"


def refused(failure: LookupFailure) -> bool:
    """True where a permission is what was missing."""
    return "Unauthorized" in failure.code or "AccessDenied" in failure.code


def age(seconds: float) -> str:
    """``0.2 s`` below a minute, ``3 min`` below an hour, then hours."""
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def listed(ids: Iterable[str]) -> str:
    """The first ids and how many more there are."""
    every = list(dict.fromkeys(ids))
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


_SENT = {"allow": "Allowed", "warn": "Sent with a warning"}
_WHAT_IF = {
    "allow": "Would be allowed",
    "warn": "Would be sent with a warning",
    "confirm": "Would need a person's word",
}


def verb(decision: Decision, *, sent: bool = False) -> str:
    """The verdict, to begin a sentence with: what was done, or (`check`) what would be."""
    undecided = ", because the guard could not decide" if decision.unavailable else ""
    if decision.what_if:
        if decision.what_if == "dryrun" and decision.action == "warn":
            return "Would be sent, without a warning because mode is 'dryrun'"
        if decision.what_if != "enforce" and not decision.allowed:
            return f"Would be sent all the same, because mode is {decision.what_if!r}"
        return _WHAT_IF.get(decision.action, "Would be blocked") + undecided
    if decision.action in _SENT:
        return _SENT[decision.action]
    if sent:
        though = ", though the guard could not decide" if undecided else ""
        return f"Sent all the same, because mode is 'warn'{though}"
    asked = ", because it needs a person's confirmation" if decision.action == "confirm" else ""
    return f"Blocked before it reached AWS{undecided or asked}"


def summary(decision: Decision) -> str:
    """The call in one phrase: the operation, what it names, where."""
    call = decision.call
    presigned = "presigning " if call.presigned else ""
    ids = [target.id for target in call.targets if target.role == "target"]
    onto = [target.id for target in call.targets if target.role == "destination"]
    text = f"{presigned}{call.operation}" + (f" on {listed(ids)}" if ids else "")
    text += f" onto {listed(onto)}" if onto else ""
    text += f" in {call.region}" if call.region else ""
    return text + (f" ({'; '.join(call.forms)})" if call.forms else "")


def _merged(group: list[Violation]) -> Violation:
    others = listed(violation.target for violation in group[1:])
    same = f" (the same for {others})" if others else ""
    message = sentence(group[0].message.rstrip(". ") + same)
    return evolve(group[0], message=message, remediation=sentence(group[0].remediation))


def why(decision: Decision) -> str:
    """Why the guard could not decide, or what else it has to say besides rules; "" where there is nothing."""
    said = decision.unavailable or decision.reason
    return sentence(said[0].upper() + said[1:]) if said else ""


def sentence(text: str) -> str:
    """The text with a full stop at its end."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
