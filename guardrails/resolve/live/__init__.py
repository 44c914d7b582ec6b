"""Which cluster is live: one file per source of liveness, and the rule that combines their reports.

    eip.py     the clusters whose machines hold the listed (or tagged, or any) Elastic IPs: what users actually reach
    target_group.py  the clusters of the machines that load balancers send requests to
    elb.py     the clusters of the machines in service behind classic load balancers
    asg.py     the clusters of the Auto Scaling groups that load balancers send requests to
    dns.py     the clusters that DNS names lead to; dns_records.py follows the names
    ecs.py     the clusters of the ECS services that load balancers send requests to; ecs_services.py finds them
    beanstalk.py  the clusters of the Elastic Beanstalk environments that have certain names
    rds.py     the clusters of the live databases of blue/green deployments
    accelerator.py  the clusters that Global Accelerator sends users to
    traffic.py  the clusters that load balancers have sent requests to lately, which only adds clusters
    command.py  what a program prints; program.py in the folder above runs it
    tag.py     the clusters of the machines that carry the live tag
    ssm.py     the value of a Parameter Store parameter
    file.py    the contents of a file
    env.py     the value of an environment variable

Several of them share ways.py (from balancers to target groups; which_listeners.py says what of that need not be asked
where there are many), endpoints.py (from a name or an id to machines) and
reached.py (where a cluster is reached).

To add a source, write a file with a `Source`, add it to `_SOURCES`, and add its name to SOURCES in config/settings.py.

When two sources name different clusters they are in dispute, and every cluster that either of them names is live.
A source that finds nothing of its kind is silent, and disagrees with none.
When no source names a cluster that is here and shows what is live, liveness is unknown, and policies protect every
cluster. A cluster is here that has machines or tasks of ECS, or needs no machines by the configuration.
Where all are silent, and they look at addresses and load balancers, nothing that users reach is here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module

from attrs import evolve

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.source import Source
from guardrails.resolve.ownership import ADDRESS, NAMED
from guardrails.values import POINTERS, Answer, Live, Lookup, SourceReport

# Imported when a configuration names them: most name two or three.
_SOURCES = {
    "eip": "eip.ElasticIps",
    "target-group": "target_group.TargetGroups",
    "elb": "elb.ClassicBalancers",
    "asg": "asg.AutoScalingGroups",
    "dns": "dns.Records",
    "ecs": "ecs.Services",
    "beanstalk": "beanstalk.Environments",
    "rds": "rds.Deployments",
    "accelerator": "accelerator.Accelerators",
    "traffic": "traffic.Traffic",
    "command": "command.Command",
    "tag": "tag.LiveTag",
    "ssm": "ssm.Parameter",
    "file": "file.File",
    "env": "env.Variable",
}
NAMES = tuple(_SOURCES)
_BALANCERS = frozenset(("target-group", "elb"))
# By these users reach machines. Where one of them is not asked, nothing can be said to be live nowhere.
_ENTRANCES = frozenset(("eip", "target-group"))


@cache
def source(name: str) -> Source:
    """The source of this name."""
    module, _, kind = _SOURCES[name].partition(".")
    made: Source = getattr(import_module(f"{__name__}.{module}"), kind)()
    return made


def lookups(settings: LiveSettings) -> tuple[Lookup, ...]:
    """The look-ups that the configured sources need, in addition to the machines."""
    return tuple(lookup for name in settings.sources for lookup in source(name).lookups(settings))


def asks(settings: LiveSettings) -> tuple[Lookup, ...]:
    """What the sources may ask beside that, without parameters."""
    return tuple(lookup for name in settings.sources for lookup in source(name).asks)


def asked_by(settings: LiveSettings) -> dict[str, str]:
    """The source that makes a look-up, by the look-up's IAM action."""
    return {
        lookup.permission: name
        for name in settings.sources
        for lookup in (*source(name).lookups(settings), *source(name).asks)
    }


def followups(settings: LiveSettings, answers: Mapping[str, Answer]) -> tuple[Lookup, ...]:
    """What the answers so far call for."""
    return tuple(lookup for name in settings.sources for lookup in source(name).followups(settings, answers))


def observe(settings: LiveSettings, answers: Mapping[str, Answer], inventory: Inventory, region: str) -> Live:
    """Ask every configured source about this region and combine the reports."""
    reports = [source(name).observe(settings, answers, inventory) for name in settings.sources]
    named = {name for report in reports for name in report.clusters}
    existing = {name: sum(each.present for each in inventory.members_of(name)) for name in named}
    existing = {name: count for name, count in existing.items() if count}
    without = named & {*settings.without_machines, *(name for report in reports for name in report.standing)}
    present = existing.keys() | without
    reports = [_of_region(report, present, settings, region) for report in reports]
    pointed_at = {name for report in reports if report.name in POINTERS for name in report.clusters}
    proving = _proving(settings, existing, inventory) | (pointed_at & existing.keys()) | without
    aside = {name for name in existing if name not in proving or inventory.kinds.get(name) == ADDRESS}
    several = {
        name for name, count in existing.items() if count > 1 and inventory.kinds.get(name) not in (NAMED, ADDRESS)
    }
    combined = combine([_in_words(report, present, proving, several) for report in reports], proving, frozenset(aside))
    return evolve(combined, absent=tuple(sorted({*combined.clusters} - present)))


def _of_region(report: SourceReport, present: Iterable[str], settings: LiveSettings, region: str) -> SourceReport:
    """The report; silent where it is a pointer that speaks of other regions, and nothing here has that name."""
    elsewhere = bool(settings.regions) and region not in settings.regions
    if not elsewhere or report.name not in POINTERS or {*report.clusters} & {*present}:
        return report
    of = ", ".join(settings.regions)
    return evolve(report, clusters=(), silent=True, evidence=f"{report.evidence}; live.regions is {of}, not {region}")


def _proving(settings: LiveSettings, existing: Mapping[str, int], inventory: Inventory) -> frozenset[str]:
    """The clusters that show, if they are live, that it is known what is live. `existing` counts their machines.

    The address of a machine that nothing ties to the others, such as a bastion, says nothing about them: not about
    those that are tagged, and not about any that a load balancer may have, unless those have been looked at.
    """
    several = 0 if {*settings.sources} >= _BALANCERS else 1
    return frozenset(
        name
        for name, count in existing.items()
        if inventory.kinds.get(name) == NAMED or (count > several and not inventory.tagged())
    )


def _in_words(
    report: SourceReport, present: Iterable[str], proving: Iterable[str], inferred: Iterable[str]
) -> SourceReport:
    """The report, saying which of its clusters have no machines, and that others do not show what else is live.

    A cluster that needs machines and has none is a pointer that was not moved, or misspelt. An inferred one of several
    machines counts beside tagged ones where people name it.
    """
    absent = sorted({*report.clusters} - {*present})
    evidence = report.evidence
    if absent:
        have = "has" if len(absent) == 1 else "have"
        evidence += f"; {' and '.join(absent)} {have} no machines"
    if {*report.clusters} & {*present} and not {*report.clusters} & {*proving}:
        evidence += "; that does not show whether others are live, too"
        named = sorted({*report.clusters} & {*inferred})
        evidence += f", unless you name it: clusters = {{ live = {json.dumps(named)} }}" if named else ""
    return evolve(report, evidence=evidence)


def combine(reports: Iterable[SourceReport], proving: Iterable[str], aside: frozenset[str] = frozenset()) -> Live:
    """The union of what the sources name; it is known what is live if one of `proving` is.

    A source that names no cluster disagrees with one that names some, unless it is silent. What only one source can see
    and says nothing about others, such as a bastion's address, is no disagreement (`aside`).
    """
    reports = tuple(reports)
    named = {cluster for report in reports for cluster in report.clusters}
    decisive = [report for report in reports if not report.only_adds]
    shown = {cluster for report in decisive for cluster in report.clusters}
    heard = [
        report for report in decisive if not report.silent and not (report.clusters and aside >= {*report.clusters})
    ]
    unasked = _ENTRANCES - {report.name for report in reports}
    return Live(
        known=bool(shown & set(proving)) and not any(report.blind for report in reports),
        disputed=len({frozenset(report.clusters) - aside for report in heard}) > 1,
        clusters=tuple(sorted(named)),
        sources=reports,
        nothing=all(report.silent for report in reports) and not unasked,
        unasked=tuple(sorted(unasked)),
    )
