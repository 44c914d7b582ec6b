"""Blue/green deployments of RDS: deleting one without its target deletes no database.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteBlueGreenDeployment.html
"""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.resources.resolver import Answers, Context, Resolver, first_item, named
from guardrails.values import Call, Lookup, Target, TargetRef

KIND = "db-bluegreen"
# It may fail: then what the call would delete counts.
_DEPLOYMENT = Lookup(
    "rds",
    "DescribeBlueGreenDeployments",
    "BlueGreenDeployments",
    empty_on=("BlueGreenDeploymentNotFoundFault",),
    optional=True,
)
# In between, a switchover is under way.
_SETTLED = ("AVAILABLE", "INVALID_CONFIGURATION", "SWITCHOVER_COMPLETED")


def _about(name: str) -> Lookup:
    return _DEPLOYMENT.about(BlueGreenDeploymentIdentifier=name)


def _keeps_databases(call: Call) -> bool:
    return call.name == "rds:DeleteBlueGreenDeployment" and call.params.get("DeleteTarget", False) is False


def unless_discarded(base: Resolver) -> Resolver:
    """The resolver of deployments, with the fact that a call deletes the deployment alone."""

    def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
        own = [_about(name) for name in named(call, KIND)] if _keeps_databases(call) else []
        return (*base.followups(call, answers), *own)

    def resolve(ref: TargetRef, context: Context) -> Target:
        target = base.resolve(ref, context)
        if not _keeps_databases(context.call):
            return target
        item = first_item(_about(ref.id), context.answers)
        settled = item is not None and item.get("Status") in _SETTLED
        return evolve(target, facts={**target.facts, "discards": True}) if settled else target

    return evolve(base, resolve=resolve, asks=(*base.asks, _DEPLOYMENT), followups=followups)
