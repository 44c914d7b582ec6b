"""The question every engine must answer with a denial before it may guard anything.

A policy can load without an error and answer nothing: by a slip of its author, or by one of the engine. The incident
behind it is Facebook's of 4 October 2021, where a bug in the audit tool let the command through.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.errors import PolicyError
from guardrails.evaluate import rego_input
from guardrails.evaluate.engine import Engine, EngineFailure, read_result
from guardrails.values import Call, Caller, Cluster, Facts, Live, SourceReport, Target, TargetRef

_MACHINE, _CLUSTER = "i-00000000000canary", "canary"


def sing(engine: Engine, now: float, enforcement: Mapping[str, str]) -> None:
    """Ask about terminating a machine of a live cluster.

    Raises PolicyError when that is not denied, unless a rule that it violates has the word for it from `enforcement`.
    """
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
    seen = Live(True, False, (_CLUSTER,), (SourceReport("eip", (_CLUSTER,), now, "a canary"),))
    nobody = Caller(None, "", "", "", interactive=False, notebook=False, pid=0)
    asked = rego_input.build(call, Facts((machine,), (cluster,), seen, now), nobody, now)
    try:
        action, violations = read_result(engine.evaluate(asked).result)
    except EngineFailure as error:
        raise PolicyError(f"the policies give no answer for terminating a live machine: {error}") from error
    if action in ("deny", "confirm") or any(enforcement.get(one.rule) == one.action for one in violations):
        return
    raise PolicyError(
        "the policies allow terminating a machine of the live cluster; "
        "mend them, or take the folder that replaces the shipped ones out of `policies`"
    )
