"""The report and the blast radius of one decision as HTML pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.record.entries import Entry, part, texts
from guardrails.report.picture import Picture, picture
from guardrails.report.tally import KINDS, Tally, Worst, outcome
from guardrails.show import blast_radius, html_page
from guardrails.show.sentences import grouped, listed
from guardrails.show.timeline import timeline
from guardrails.values import Violation, frozen

_SHOWN = 20
_LABELS = {kind: kind for kind in KINDS}
_ALSO = 6


@frozen
class Row:
    """One line of a table of near misses."""

    entry: Entry
    call: str
    ids: str
    impact: str


@frozen
class Shown:
    """One decision as a page shows it. `live` and `also` are sentences."""

    entry: Entry
    call: str
    ids: str
    verdict: str
    sent: bool
    violations: list[Violation]
    live: list[str]
    picture: Picture
    also: str


def page(tally: Tally, source: str) -> str:
    """The whole log: what was blocked, the near misses, rules in `dryrun`, break glass, how long decisions took."""
    counts = {
        "Denials by rule": tally.rules,
        "Denials by program": tally.programs,
        "Denials by principal": tally.principals,
        "Sent because of the mode, by rule": tally.let_rules,
        "Hits of rules in dryrun": tally.shadow,
        "Why the guard could not decide": tally.reasons,
    }
    times = {"look-ups": tally.lookup_ms, "policies": tally.verdict_ms}
    return html_page.render(
        "report/report.html.j2",
        title="What the guard did",
        tally=tally,
        source=source,
        timeline=timeline(tally.activity, _LABELS),
        labels=_LABELS,
        worst=[
            (title, explanation, worst.count, shown(worst.entries()[0]), [_row(entry) for entry in worst.entries()[1:]])
            for title, explanation, worst in _worst(tally)
            if worst.count
        ],
        counts={
            title: sorted(counter.items(), key=lambda item: (-item[1], item[0]))
            for title, counter in counts.items()
            if counter
        },
        most=_SHOWN,
        latency={
            name: [time.percentile(share) for share in (50, 95, 100)] for name, time in times.items() if time.most
        },
    )


def decision_page(entry: Entry) -> str:
    """One decision, and its blast radius as a picture."""
    return html_page.render("report/decision.html.j2", title=f"Blast radius of {_call(entry)}", shown=shown(entry))


def shown(entry: Entry) -> Shown:
    """The decision with its rules, the evidence and the picture."""
    became = outcome(entry)
    verdict = "Blocked before it reached AWS" if became in ("blocked", "undecided") else "Sent"
    if became == "not sent":
        verdict = f"Allowed, but not sent: {entry.not_sent}"
    if became == "let pass":
        verdict = f"Sent anyway, because mode was {entry.mode!r}"
    also = blast_radius.elsewhere(entry.input)
    more = f" and {len(also) - _ALSO} more" if len(also) > _ALSO else ""
    return Shown(
        entry,
        _call(entry),
        listed(entry.targets),
        verdict,
        became not in ("blocked", "undecided", "not sent"),
        grouped(_violation(item) for item in entry.violations if item.get("action") in ("deny", "confirm", "warn")),
        _live(entry),
        picture(blast_radius.of(entry.input)),
        "; ".join(also[:_ALSO]) + more,
    )


def _worst(tally: Tally) -> list[tuple[str, str, Worst]]:
    return [
        ("Near misses", "Blocked calls that would have hit a live cluster", tally.near),
        ("Sent because of the mode", "Calls on a live cluster that a rule denies and the mode sent", tally.let_pass),
    ]


def _row(entry: Entry) -> Row:
    hits = blast_radius.of(entry.input)
    impact = "; ".join(f"{hit.cluster}: {hit.sentence}" for hit in hits if hit.live and hit.touched)
    return Row(entry, _call(entry), listed(entry.targets), impact)


def _violation(item: Mapping[str, Any]) -> Violation:
    rule, target, message, remediation = (str(item.get(key)) for key in ("rule", "target", "message", "remediation"))
    return Violation(rule, target, message, remediation, item["action"])


def _live(entry: Entry) -> list[str]:
    sources = part(entry.input, "live").get("sources")
    known = [source for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []
    return [
        f"{' and '.join(texts(source.get('clusters'))) or 'none'} ({source.get('name')}: {source.get('evidence')})"
        for source in known
    ]


def _call(entry: Entry) -> str:
    where = f" in {entry.region}" if entry.region else ""
    return f"{entry.call.get('operation')}{where}"
