"""How decisions and live evidence look on a terminal, and as JSON."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from guardrails.document import describe, rfc3339
from guardrails.message import age, grouped, live_sentence, paragraph
from guardrails.values import Decision, Facts, Outcome

_STYLES = {"allow": "green", "warn": "yellow", "confirm": "yellow", "deny": "red"}


def console(*, stderr: bool = False) -> Console:
    """A console that wraps at 80 columns where nobody sits at it."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def decision_json(decision: Decision, outcome: Outcome) -> dict[str, Any]:
    """A decision for programs; `sentence` is what a person would read, `sent` what the mode makes of it."""
    return {
        "decision_id": decision.id,
        "action": decision.action,
        "allowed": decision.allowed,
        "sent": outcome.send,
        "reason": decision.reason,
        "unavailable": decision.unavailable,
        "revision": decision.revision,
        "call": describe(decision.call),
        "violations": [
            {
                "rule": violation.rule,
                "target": violation.target,
                "message": violation.message,
                "remediation": violation.remediation,
                "action": violation.action,
            }
            for violation in decision.violations
        ],
        "sentence": paragraph(decision, time.time()) if decision.action != "allow" else "",
    }


def show_decision(out: Console, decision: Decision, outcome: Outcome, mode: str) -> None:
    """The verdict, what the mode makes of it, the violated rules and what to do instead."""
    style = _STYLES[decision.action]
    verdict = "would be sent" if outcome.send else "would be blocked"
    if outcome.send and not decision.allowed:
        verdict += f", because mode is {mode!r}"
    head = Text.assemble((decision.action.upper(), f"bold {style}"), f"  {decision.call.name} {verdict}")
    if decision.reason:
        head.append(f" ({decision.reason})")
    out.print(head)
    if decision.unavailable:
        out.print(Text(decision.unavailable))
    if decision.facts is not None and not decision.unavailable:
        out.print(Text(live_sentence(decision.facts.live, time.time())))
    for violation in grouped(decision.violations):
        out.print(
            Text.assemble((f"{violation.action:>7}  ", style), (violation.rule, "bold"), f"  {violation.message}")
        )
        out.print(Text(f"         instead: {violation.remediation}", style="dim"))


def live_json(facts: Facts, now: float) -> dict[str, Any]:
    """Which cluster is live, by which evidence, and every cluster that is there."""
    return {
        "known": facts.live.known,
        "disputed": facts.live.disputed,
        "live": list(facts.live.clusters),
        "sources": [
            {
                "name": source.name,
                "clusters": list(source.clusters),
                "evidence": source.evidence,
                "observed_at": rfc3339(source.observed_at),
                "age_s": round(now - source.observed_at, 3),
            }
            for source in facts.live.sources
        ],
        "clusters": {
            cluster.name: {
                "live": cluster.live,
                "running": cluster.running,
                "total": cluster.total,
                "terminating": cluster.in_flight,
                "public_ips": list(cluster.public_ips),
                "subnets": list(cluster.subnets),
            }
            for cluster in facts.clusters
        },
    }


def show_live(out: Console, facts: Facts, now: float) -> None:
    """One line with the verdict, the sources with their age, and a table of clusters."""
    names = ", ".join(facts.live.clusters) or "nothing"
    if not facts.live.known:
        out.print(Text(f"live: {names}, not known for sure: no cluster may be hurt", style="bold red"))
    else:
        dispute = " (in dispute: all of them are protected)" if facts.live.disputed else ""
        out.print(Text(f"live: {names}{dispute}", style="bold green"))
    for source in facts.live.sources:
        out.print(Text(f"  {source.name}: {source.evidence} (seen {age(now - source.observed_at)} ago)"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("cluster", "live", "running", "total", "terminating", "addresses"):
        table.add_column(column)
    for cluster in facts.clusters:
        table.add_row(
            Text(cluster.name),
            Text("yes" if cluster.live else "no", style="green" if cluster.live else "dim"),
            str(cluster.running),
            str(cluster.total),
            str(cluster.in_flight),
            Text(", ".join(cluster.public_ips) or "none"),
        )
    if facts.clusters:
        out.print(table)
    else:
        out.print(Text("no machine carries the cluster tag here"))
