"""Schedules of EventBridge Scheduler: they belong to what they start, and cannot have tags themselves.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html
"""

from __future__ import annotations

from guardrails.aws import resource_ids
from guardrails.resolve.resources.resolver import Answers, Part, Resolver, first_item
from guardrails.values import Call, Lookup, Target, TargetRef

_SCHEDULE = Lookup("scheduler", "GetSchedule", "@", empty_on=("ResourceNotFoundException",), optional=True)
# A schedule that makes a call of AWS itself names the operation instead of a resource.
_CALL = ":aws-sdk:"


def _schedule(ref: TargetRef, call: Call) -> Lookup:
    group = next(iter(ref.values), "") or call.params.get("GroupName")
    return _SCHEDULE.about(Name=ref.id, **({"GroupName": group} if group else {}))


def _started(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    """What the schedule starts: the resource that it names, and those in its input."""
    target = (first_item(_schedule(ref, call), answers) or {}).get("Target") or {}
    arn = str(target.get("Arn") or "")
    refs = [TargetRef(arn, "marked")] if arn and _CALL not in arn else []
    refs += [TargetRef(name, kind) for name, kind in resource_ids.in_text(str(target.get("Input") or "")).items()]
    return (Part(f"what {ref.id} starts", tuple(refs)),) if refs else ()


RESOLVERS = {
    "schedule": Resolver(
        lambda ref, _context: Target(ref.id, "schedule", ref.role, resolved=True),
        (_SCHEDULE,),
        lambda call, _tag: tuple(_schedule(ref, call) for ref in call.targets if ref.type == "schedule"),
        parts=_started,
    )
}
