"""A blue/green deployment of RDS whose databases change places: the green ones get the users of the blue ones.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/blue-green-deployments-switching.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.resolve.live.rds import CLUSTERS, DEPLOYMENTS, INSTANCES
from guardrails.resolve.resources.resolver import tags_of
from guardrails.resolve.shifts import shares
from guardrails.resolve.shifts.shares import Answers, Shares, Situation, UnclearError
from guardrails.values import Call, Lookup, Shift

_WAY = "deployment"
_AVAILABLE = "AVAILABLE"
Item = Mapping[str, Any]


def _lookups(call: Call) -> tuple[Lookup, ...]:
    return (DEPLOYMENTS, INSTANCES, CLUSTERS) if _is_switchover(call) else ()


def _is_switchover(call: Call) -> bool:
    return call.name == "rds:SwitchoverBlueGreenDeployment"


def _shift(situation: Situation) -> Shift | None:
    if not _is_switchover(situation.call):
        return None
    try:
        made = _deployment(situation)
        blue, green = (_side(str(made.get(side)), situation) for side in ("Source", "Target"))
        return shares.moved(_WAY, [(blue, green)])
    except UnclearError as error:
        return Shift(_WAY, why=str(error))


def _deployment(situation: Situation) -> Item:
    """The deployment that the call names, ready to be switched. Raises UnclearError."""
    name = situation.call.clear_params.get("BlueGreenDeploymentIdentifier")
    found = [
        item for item in _answered(DEPLOYMENTS, situation.answers) if item.get("BlueGreenDeploymentIdentifier") == name
    ]
    if len(found) != 1:
        raise UnclearError(f"AWS shows no deployment {name}")
    (made,) = found
    states = {made.get("Status"), *(each.get("Status") for each in made.get("SwitchoverDetails") or ())}
    if states != {_AVAILABLE}:
        raise UnclearError(f"the deployment is {', '.join(sorted(map(str, states - {_AVAILABLE})))}, not {_AVAILABLE}")
    return made


def _side(arn: str, situation: Situation) -> Shares:
    """One side: the cluster in the tag of its database, and whether each of its databases is available."""
    items = [*_answered(INSTANCES, situation.answers), *_answered(CLUSTERS, situation.answers)]
    whole = next((item for item in items if arn in (item.get("DBInstanceArn"), item.get("DBClusterArn"))), None)
    if whole is None:
        raise UnclearError(f"AWS shows no database {shares.short(arn)}")
    cluster = situation.inventory.ownership.named(tags_of(whole, "TagList"))
    if cluster is None:
        raise UnclearError(f"{shares.short(arn)} has no {situation.inventory.cluster_tag} tag")
    members = {each.get("DBInstanceIdentifier") for each in whole.get("DBClusterMembers") or ()}
    inside = [item for item in items if item.get("DBInstanceIdentifier") in members]
    states = [item.get("DBInstanceStatus") or item.get("Status") for item in (whole, *inside)]
    result = Shares()
    available = len(inside) == len(members) and {*states} == {_AVAILABLE.lower()}
    result.add(cluster, 1, (), healthy=available)
    return result


def _answered(lookup: Lookup, answers: Answers) -> tuple[Item, ...]:
    answer = answers.get(lookup.key())
    if answer is None:
        raise UnclearError(f"{lookup.permission} was not answered")
    return answer.items


WAY = shares.Way(_shift, _lookups)
