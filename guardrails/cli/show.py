"""Decisions and live evidence on a terminal and as JSON."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from guardrails.evaluate.rego_input import describe
from guardrails.show.decision import page as decision_page
from guardrails.show.printable import printable
from guardrails.show.sentences import paragraph
from guardrails.values import Decision, Facts, Outcome, rfc3339


def console(*, stderr: bool = False) -> Console:
    """A console, 80 columns wide unless it is a terminal; escape sequences in what it prints have no effect."""
    out = Console(stderr=stderr, highlight=False, soft_wrap=False)
    out.push_render_hook(_EscapeControls())
    return out


class _EscapeControls(RenderHook):
    """Logs, tags and files can hold control characters, which would act on the terminal."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Escaped(renderable) for renderable in renderables]


class _Escaped:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self._renderable, options):
            yield Segment(text if control else "\n".join(map(printable, text.split("\n"))), style, control)


def decision_json(decision: Decision, outcome: Outcome) -> dict[str, Any]:
    """A decision as JSON: `sentence` is the message for people, `sent` tells whether the mode lets the call pass."""
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
        "approval": decision.approval.document() if decision.approval else None,
        "sentence": paragraph(decision, time.time()) if decision.action != "allow" else "",
    }


def show_decision(out: Console, decision: Decision, outcome: Outcome, mode: str) -> None:
    """The decision, what the mode makes of it, the violated rules and what to do instead."""
    refused = "would need confirmation" if decision.action == "confirm" else "would be blocked"
    verdict = "would be sent" if outcome.send else refused
    if outcome.send and not decision.allowed:
        verdict += f", because mode is {mode!r}"
    out.print(decision_page(decision, f"{decision.action.upper()}  {decision.call.name} {verdict}"))


def live_json(facts: Facts, now: float) -> dict[str, Any]:
    """Which cluster is live, the evidence, and every cluster in the account and region."""
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
