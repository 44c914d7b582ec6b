"""A decision as a page: the rules and what to do instead, the call, its machines and clusters, and what is live."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.show import blast_radius, live
from guardrails.show.page import Page, Section, Tone, without_empty
from guardrails.show.sentences import approval_sentences, effective, grouped, summary, verb, why
from guardrails.values import MASK, Call, Decision, Target, Violation

_SHOWN = 20
_VALUE = 300
_TONES: dict[str, Tone] = {"allow": "allow", "warn": "warn", "confirm": "warn"}


def page(decision: Decision, title: str = "", place: str = "", *, payloads: bool = False) -> Page:
    """`title` replaces the verdict before there is one; `place` is the line of code that made the call.

    With `payloads`, commands and the like are shown in clear: to the person who is asked about the call.
    """
    return Page(
        title or verb(decision),
        summary(decision),
        _TONES.get(decision.action, "deny"),
        without_empty((Section("Where", (place,) if place else ()), *_sections(decision, payloads=payloads))),
        # A what-if is not logged.
        "" if decision.what_if else f"decision {decision.id}",
    )


def _sections(decision: Decision, *, payloads: bool) -> Iterable[Section]:
    """Ages are as of the decision, so that a page always shows the same."""
    yield Section("Why", tuple(filter(None, (why(decision),))))
    rules = grouped(effective(decision))
    yield Section("Rules", tuple(_rule(violation) for violation in rules))
    yield Section("Instead", tuple(dict.fromkeys(violation.remediation for violation in rules)))
    yield _params(decision.call)
    if payloads:
        yield _payloads(decision.call)
    facts = decision.facts
    if facts is not None and not decision.unavailable:
        yield _targets([target for target in facts.targets if target.role == "target"], facts.live.clusters)
        yield _clusters(blast_radius.of(decision.input))
        yield live.evidence(facts.live, decision.decided_at)
        if not facts.live.known:
            yield Section("Live cluster", ("No source knows which cluster is live, so every cluster is protected.",))
    yield Section("Approval", tuple(approval_sentences(decision)))
    glass = decision.input.get("break_glass")
    if glass:
        yield Section("Break glass", (f"{', '.join(glass['rules'])}: {glass['reason']}",))


def _params(call: Call) -> Section:
    """The call's parameters, without those that only repeat the ids of its targets."""
    named = {target.id for target in call.targets}
    rows = [(key, _value(value)) for key, value in call.params.items() if not _leaves(value) <= named]
    more = (f"and {len(rows) - _SHOWN} more",) if len(rows) > _SHOWN else ()
    return Section("With", more, ("parameter", "value"), tuple(rows[:_SHOWN]))


def _payloads(call: Call) -> Section:
    """What the call wants to have run, whole, so that the person who allows it has seen it."""
    values = call.private.payloads.items()
    rows = tuple((pointer.lstrip("/"), line) for pointer, value in values for line in _lines(value))
    return Section("What would run", (), ("parameter", "value"), rows)


def _lines(value: Any) -> Iterable[str]:
    """The strings of a payload, a line each; a name before those of a map."""
    if isinstance(value, str):
        yield from value.splitlines() or [value]
    elif isinstance(value, Mapping):
        yield from (f"{key}: {line}" for key, item in value.items() for line in _lines(item))
    elif isinstance(value, (list, tuple)):
        yield from (line for item in value for line in _lines(item))
    else:
        yield json.dumps(value, default=str)


def _leaves(value: Any) -> set[str]:
    if isinstance(value, (list, tuple)):
        return {leaf for item in value for leaf in _leaves(item)}
    return {value if isinstance(value, str) else json.dumps(value, default=str)}


def _value(value: Any) -> str:
    if value == MASK:
        return "hidden, because it may be secret"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def _rule(violation: Violation) -> str:
    return f"{violation.rule}: {violation.message}"


def _targets(targets: list[Target], alive: tuple[str, ...]) -> Section:
    title = "Machines" if targets and all(target.type == "instance" for target in targets) else "What it acts on"
    rows = tuple(
        (
            target.id,
            target.tags.get("Name", ""),
            (target.state or "") if target.resolved else "not found",
            ", ".join(f"{name} (live)" if name in alive else name for name in target.clusters) or "none",
            ", ".join(target.public_ips),
        )
        for target in targets[:_SHOWN]
    )
    more = (f"and {len(targets) - _SHOWN} more",) if len(targets) > _SHOWN else ()
    strong = frozenset(number for number, target in enumerate(targets[:_SHOWN]) if {*target.clusters} & {*alive})
    return Section(title, more, ("id", "name", "state", "cluster", "carries"), rows, strong)


def _clusters(hits: Iterable[blast_radius.Hit]) -> Section:
    shown = [hit for hit in hits if hit.touched or hit.live]
    rows = tuple(
        (
            hit.cluster,
            "yes" if hit.live else "no",
            f"{hit.running} of {hit.running + hit.stopped}",
            hit.sentence,
        )
        for hit in shown
    )
    columns = ("cluster", "live", "running", "impact")
    return Section("Clusters", (), columns, rows, frozenset(number for number, one in enumerate(shown) if one.live))
