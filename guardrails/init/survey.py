"""What is in an account and region: clusters, which of them are live, and which sources of liveness see something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, evolve

from guardrails import assembly
from guardrails.aws import sessions
from guardrails.aws.clients import origin_of
from guardrails.config.settings import LiveSettings, Settings
from guardrails.errors import ConfigError
from guardrails.init import tags
from guardrails.resolve.balancers import BALANCERS, listeners_of
from guardrails.resolve.finder import FactFinder
from guardrails.resolve.inventory import INSTANCES
from guardrails.resolve.lookups import Lookups
from guardrails.resolve.machine import Machine, machines_of
from guardrails.show.failures import failure_sentence
from guardrails.values import Call, Cluster, Facts, Live, Lookup, LookupFailure, Origin, SourceReport, frozen

# The sources that need no setting, in the order in which they are proposed.
SOURCES = ("eip", "target-group", "elb", "ecs", "accelerator", "rds", "asg", "tag")
_DEFAULTS = LiveSettings().sources
# A survey is one moment: each look-up is made once.
_MAX_AGE_S = 3600.0


@frozen
class Survey:
    """`sources` are those to ask, `reports` what each of SOURCES sees, alone, and `failures` what could not be asked.

    `live` and `clusters` are by `sources` and `cluster_tags`. `loners` counts machines that belong to no cluster, and
    `keys` how many machines have each tag. Where several are live, `listeners` has the ARN of each listener by balancer
    and port.
    """

    region: str
    account: str | None
    live: Live
    clusters: tuple[Cluster, ...]
    sources: tuple[str, ...]
    cluster_tags: tuple[str, ...]
    reports: Mapping[str, SourceReport]
    failures: tuple[LookupFailure, ...] = ()
    loners: int = 0
    keys: Mapping[str, int] = Factory(Counter)
    like_a_cluster: tuple[str, ...] = ()
    listeners: Mapping[str, str] = Factory(dict)


@frozen
class Place:
    """Where to look, and with which look-ups."""

    origin: Origin
    lookups: Lookups

    def find(self, settings: Settings) -> Facts:
        """The clusters here, and what is live by these settings."""
        call = Call("ec2", "", {}, self.origin.region, self.origin.endpoint_url)
        return FactFinder(settings, self.lookups, None).find(call, self.origin)


def place(client: Any, settings: Settings) -> Place:
    """The account and region of an EC2 client."""
    lookups = assembly.lookups(evolve(settings, max_fact_age_s=_MAX_AGE_S), sessions.models())
    return Place(origin_of(client), lookups)


def look(where: Place, settings: Settings) -> Survey:
    """Look at everything that needs no setting. Raises ConfigError where not even the machines can be listed."""
    machines = _machines(where)
    found = [machine.tags for machine in machines]
    likely = tags.like_a_cluster(found)
    proposed = _cluster_tags(settings.cluster_keys, likely, tags.keys(found))
    survey = _look(where, evolve(settings, cluster_tags=proposed))
    if proposed != settings.cluster_keys and not survey.live.known:
        # Where tags leave open what is live, AWS's own memberships may show it.
        without = _look(where, evolve(settings, cluster_tags=settings.cluster_keys))
        survey = without if without.live.known else survey
    loners = len(machines) - sum(cluster.total for cluster in survey.clusters)
    listeners = _listeners(where) if len(survey.live.clusters) > 1 else {}
    return evolve(survey, loners=loners, keys=tags.keys(found), like_a_cluster=likely, listeners=listeners)


def as_configured(where: Place, settings: Settings) -> Survey | None:
    """The same by the settings as they are, and what other sources would see; None where a look-up failed."""
    machines = _machines(where)
    facts = where.find(settings)
    if facts.failures or facts.problem:
        return None
    found = [machine.tags for machine in machines]
    reports, _ = _reports(where, settings)
    loners = len(machines) - sum(cluster.total for cluster in facts.clusters)
    return Survey(
        where.origin.region,
        facts.account,
        facts.live,
        facts.clusters,
        settings.live.sources,
        settings.cluster_keys,
        reports,
        loners=loners,
        keys=tags.keys(found),
        like_a_cluster=tags.like_a_cluster(found),
    )


def _look(where: Place, settings: Settings) -> Survey:
    reports, failures = _reports(where, settings)
    sources = _chosen(reports)
    facts = _facts(where, settings, sources, reports)
    if not facts.live.known and "elb" in reports and "elb" not in sources:
        # Only a look at both kinds of load balancers shows that nothing else is live.
        both = _facts(where, settings, (*sources, "elb"), reports)
        if both.live.known:
            sources, facts = (*sources, "elb"), both
    tags_in_order = settings.cluster_keys
    region = where.origin.region
    return Survey(region, facts.account, facts.live, facts.clusters, sources, tags_in_order, reports, failures)


def _machines(where: Place) -> list[Machine]:
    fetched = where.lookups.fetch((INSTANCES,), where.origin)
    for failure in fetched.failures:
        raise ConfigError(f"cannot look at the machines in {where.origin.region}: {failure_sentence(failure)}")
    groups = fetched.answers[INSTANCES.key()].items
    return [machine for group in groups for machine in machines_of(group) if machine.present]


def _listeners(where: Place) -> dict[str, str]:
    """The listeners of load balancers with target groups; none where they may not be looked at."""
    balancers = _items(where, [BALANCERS])
    names = {each["LoadBalancerArn"]: each["LoadBalancerName"] for each in balancers}
    listeners = _items(where, [listeners_of(arn) for arn in names])
    found = {f"{names[each['LoadBalancerArn']]}:{each.get('Port')}": each["ListenerArn"] for each in listeners}
    return dict(sorted(found.items()))


def _items(where: Place, asked: Iterable[Lookup]) -> list[Mapping[str, Any]]:
    answers = where.lookups.fetch(tuple(asked), where.origin).answers
    return [item for answer in answers.values() for item in answer.items]


def _cluster_tags(configured: tuple[str, ...], likely: Iterable[str], keys: Mapping[str, int]) -> tuple[str, ...]:
    """The configured tags that machines have, then those that look like it; what is configured where there are none."""
    there = tuple(key for key in configured if key in keys)
    return tuple(dict.fromkeys((*there, *likely))) or configured


def _reports(where: Place, settings: Settings) -> tuple[dict[str, SourceReport], tuple[LookupFailure, ...]]:
    """What each source sees by itself, and what it could not ask."""
    reports: dict[str, SourceReport] = {}
    failures: dict[str, LookupFailure] = {}
    for name in SOURCES:
        facts = where.find(evolve(settings, live=evolve(settings.live, sources=(name,))))
        if facts.live.sources:
            (reports[name],) = facts.live.sources
        for failure in facts.failures:
            failures.setdefault(failure.permission, evolve(failure, source=name))
    return reports, tuple(failures.values())


def _chosen(reports: Mapping[str, SourceReport]) -> tuple[str, ...]:
    """The default sources, and those that show a cluster to be live that the ones before do not."""
    chosen = [*_DEFAULTS]
    named = {cluster for name in _DEFAULTS if name in reports for cluster in reports[name].clusters}
    for name in SOURCES:
        if name in reports and not named >= {*reports[name].clusters}:
            chosen.append(name)
            named |= {*reports[name].clusters}
    return tuple(chosen)


def _facts(where: Place, settings: Settings, sources: Iterable[str], reports: Mapping[str, SourceReport]) -> Facts:
    able = tuple(name for name in sources if name in reports)
    return where.find(evolve(settings, live=evolve(settings.live, sources=able)))
