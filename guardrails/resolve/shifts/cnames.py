"""Two Elastic Beanstalk environments that swap their names.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.CNAMESwap.html
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from guardrails.resolve.health import STATUS
from guardrails.resolve.live.beanstalk import ENVIRONMENTS, Environment
from guardrails.resolve.shifts import shares
from guardrails.resolve.shifts.shares import Shares, Situation, UnclearError, cluster_of
from guardrails.values import Call, Lookup, Shift

_WAY = "cnames"


def _lookups(call: Call) -> tuple[Lookup, ...]:
    if call.name != "elasticbeanstalk:SwapEnvironmentCNAMEs":
        return ()
    return tuple(evolve(lookup, optional=True) for lookup in (STATUS, ENVIRONMENTS))


def _shift(situation: Situation) -> Shift | None:
    call = situation.call
    if call.name != "elasticbeanstalk:SwapEnvironmentCNAMEs":
        return None
    try:
        both = [_environment(side, situation) for side in ("Source", "Destination")]
        sides = [_shares(each, situation) for each in both]
        pairs = [(sides[0], sides[1]), (sides[1], sides[0])]
        # The name of an environment that is not live has no users.
        pairs = [pair for pair in pairs if {*pair[0].shares} & {*situation.seen.clusters}]
        return shares.moved(_WAY, pairs)
    except UnclearError as error:
        return Shift(_WAY, why=str(error))


def _environment(side: str, situation: Situation) -> Environment:
    answer, params = situation.answers.get(ENVIRONMENTS.key()), situation.call.clear_params
    if answer is None:
        raise UnclearError("the environments could not be looked up")
    wanted: dict[str, Any] = {
        key: params[side + key] for key in ("EnvironmentId", "EnvironmentName") if params.get(side + key)
    }
    there = [each for each in answer.items if wanted and all(each.get(key) == value for key, value in wanted.items())]
    if len(there) != 1:
        raise UnclearError(f"AWS shows no environment {', '.join(wanted.values()) or '(none is named)'}")
    return there[0]


def _shares(environment: Environment, situation: Situation) -> Shares:
    name, result = str(environment["EnvironmentName"]), Shares()
    machines = situation.inventory.on("tag", f"elasticbeanstalk:environment-name={name}")
    cluster = cluster_of(f"the environment {name}", machines)
    serves = environment.get("Status") == "Ready" and environment.get("Health") == "Green"
    result.add(cluster, 1, [machine.id for machine in machines if machine.state == "running"], healthy=serves)
    return result


WAY = shares.Way(_shift, _lookups)
