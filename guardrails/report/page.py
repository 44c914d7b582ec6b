"""The report as one self-contained HTML page: no scripts, nothing fetched, everything that came from a log escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from guardrails import html_page
from guardrails.decision_log import part, revision, rules
from guardrails.report import blast
from guardrails.report.picture import STYLE as PICTURE
from guardrails.report.picture import picture
from guardrails.report.tally import Tally, percentile, what
from guardrails.timeline import timeline

_COLOURS = {"blocked": "#d64545", "undecided": "#8e5bd0", "warned": "#c98a00"}
_SHOWN = 20
_STYLE = (
    """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: .2rem; } h2 { margin: 1.6rem 0 .3rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .3rem 1.5rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.big { font-size: 1.3rem; } .dim { opacity: .75; } code { font-size: .9em; overflow-wrap: anywhere; }
.columns { display: flex; flex-wrap: wrap; gap: 0 3rem; }
svg { width: 100%; height: auto; } svg text { fill: currentColor; font: 11px system-ui, sans-serif; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .3em 0 1em; }
.said { border-left: 4px solid #d64545; padding-left: .8rem; } .said.sent { border-color: #2e9e5b; }
"""
    + PICTURE
)


def page(tally: Tally, source: str) -> str:
    """The whole log: what was blocked, how near it was, what rules in `dryrun` saw, how long decisions took."""
    parts = [
        "<h1>What the guard did</h1>",
        f"<p class=big>{_sentence(tally)}</p>",
        f"<p class=dim>{escape(_span(tally))} {escape(source)}</p>",
        *_timeline(tally),
        *_near(tally),
        "<div class=columns>",
        *_counts("Denials by rule", tally.rules),
        *_counts("Denials by program", tally.programs),
        *_counts("Denials by principal", tally.principals),
        *_counts("Rules in dryrun: would have blocked", tally.shadow),
        *_counts("The guard could not decide", tally.reasons),
        "</div>",
        *_glass(tally),
        *_latency(tally),
    ]
    return html_page.whole("What the guard did", _STYLE, parts)


def one(entry: Mapping[str, Any]) -> str:
    """The picture of one decision's blast radius."""
    name = f"Blast radius of {_call(entry)}"
    return html_page.whole(name, _STYLE, [f"<h1>{escape(name)}</h1>", *_decision(entry)])


def _sentence(tally: Tally) -> str:
    kinds = [
        f'<span style="color:{_COLOURS["blocked"]}">{tally.kinds["blocked"]:,} blocked</span>',
        f'<span style="color:{_COLOURS["warned"]}">{tally.kinds["warned"]:,} sent with a warning</span>',
    ]
    if tally.kinds["undecided"]:
        kinds.append(
            f'<span style="color:{_COLOURS["undecided"]}">{tally.kinds["undecided"]:,} blocked because the guard could '
            "not decide</span>"
        )
    return f"{tally.decisions:,} calls that could hurt a cluster: {', '.join(kinds)}, the others sent."


def _span(tally: Tally) -> str:
    left = f" {tally.unreadable:,} unreadable lines are left out." if tally.unreadable else ""
    if not tally.decisions:
        return f"Nothing was decided.{left} From"
    return f"{tally.first[:16].replace('T', ' ')} to {tally.last[:16].replace('T', ' ')} UTC.{left} From"


def _timeline(tally: Tally) -> Iterator[str]:
    yield from timeline(tally.hours, _COLOURS)
    if tally.hours:
        keys = (f'<span class=key style="background:{colour}"></span>{kind}' for kind, colour in _COLOURS.items())
        yield f'<p class=dim>{"".join(keys)}<span class=key style="background:#8886"></span>sent</p>'


def _near(tally: Tally) -> Iterator[str]:
    if not tally.near_misses:
        return
    shown = tally.worst()
    yield f"<h2>Near misses ({tally.near_misses:,})</h2>"
    yield "<p class=dim>Blocked calls that named something of the live cluster; the worst one first.</p>"
    yield "<h3>The worst</h3>"
    yield from _decision(shown[0])
    if len(shown) > 1:
        yield "<table><tr><th>when</th><th>call</th><th>would have left</th><th>who</th><th>decision</th></tr>"
        for entry in shown[1:]:
            left = "; ".join(
                f"{hit.cluster}: {hit.remaining} of {hit.running} machines" for hit in blast.of(entry) if hit.live
            )
            yield (
                f"<tr><td>{escape(_when(entry))}</td><td>{escape(_call(entry))}</td><td>{escape(left)}</td>"
                f"<td>{escape(_who(entry))}</td><td><code>{escape(str(entry.get('decision_id'))[:8])}</code></td></tr>"
            )
        yield "</table>"


def _decision(entry: Mapping[str, Any]) -> Iterator[str]:
    """What was asked, what became of it, and the picture."""
    became = what(entry)
    verdict = "Blocked before it reached AWS" if became in ("blocked", "undecided") else "Sent"
    violated = rules(entry, "deny", "confirm", "warn")
    why = f": {', '.join(violated)}" if violated else ""
    custom = part(entry, "custom")
    reason = custom.get("unavailable") or custom.get("reason")
    yield f'<div class="said {"" if verdict[0] == "B" else "sent"}"><strong>{escape(verdict)}{escape(why)}</strong><br>'
    yield f"{escape(_call(entry))}, {escape(_when(entry))} UTC, by {escape(_who(entry))}<br>"
    if reason:
        yield f"{escape(str(reason))}<br>"
    sources = part(part(entry, "input"), "live").get("sources")
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, dict):
            yield f"live by {escape(str(source.get('name')))}: {escape(str(source.get('evidence')))}<br>"
    yield (
        f"<span class=dim>decision {escape(str(entry.get('decision_id')))}, policies "
        f"{escape(revision(entry))}</span></div>"
    )
    yield from picture(blast.of(entry))


def _call(entry: Mapping[str, Any]) -> str:
    call = part(part(entry, "input"), "call")
    where = f" in {call.get('region')}" if call.get("region") else ""
    return f"{call.get('operation')}{where}"


def _when(entry: Mapping[str, Any]) -> str:
    return str(entry.get("timestamp", "?"))[:19].replace("T", " ")


def _who(entry: Mapping[str, Any]) -> str:
    caller = part(part(entry, "input"), "caller")
    return f"{caller.get('program') or '?'}, {entry.get('requested_by') or caller.get('os_user') or '?'}"


def _counts(title: str, counts: Counter[str]) -> Iterable[str]:
    if not counts:
        return
    yield f"<div><h2>{title}</h2><table>"
    for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_SHOWN]:
        yield f"<tr><td class=n>{count:,}</td><td><code>{escape(name)}</code></td></tr>"
    yield "</table>"
    if len(counts) > _SHOWN:
        yield f"<p class=dim>and {len(counts) - _SHOWN:,} more</p>"
    yield "</div>"


def _glass(tally: Tally) -> Iterator[str]:
    if not tally.glass:
        return
    yield "<h2>Break glass</h2><table><tr><th>reason</th><th>rules set aside</th><th>by</th><th class=n>calls</th></tr>"
    for (reason, aside, who), counts in tally.glass.items():
        yield (
            f"<tr><td>{escape(reason)}</td><td><code>{escape(aside)}</code></td><td>{escape(who)}</td>"
            f"<td class=n>{counts.total():,}</td></tr>"
        )
    yield "</table>"


def _latency(tally: Tally) -> Iterator[str]:
    taken = {"look-ups": tally.lookup_ms, "verdict of the policies": tally.verdict_ms}
    if not any(taken.values()):
        return
    heads = "".join(f"<th class=n>{name}</th>" for name in ("median", "95 %", "most"))
    yield f"<h2>How long it took</h2><table><tr><th></th>{heads}</tr>"
    for name, times in taken.items():
        if times:
            cells = "".join(f"<td class=n>{percentile(times, share):,.1f} ms</td>" for share in (50, 95, 100))
            yield f"<tr><td>{name}</td>{cells}</tr>"
    yield "</table>"
