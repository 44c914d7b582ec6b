"""How decisions and live evidence look on a terminal, and as JSON."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console

from guardrails.document import describe, rfc3339
from guardrails.message import paragraph
from guardrails.show.decision import page as decision_page
from guardrails.values import Decision, Facts, Outcome


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
    refused = "would need a person's word" if decision.action == "confirm" else "would be blocked"
    verdict = "would be sent" if outcome.send else refused
    if outcome.send and not decision.allowed:
        verdict += f", because mode is {mode!r}"
    out.print(decision_page(decision, f"{decision.action.upper()}  {decision.call.name} {verdict}"))


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
