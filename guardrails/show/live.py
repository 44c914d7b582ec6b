"""The live cluster as a page: which one, the evidence and its age, and every cluster."""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.show.failures import failure_sentence
from guardrails.show.page import Page, Section, without_empty
from guardrails.show.sentences import age
from guardrails.values import Cluster, Facts, Live


def page(facts: Facts, now: float) -> Page:
    """`now` (seconds since the epoch) gives the ages."""
    where = f"in account {facts.account}" if facts.account else ""
    sections = (
        Section("The guard cannot see", tuple(failure_sentence(failure) for failure in facts.failures)),
        evidence(facts.live, now),
        # After a failed look-up the list may be incomplete.
        Section("Clusters") if facts.failures else _clusters(facts.clusters),
    )
    return Page(verdict(facts.live), where, "live" if facts.live.known else "deny", without_empty(sections))


def verdict(live: Live) -> str:
    """``live: blue``, in one line."""
    names = ", ".join(live.clusters)
    if live.nothing and not live.known:
        return "live: nothing here, now or lately; the parameter nothing_live counts"
    if not live.known:
        return f"live: {f'{names}, but not known for sure' if names else 'unknown'}; every cluster is protected"
    return f"live: {names}{' (the sources disagree: all of them are protected)' if live.disputed else ''}"


def evidence(live: Live, now: float) -> Section:
    """What each source says."""
    rows = tuple((source.name, source.evidence, f"{age(now - source.observed_at)} ago") for source in live.sources)
    return Section("Evidence", columns=("source", "says", "seen"), rows=rows)


def _clusters(clusters: Iterable[Cluster]) -> Section:
    every = tuple(clusters)
    if not every:
        return Section("Clusters", ("No machine here belongs to a cluster.",))
    rows = tuple(
        (
            cluster.name,
            "yes" if cluster.live else "no",
            str(cluster.running),
            str(cluster.total),
            str(cluster.in_flight),
            ", ".join(cluster.public_ips) or "none",
        )
        for cluster in every
    )
    strong = frozenset(number for number, cluster in enumerate(every) if cluster.live)
    columns = ("cluster", "live", "running", "total", "terminating", "addresses")
    return Section("Clusters", columns=columns, rows=rows, strong=strong)
