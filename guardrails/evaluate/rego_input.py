"""The `input` document of the Rego contract (policies/schemas/input.json), from a call and its facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from guardrails.aws.endpoints import answered_inside, is_aws
from guardrails.values import Approval, Call, Caller, Facts, Target, rfc3339

SCHEMA = 1
# Clocks are read at different moments, and corrected by a little.
_CLOCK_SLACK_S = 1.0


def build(
    call: Call, facts: Facts, caller: Caller, now: float, break_glass: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Everything a policy may look at, JSON-safe. `now` is in seconds since the epoch; ages are counted from it."""
    return with_facts(without_facts(call, caller, break_glass), facts, now)


def without_facts(
    call: Call, caller: Caller, break_glass: Mapping[str, Any] | None, approval: Approval | None = None
) -> dict[str, Any]:
    """The part that needs no look-up. Without a `schema` it is for the decision log only, never for a policy."""
    return {
        "call": describe(call),
        "caller": attrs.asdict(caller),
        "break_glass": break_glass,
        "approvals": [] if approval is None else [approval.document()],
    }


def with_facts(document: Mapping[str, Any], facts: Facts, now: float) -> dict[str, Any]:
    """The whole document, from the one without facts."""
    return {
        **document,
        "schema": SCHEMA,
        "targets": {target.id: _target(target) for target in facts.targets},
        "clusters": {cluster.name: _without(attrs.asdict(cluster), "name") for cluster in facts.clusters},
        "live": {
            "known": facts.live.known,
            "disputed": facts.live.disputed,
            "nothing": facts.live.nothing,
            "absent": list(facts.live.absent),
            "unasked": list(facts.live.unasked),
            "clusters": list(facts.live.clusters),
            "sources": [
                {
                    "name": source.name,
                    "clusters": list(source.clusters),
                    "observed_at": rfc3339(source.observed_at),
                    "age_s": _age(source.observed_at, now),
                    "evidence": source.evidence,
                    "silent": source.silent,
                }
                for source in facts.live.sources
            ],
        },
        "history": _history(facts),
        "capacity": facts.capacity,
        "shift": None if facts.shift is None else attrs.asdict(facts.shift),
        "waves": facts.waves,
        "freezes": [freeze.document() for freeze in facts.past.freezes],
        "freezes_unknown": facts.past.freezes_unknown,
        "time": rfc3339(now),
        "now_s": now,
    }


def _history(facts: Facts) -> dict[str, Any]:
    return {
        "destroyed": dict(facts.past.destroyed),
        "stopped": dict(facts.past.stopped),
        "out": dict(facts.past.out),
        "launched": dict(facts.past.launched),
        "call_rate": facts.past.call_rate,
        "launch_tokens": facts.launch_tokens,
        "hosts": facts.past.hosts,
        "unshared": facts.past.unshared,
    }


def describe(call: Call) -> dict[str, Any]:
    """The `call` object of the input."""
    return {
        "service": call.service,
        "operation": call.operation,
        "native": call.native,
        "effects": list(call.effects),
        "severity": call.severity,
        "forms": list(call.forms),
        "params": call.params,
        "tags": None
        if call.tags is None
        else {"set": dict(call.tags.set), "removed": list(call.tags.removed), "removes_all": call.tags.removes_all},
        "look_at": call.look_at,
        "dry_run": call.dry_run,
        "presigned": call.presigned,
        "region": call.region,
        "account": call.account,
        "endpoint": call.endpoint,
        "real": is_aws(urlsplit(call.endpoint).hostname or "") and not answered_inside(),
    }


def _age(observed_at: float, now: float) -> float | None:
    """Seconds; None for a time that is still to come, because the clock was set back: how old that is is unknown."""
    return round(max(0.0, now - observed_at), 3) if observed_at - now <= _CLOCK_SLACK_S else None


def _target(target: Target) -> Mapping[str, Any]:
    return _without(attrs.asdict(target), "id")


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    values.pop(name)
    return values
