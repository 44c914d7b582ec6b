"""Whether the guard's look-ups may be made here, and what each source says about which cluster is live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.doctor.report import Finding, State
from guardrails.guard import Guard
from guardrails.live import lookups
from guardrails.message import age, failure_sentence, live_sentence, refused
from guardrails.resolve.health import STATUS
from guardrails.resolve.interfaces import INTERFACES
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.routing import ACLS, NAT_GATEWAYS, ROUTE_TABLES
from guardrails.resolve.subnets import SUBNETS
from guardrails.values import Facts, Lookup, LookupFailure

# What is blocked where the look-up is not permitted.
_FOR: tuple[tuple[Lookup, str], ...] = (
    (SUBNETS, "changes of subnets"),
    (INTERFACES, "changes of network interfaces and addresses"),
    (ROUTE_TABLES, "changes of routes"),
    (ACLS, "changes of network ACLs"),
    (NAT_GATEWAYS, "changes of NAT gateways"),
    (STATUS, "moving the live cluster's addresses"),
    (Lookup("ec2", "DescribeVolumes", "Volumes"), "changes of volumes"),
    (Lookup("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups"), "changes of Auto Scaling groups"),
    (Lookup("elbv2", "DescribeTargetGroups", "TargetGroups"), "changes of load balancers and target groups"),
)
# About things that are not there: only whether they may be asked about is of interest.
_NOBODY = "guardrails-doctor"
_ALSO_FOR: tuple[tuple[Lookup, str], ...] = (
    (
        Lookup("ec2", "DescribeInstanceAttribute", "DisableApiTermination",
               {"InstanceId": "i-00000000000000000", "Attribute": "disableApiTermination"}),
        "changes of a machine's attributes",
    ),
    (Lookup("elb", "DescribeLoadBalancers", "LoadBalancerDescriptions"), "changes of classic load balancers"),
    (
        Lookup("cloudformation", "DescribeStackResources", "StackResources", {"StackName": _NOBODY}),
        "changes of stacks",
    ),
    (
        Lookup("route53", "ListResourceRecordSets", "ResourceRecordSets", {"HostedZoneId": "Z00000000000000"}),
        "changes of DNS records",
    ),
    (
        Lookup("iam", "ListInstanceProfilesForRole", "InstanceProfiles", {"RoleName": _NOBODY}),
        "changes of roles",
    ),
    (
        Lookup("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", {"ResourcesPerPage": 1}),
        "changes of what only its tag ties to a cluster, such as a database",
    ),
)  # fmt: skip


def examine(guard: Guard, client: Any, now: float) -> Iterator[Finding]:
    """Through `client`, an EC2 client of the account and region in question; `now` is seconds since the epoch."""
    yield from _live(guard.live(client), now)
    always = (INSTANCES, ADDRESSES, *lookups(guard.settings.live))
    wanted = (*always, *(lookup for lookup, _ in _FOR))
    also = tuple(lookup for lookup, _ in _ALSO_FOR)
    failed = guard.probe(client, wanted).failures
    if len({failure.code for failure in failed}) == 1 and len(failed) == len({one.key() for one in wanted}):
        # No credentials, or nobody answers: one reason, said once.
        one = failed[0]
        said = f"none was answered: {one.code} ({one.message})"
        yield Finding("look-ups", "ill", f"{said}; every governed call is blocked", {"code": one.code})
        return
    failed += tuple(failure for failure in guard.probe(client, also).failures if refused(failure))
    purpose = {lookup.permission: said for lookup, said in (*_FOR, *_ALSO_FOR)}
    for failure in failed:
        yield _failed(failure, purpose.get(failure.permission))
    if not failed:
        allowed = sorted({lookup.permission for lookup in (*wanted, *also)})
        yield Finding("look-ups", "well", f"all {len(allowed)} that were tried are permitted", {"permissions": allowed})


def _failed(failure: LookupFailure, purpose: str | None) -> Finding:
    facts = {"permission": failure.permission, "code": failure.code}
    about = f"look-up {failure.lookup}"
    if purpose is None:
        return Finding(about, "ill", f"{failure_sentence(failure)}; without it every governed call is blocked", facts)
    return Finding(about, "note", f"{failure_sentence(failure)}; without it {purpose} are blocked", facts)


def _live(facts: Facts, now: float) -> Iterator[Finding]:
    if facts.failures:
        said = "; ".join(map(failure_sentence, facts.failures))
        yield Finding("live cluster", "ill", f"not known: {said}", {"known": False, "clusters": []})
        return
    live = facts.live
    known = {"known": live.known, "disputed": live.disputed, "clusters": list(live.clusters)}
    state: State = "well" if live.known and not live.disputed else "note" if live.known else "ill"
    yield Finding("live cluster", state, live_sentence(live, now), known)
    for source in live.sources:
        seen = f"{source.evidence}, seen {age(now - source.observed_at)} ago"
        named = {"clusters": list(source.clusters), "observed_at": source.observed_at}
        yield Finding(f"source {source.name}", "well" if source.clusters else "note", seen, named)
    if len(live.sources) == 1:
        sentence = "one source alone; a second one that is independent of it would notice when it is wrong"
        yield Finding("sources", "note", sentence, {"count": 1})
