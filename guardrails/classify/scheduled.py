"""A schedule of EventBridge Scheduler that makes a call of AWS later: it is judged like that call.

The target of such a schedule is ``arn:aws:scheduler:::aws-sdk:ec2:terminateInstances``, its input the call's parameters
as JSON. https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from attrs import evolve

from guardrails.aws.service_names import key_of
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import CatalogueEntry
from guardrails.values import Call, Cause, Private, TargetRef

_ARN = re.compile(r"arn:[^:]+:scheduler:::aws-sdk:(?P<service>[^:]+):(?P<operation>[^:]+)")
# Some types are judged by parameters of the call, which a schedule has in its input; here they are judged as a whole.
_AS_A_WHOLE = {"asg-policy": "asg", "dns-new-record": "other", "dns-record": "other", "hosted-zone": "other",
               "instance-metadata": "instance", "listener-actions": "load-balancer",
               "listener-requests": "load-balancer", "new-acl-entry": "nacl", "new-route": "route-table",
               "rule-actions": "load-balancer", "vpc-names": "vpc", "vpc-new-range": "vpc"}  # fmt: skip
_HARMLESS_AT_ONCE = frozenset(("indirect", "opaque", "protection"))
_OVERWRITTEN = "what the schedule starts runs at other times, or no longer"
_SIZES = ("SetDesiredCapacity", "UpdateAutoScalingGroup")
# Parameters that say what a name is in, beside those that an entry names: resolvers look at them by these names.
_PLACES = {name.lower(): name for name in ("AccountId", "EventBusName", "HostedZoneId", "cluster")}


def call_of(call: Call, catalogue: Catalogue) -> Call | None:
    """The call that a schedule will make, None for any other call and for other targets of a schedule.

    It is `undecodable` where the schedule's input is not the parameters of a call.
    """
    target = call.clear_params.get("Target") if call.service == "scheduler" else None
    match = _ARN.fullmatch(str((target or {}).get("Arn")))
    if target is None or match is None:
        return None
    service = key_of(match["service"], catalogue.services)
    entry = _entry(service, match["operation"], catalogue)
    if entry is None:
        return Call(service, match["operation"], {}, call.region, call.endpoint)
    try:
        params = json.loads(target.get("Input") or "{}")
    except ValueError:
        params = None
    readable = isinstance(params, dict)
    return Call(
        service,
        entry.operation,
        {_PLACES.get(name.lower(), name): each for name, each in _spelled(params, _names(entry)).items()}
        if readable
        else {},
        call.region,
        call.endpoint,
        undecodable=None if readable else "the input of the schedule is not JSON",
    )


def _entry(service: str, operation: str, catalogue: Catalogue) -> CatalogueEntry | None:
    """The entry of an operation that is spelled as in Java: ``deleteDbInstance``."""
    if service not in catalogue.services:
        return None
    entries = catalogue.service(service).operations
    name = next((name for name in entries if name.lower() == operation.lower()), None)
    return entries[name] if name else None


def _names(entry: CatalogueEntry) -> dict[str, str]:
    """The parameters that the entry looks at, by their name in lower case."""
    own = entry.tags
    tags = [own.set, own.remove, own.all_when, own.replaced] if own else []
    paths = [*(target.path for target in entry.targets), *(form.when for form in entry.forms), *filter(None, tags)]
    return {name.lower(): name for path in paths for name in path.fields}


def _spelled(value: Any, names: dict[str, str]) -> Any:
    """The parameters with the names that the entry uses."""
    if isinstance(value, list):
        return [_spelled(each, names) for each in value]
    if isinstance(value, dict):
        return {names.get(key.lower(), key): _spelled(each, names) for key, each in value.items()}
    return value


def combined(call: Call, later: Call | None) -> Call | None:
    """The schedule with what the classified call will do; None where that is ungoverned."""
    if later is None:
        return None
    # A launch later is not compared with the room that there is now.
    effects = tuple(effect for effect in later.effects if effect != "capacity")
    if not effects:
        return None
    sizes = effects == ("scale-in",) and later.operation in _SIZES
    types = {"asg": "asg-schedule"} if sizes else _AS_A_WHOLE
    # What the names in it mean, the later call's own service says.
    made, own = later.as_native, call.private
    return evolve(
        call,
        native=made.name,
        private=Private(own.params, own.payloads, made.params, later.private.created),
        effects=effects,
        severity=later.severity,
        forms=(f"{later.service}:{later.operation} later, without the guard being asked", *later.forms),
        targets=tuple(evolve(target, type=types.get(target.type, target.type)) for target in later.targets),
        tags=later.tags,
        look_at=f"{call.service}:GetSchedule",
    )


def _schedule(call: Call) -> TargetRef:
    """The schedule itself, with its group: the parameters that resolvers get may be the later call's."""
    group = str(call.params.get("GroupName") or "")
    return TargetRef(str(call.params.get("Name")), "schedule", values=(group,) if group else ())


def overwriting(call: Call, made: Call | None) -> Call:
    """An update of a schedule: what it started before runs otherwise, or no longer. `made` is what it will do now."""
    effects = made.effects if made else ()
    if made and set(effects) - _HARMLESS_AT_ONCE:
        return made
    cause = Cause(("indirect",), frozenset(call.clear_params), _OVERWRITTEN)
    return evolve(
        made or call,
        effects=tuple(dict.fromkeys((*effects, "indirect"))),
        severity=made.severity if made else "medium",
        forms=(*(made.forms if made else ()), _OVERWRITTEN),
        causes=() if made else (cause,),
        targets=(*(made.targets if made else ()), _schedule(call)),
    )
