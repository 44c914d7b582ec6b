"""All trails in one table, and the resolvers that follow them.

A trail of one file may lead into another's: a proxy's endpoint to a database, a DNS name to a balancer to machines.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.resolve.machine import USES
from guardrails.resolve.resources import (
    by_cluster_tag,
    containers,
    dns_names,
    ec2_access,
    ec2_gateways,
    ec2_launched_with,
    ec2_leftovers,
    ec2_transit,
    elasticache,
    elasticfilesystem,
    elb_trails,
    globalaccelerator,
    iam,
    iam_policies,
    kms,
    launch_sources,
    lightsail,
    own_tags,
    rds,
    rds_deployments,
    rds_trails,
    reachable,
    route53,
)
from guardrails.resolve.resources.arns import KINDS
from guardrails.resolve.resources.ends import follow
from guardrails.resolve.resources.machines import of_machines, on
from guardrails.resolve.resources.resolver import Resolver
from guardrails.resolve.resources.trail import Trails

TRAILS: Trails = {
    **ec2_gateways.TRAILS,
    **ec2_transit.TRAILS,
    **ec2_access.TRAILS,
    **ec2_launched_with.TRAILS,
    **elb_trails.TRAILS,
    **globalaccelerator.TRAILS,
    **lightsail.TRAILS,
    **rds_trails.TRAILS,
    **elasticache.TRAILS,
    **elasticfilesystem.TRAILS,
    **reachable.TRAILS,
    **containers.TRAILS,
    **iam.TRAILS,
    **kms.TRAILS,
    **dns_names.TRAILS,
}


def _resolvers() -> dict[str, Resolver]:
    resolvers = {kind: of_machines(kind, on(kind)) for kind in USES}
    resolvers |= {kind: follow(kind, TRAILS) for kind in TRAILS.keys() - KINDS}
    resolvers |= by_cluster_tag.resolvers(TRAILS)
    resolvers |= rds.resolvers(TRAILS) | route53.resolvers(TRAILS)
    resolvers[rds_deployments.KIND] = rds_deployments.unless_discarded(resolvers[rds_deployments.KIND])
    resolvers |= {kind: iam_policies.compared(resolvers[kind]) for kind in iam_policies.KINDS}
    resolvers |= {kind: own_tags.and_own(kind, resolvers[kind]) for kind in own_tags.KINDS}
    started = {kind: launch_sources.and_started(kind, resolvers[kind]) for kind in launch_sources.KINDS}
    resolvers |= started
    return resolvers | {kind: ec2_leftovers.unless_unused(kind, resolvers[kind]) for kind in ec2_leftovers.KINDS}


RESOLVERS: Mapping[str, Resolver] = _resolvers()
