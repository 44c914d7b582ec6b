"""What a survey found, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.init.survey import Survey
from guardrails.show.failures import failure_sentence
from guardrails.show.printable import printable
from guardrails.show.sentences import counted, listed
from guardrails.values import Cluster, Live

_SHOWN = 8


def summary(survey: Survey) -> Iterator[str]:
    """Three lines: the clusters, the other machines and the tags, and where that is."""
    shown = sorted(survey.clusters, key=lambda cluster: (not cluster.live, cluster.name))
    rest = f", and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    parts = ", ".join(_described(cluster, survey) for cluster in shown[:_SHOWN])
    yield printable(f"{counted(len(shown), 'cluster')}{': ' if shown else ''}{parts}{rest}")
    belong = "belongs" if survey.loners == 1 else "belong"
    keys = listed(sorted(survey.keys, key=lambda key: (-survey.keys[key], key))) or "none"
    yield printable(f"{counted(survey.loners, 'machine')} {belong} to none; tags seen: {keys}")
    where = f"account {survey.account}, " if survey.account else ""
    yield printable(f"{where}{survey.region}; sources that see something: {_seeing(survey)}{_unknown(survey.live)}")


def missing(survey: Survey) -> Iterator[str]:
    """What could not be looked at, with the permission for it."""
    for failure in survey.failures:
        yield printable(f"source {failure.source}: {failure_sentence(failure)}")


def reason(name: str, survey: Survey) -> str:
    """Why a cluster counts as live: ``behind web-prod:443, rule default``, ``holds Elastic IP 203.0.113.7``."""
    for report in survey.live.sources:
        for part in report.evidence.split("; "):
            if name in report.clusters and part.startswith(f"{name} "):
                return part.removeprefix(f"{name} ").removeprefix("is ")
    return "by " + ", ".join(report.name for report in survey.live.sources if name in report.clusters)


def _described(cluster: Cluster, survey: Survey) -> str:
    state = f"live: {reason(cluster.name, survey)}" if cluster.live else "not live"
    return f"{cluster.name} ({counted(cluster.total, 'machine')}, {state})"


def _unknown(live: Live) -> str:
    """What it means where no cluster is known to be live."""
    if live.known:
        return ""
    # Not `nothing`, which asks a memory what was live lately.
    if not live.unasked and all(source.silent for source in live.sources):
        return "; nothing that users reach is here, so what harms a cluster needs a yes (parameter nothing_live)"
    return "; no source shows yet which cluster is live, so all are protected"


def _seeing(survey: Survey) -> str:
    return ", ".join(name for name, report in survey.reports.items() if report.clusters) or "none"
