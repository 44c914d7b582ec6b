"""What a plan writes down of a decision, an effect and an answer."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from typing import Any

from guardrails.aws import resource_ids
from guardrails.enforce.approvals import approvable
from guardrails.planning.effects import Effect
from guardrails.planning.entry import Rule, Status
from guardrails.planning.planned_ids import is_planned, planned_in
from guardrails.show.sentences import effective
from guardrails.values import Decision


def status_of(decision: Decision | None) -> Status:
    """The verdict; an ungoverned call has no decision."""
    if decision is None or decision.action == "allow":
        return "allowed"
    if decision.action == "warn":
        return "warned"
    if decision.action == "confirm":
        return "to confirm"
    return "needs approval" if approvable(decision) else "denied"


def rules_of(decision: Decision | None) -> tuple[Rule, ...]:
    """The rules that speak against the call."""
    found = effective(decision) if decision else ()
    return tuple(Rule(each.rule, each.action, each.target, each.message, each.remediation) for each in found)


# What comes and goes with a machine, or only says which machines belong together.
_PARTS = ("Reservation", "NetworkInterface")


def things_of(effect: Effect, used: Container[str]) -> dict[str, str]:
    """What is made, changed or ended, by id with its kind. Of a call that makes something, without what it uses."""
    every = {each.id: each.noun for each in effect.changes if each.noun not in _PARTS}
    return {name: noun for name, noun in every.items() if is_planned(name) and name not in used} or every


def made_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The made-up ids in an answer, with their JMESPath."""
    if is_planned(value):
        yield path, value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name != "ResponseMetadata":
                yield from made_in(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from made_in(each, f"{path}[{number}]")


def shows(answer: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether an answer has the made-up things that were asked for."""
    return {*planned_in(dict(params))} <= {*planned_in(dict(answer))}


def only_planned(service: str, params: Mapping[str, Any]) -> bool:
    """Whether every id of a call of EC2 is made up: what it changes is not at AWS."""
    named = resource_ids.in_text(json.dumps(dict(params), default=str))
    return service == "ec2" and bool(named) and all(map(is_planned, named))
