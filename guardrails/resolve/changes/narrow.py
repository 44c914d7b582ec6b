"""A call with the effects that are left once it is compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from guardrails.resolve.changes.rows import changes_nothing, left_alone, rows_of, spared_forms
from guardrails.values import Answer, Call, Lookup


def lookups(call: Call) -> tuple[Lookup, ...]:
    """The look-ups that show what the call would change. They may fail: then all of it counts as a change."""
    rows = rows_of(call.service, call.operation)
    return tuple({lookup.key(): lookup for row in rows for lookup in row.asks(call.clear_params)}.values())


def narrow(call: Call, answers: Mapping[str, Answer]) -> Call:
    """The call without the effects of parameters that leave everything as it is, or that hurt no one."""
    if changes_nothing(call, answers):
        return evolve(call, tags=None, effects=(), forms=())
    alone = left_alone(call, answers) | _patch_left_alone(call, answers)
    spared = spared_forms(call, answers)
    causes = [
        cause
        for cause in call.causes
        if cause.meaning not in spared and (not cause.params or not cause.params <= alone)
    ]
    if len(causes) == len(call.causes):
        return call
    return evolve(
        call,
        tags=call.tags if causes else None,
        effects=tuple(dict.fromkeys(effect for cause in causes for effect in cause.effects)),
        forms=tuple(cause.meaning for cause in causes if cause.meaning),
    )


def _patch_left_alone(call: Call, answers: Mapping[str, Answer]) -> frozenset[str]:
    if call.service != "cloudcontrolapi":
        return frozenset()
    from guardrails.resolve.changes import patches  # noqa: PLC0415  (only Cloud Control has patches)

    return patches.left_alone(call, answers)
