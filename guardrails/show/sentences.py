"""Decisions in words: the paragraph of a denial, its line in the program's log, and the phrases they share."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.show.printable import printable
from guardrails.values import Decision, Live, Violation, rfc3339

# The attribute of a log record about a denial: the decision's id.
DENIAL = "denial"
_SHOWN = 5


def paragraph(decision: Decision, now: float, *, sent: bool = False) -> str:
    """The text of a denial or a warning: what was blocked, each rule with its remedy, what is live, the decision's id.

    `now` (seconds since the epoch) gives the ages; `sent` is true where the mode sends a denied call.
    """
    parts = [_first_sentence(decision, sent=sent)]
    if decision.unavailable:
        parts.append(why(decision))
    parts += [
        f"Rule {violation.rule}: {violation.message} Instead: {violation.remediation}"
        for violation in grouped(effective(decision))
    ]
    if not decision.allowed and not decision.unavailable and decision.reason:
        parts.append(sentence(decision.reason))
    parts += approval_sentences(decision)
    if decision.facts is not None and not decision.unavailable:
        parts.append(sentence(live_sentence(decision.facts.live, now)))
    glass = decision.input.get("break_glass")
    if glass and any(violation.rule in glass["rules"] for violation in decision.violations):
        parts.append(sentence(f"Break glass is in force for {', '.join(glass['rules'])}: {glass['reason']}"))
    return _joined(decision, parts)


def approval_sentences(decision: Decision) -> list[str]:
    """How a second person approves the call, or who did; nothing where that is not possible."""
    if decision.approved is not None:
        given = decision.approved
        return [sentence(f"Approved by {given.name} for {given.asker} (request {given.id}): {given.reason}")]
    if decision.approval is None:
        return []
    asked = decision.approval
    until = rfc3339(asked.until)[:16].replace("T", " ")
    again = "it covers exactly this call, once; then make the call again"
    note = [sentence(asked.note)] if asked.note else []
    return [*note, f"A second person can approve it until {until} UTC with `{asked.command}`: {again}."]


def log_line(decision: Decision) -> str:
    """What was blocked, by which rules (or why the guard could not decide) and the decision's id, in one line."""
    rules = dict.fromkeys(violation.rule for violation in effective(decision))
    names = f"Rule{'s' * (len(rules) > 1)} {', '.join(rules)}." if rules else why(decision)
    return _joined(decision, [_first_sentence(decision), names])


def _first_sentence(decision: Decision, *, sent: bool = False) -> str:
    return f"{verb(decision, sent=sent)}: {summary(decision)}."


def _joined(decision: Decision, parts: Iterable[str]) -> str:
    return printable(" ".join(part for part in (*parts, f"[decision {decision.id}]") if part))


def effective(decision: Decision) -> list[Violation]:
    """The violations that count: those of rules in ``dryrun`` do not."""
    return [violation for violation in decision.violations if violation.action != "dryrun"]


# The setting that says which of the things that a source finds users reach.
_NARROWED_BY = {
    "eip": "live.eip_addresses",
    "target-group": "live.listeners",
    "asg": "live.listeners",
    "ecs": "live.listeners",
    "elb": "live.sources",
    "accelerator": "live.sources",
    "traffic": "live.sources",
}


def live_sentence(live: Live, now: float) -> str:
    """Which cluster is live, and the evidence with its age."""
    # A source that found nothing of its kind has nothing to say, unless all are silent.
    speaking = [source for source in live.sources if not source.silent] or live.sources
    evidence = "; ".join(
        f"{source.name}: {source.evidence}, seen {age(now - source.observed_at)} ago" for source in speaking
    )
    if not live.sources:
        return "No source was asked which cluster is live"
    if live.nothing and not live.known:
        return f"Nothing that users reach is here, now or lately ({evidence}); the parameter nothing_live counts"
    if not live.known:
        return f"No source knows which cluster is live ({evidence})"
    names = " and ".join(live.clusters)
    several = len(live.clusters) > 1
    hint = _narrowing(live) if several else ""
    if live.disputed:
        return f"The sources disagree, so {names} {'are' if several else 'is'} protected ({evidence}){hint}"
    return f"{names} {'are' if several else 'is'} live ({evidence}){hint}"


def _narrowing(live: Live) -> str:
    """How to say that users reach only some of the clusters, "" where they were named and not found."""
    some = (_NARROWED_BY.get(source.name) for source in live.sources if source.clusters)
    settings = [f"`{setting}`" for setting in dict.fromkeys(some) if setting]
    return f". If one of them is not, say what users reach with {' or '.join(settings)}" if settings else ""


def grouped(violations: Iterable[Violation]) -> list[Violation]:
    """One violation for each rule and action: the message of the first target, with the other targets after it."""
    groups: dict[tuple[str, str], list[Violation]] = {}
    for violation in violations:
        groups.setdefault((violation.rule, violation.action), []).append(violation)
    return [_merged(group) for group in groups.values()]


def age(seconds: float) -> str:
    """``0.2 s`` below a minute, ``3 min`` below an hour, then hours."""
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def listed(ids: Iterable[str]) -> str:
    """The first ids, and the number of the others."""
    every = list(dict.fromkeys(ids))
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def counted(number: int, noun: str) -> str:
    """``1 machine``, ``2 machines``, ``1,000 addresses``."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{plural * (number != 1)}"


_SENT = {"allow": "Allowed", "warn": "Sent with a warning"}
_WHAT_IF = {
    "allow": "Would be allowed",
    "warn": "Would be sent with a warning",
    "confirm": "Would need your confirmation",
}


def verb(decision: Decision, *, sent: bool = False) -> str:
    """The verdict, to start a sentence with: what was done or, for `check`, what would be done."""
    undecided = ", because the guard could not decide" if decision.unavailable else ""
    if decision.what_if:
        if decision.what_if == "dryrun" and decision.action == "warn":
            return "Would be sent, without a warning because mode is 'dryrun'"
        if decision.what_if != "enforce" and not decision.allowed:
            return f"Would still be sent, because mode is {decision.what_if!r}"
        return _WHAT_IF.get(decision.action, "Would be blocked") + undecided
    if decision.action in _SENT:
        return _SENT[decision.action]
    if sent:
        though = ", although the guard could not decide" if undecided else ""
        return f"Sent anyway, because mode is 'warn'{though}"
    unconfirmed = ", because it needs confirmation" if decision.action == "confirm" else ""
    return f"Blocked before it reached AWS{undecided or unconfirmed}"


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
    """Why the guard could not decide, or a note that comes with the rules; "" for neither."""
    reason = decision.unavailable or decision.reason
    return sentence(reason[0].upper() + reason[1:]) if reason else ""


def sentence(text: str) -> str:
    """The text with a full stop at the end."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
