"""The call that every engine must deny before it may guard anything.

A policy can load without an error and still block nothing, through a slip of its author or a bug in the engine.
Facebook went down on 4 October 2021 because a bug in its audit tool let a command through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.errors import PolicyError
from guardrails.evaluate import rego_input
from guardrails.evaluate.engine import Engine, EngineFailure, read_result
from guardrails.values import Call, Caller, Cluster, Facts, Live, SourceReport, Target, TargetRef

_MACHINE, _CLUSTER = "i-00000000000canary", "canary"


def check(engine: Engine, now: float, enforcement: Mapping[str, str]) -> None:
    """Ask the engine about terminating a machine of a live cluster; `now` is in seconds since the epoch.

    Raises PolicyError unless that is denied, or `enforcement` relaxes a rule that it violates.
    """
    try:
        action, violations = read_result(engine.evaluate(_question(now)).result)
    except EngineFailure as error:
        raise PolicyError(f"the policies give no answer for terminating a live machine: {error}") from error
    if action in ("deny", "confirm") or any(enforcement.get(broken.rule) == broken.action for broken in violations):
        return
    raise PolicyError(
        "the policies allow terminating a machine of the live cluster; "
        "fix them, or take the folder that replaces the shipped ones out of `policies`"
    )


def _question(now: float) -> dict[str, Any]:
    call = Call(
        "ec2",
        "TerminateInstances",
        {"InstanceIds": [_MACHINE]},
        region="us-east-1",
        endpoint="",
        effects=("terminate",),
        severity="critical",
        targets=(TargetRef(_MACHINE, "instance"),),
    )
    machine = Target(_MACHINE, "instance", "target", resolved=True, clusters=(_CLUSTER,), state="running")
    cluster = Cluster(_CLUSTER, True, 1, 1, 1, 0, 0, (), ())
    live = Live(True, False, (_CLUSTER,), (SourceReport("eip", (_CLUSTER,), now, "a canary"),))
    caller = Caller(None, "", "", "", interactive=False, notebook=False, pid=0)
    return rego_input.build(call, Facts((machine,), (cluster,), live, now), caller, now)
