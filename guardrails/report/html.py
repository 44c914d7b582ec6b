"""The report as one self-contained HTML page: no scripts, nothing fetched, everything that came from a log escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape

from guardrails.record.entries import Entry, part
from guardrails.report.picture import STYLE as PICTURE
from guardrails.report.picture import picture
from guardrails.report.tally import Tally, Worst, what
from guardrails.show import blast_radius, html_page
from guardrails.show.timeline import timeline

_COLOURS = {"blocked": "#d64545", "undecided": "#8e5bd0", "let pass": "#3b82c4", "warned": "#c98a00"}
_SHOWN = 20
_ALSO = 6
_STYLE = (
    """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: .2rem; } h2 { margin: 1.6rem 0 .3rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .3rem 1.5rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
.wide { overflow-x: auto; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.big { font-size: 1.3rem; } .dim { opacity: .75; } code { font-size: .9em; overflow-wrap: anywhere; }
.columns { display: flex; flex-wrap: wrap; gap: 0 3rem; }
svg { width: 100%; }
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
        *_worst("Near misses", "Blocked calls that named something of the live cluster", tally.near),
        *_worst("Let pass", "Calls on the live cluster that the mode sent though a rule denies them", tally.let_pass),
        "<div class=columns>",
        *_counts("Denials by rule", tally.rules),
        *_counts("Denials by program", tally.programs),
        *_counts("Denials by principal", tally.principals),
        *_counts("Let pass by the mode, by rule", tally.let_rules),
        *_counts("Rules in dryrun that spoke", tally.shadow),
        *_counts("The guard could not decide", tally.reasons),
        "</div>",
        *_glass(tally),
        *_latency(tally),
    ]
    return html_page.whole("What the guard did", _STYLE, parts)


def one(entry: Entry) -> str:
    """The picture of one decision's blast radius."""
    name = f"Blast radius of {_call(entry)}"
    return html_page.whole(name, _STYLE, [f"<h1>{escape(name)}</h1>", *_decision(entry)])


def _sentence(tally: Tally) -> str:
    if not tally.decisions:
        return "No call was decided on."
    kinds = [
        f'<span style="color:{_COLOURS["blocked"]}">{tally.kinds["blocked"]:,} blocked</span>',
        f'<span style="color:{_COLOURS["warned"]}">{tally.kinds["warned"]:,} sent with a warning</span>',
    ]
    if tally.kinds["undecided"]:
        kinds.append(
            f'<span style="color:{_COLOURS["undecided"]}">{tally.kinds["undecided"]:,} blocked because the guard could '
            "not decide</span>"
        )
    if tally.kinds["let pass"]:
        kinds.append(
            f'<span style="color:{_COLOURS["let pass"]}">{tally.kinds["let pass"]:,} sent though a rule denies them, '
            "because of the mode</span>"
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


def _worst(title: str, said: str, worst: Worst) -> Iterator[str]:
    if not worst.count:
        return
    shown = worst.entries()
    yield f"<h2>{title} ({worst.count:,})</h2>"
    yield f"<p class=dim>{said}; the worst one first.</p>"
    yield "<h3>The worst</h3>"
    yield from _decision(shown[0])
    if len(shown) > 1:
        yield (
            "<div class=wide><table><tr><th>when</th><th>call</th><th>what would have become of it</th><th>who</th>"
            "<th>decision</th></tr>"
        )
        for entry in shown[1:]:
            hits = blast_radius.of(entry.input)
            became = "; ".join(f"{hit.cluster}: {hit.sentence}" for hit in hits if hit.live and hit.touched)
            yield (
                f"<tr><td>{escape(entry.when)}</td><td>{escape(_call(entry))}</td><td>{escape(became)}</td>"
                f"<td>{escape(_who(entry))}</td><td><code>{escape(entry.short_id)}</code></td></tr>"
            )
        yield "</table></div>"
        if worst.count > len(shown):
            yield f"<p class=dim>and {worst.count - len(shown):,} more, less bad or earlier</p>"


def _decision(entry: Entry) -> Iterator[str]:
    """What was asked, what became of it, and the picture."""
    became = what(entry)
    verdict = "Blocked before it reached AWS" if became in ("blocked", "undecided") else "Sent"
    if became == "let pass":
        verdict = f"Sent all the same, because mode was {entry.mode!r}"
    violated = entry.rules("deny", "confirm", "warn")
    why = f": {', '.join(violated)}" if violated else ""
    reason = entry.why
    yield f'<div class="said {"" if verdict[0] == "B" else "sent"}"><strong>{escape(verdict)}{escape(why)}</strong><br>'
    yield f"{escape(_call(entry))}, {escape(entry.when)} UTC, by {escape(_who(entry))}<br>"
    if reason:
        yield f"{escape(str(reason))}<br>"
    sources = part(entry.input, "live").get("sources")
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, dict):
            yield f"live by {escape(str(source.get('name')))}: {escape(str(source.get('evidence')))}<br>"
    yield (f"<span class=dim>decision {escape(entry.decision_id)}, policies {escape(entry.revision)}</span></div>")
    document = entry.input
    yield from picture(blast_radius.of(document))
    also = blast_radius.elsewhere(document)
    if also:
        more = f" and {len(also) - _ALSO} more" if len(also) > _ALSO else ""
        yield f"<p>Named as well: {escape('; '.join(also[:_ALSO]))}{more}</p>"


def _call(entry: Entry) -> str:
    where = f" in {entry.region}" if entry.region else ""
    return f"{entry.call.get('operation')}{where}"


def _who(entry: Entry) -> str:
    return f"{entry.program}, {entry.person}"


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
    if not any(times.most for times in taken.values()):
        return
    heads = "".join(f"<th class=n>{name}</th>" for name in ("median", "95 %", "most"))
    yield f"<h2>How long it took</h2><table><tr><th></th>{heads}</tr>"
    for name, times in taken.items():
        if times.most:
            cells = "".join(f"<td class=n>{times.percentile(share):,.1f} ms</td>" for share in (50, 95, 100))
            yield f"<tr><td>{name}</td>{cells}</tr>"
    yield "</table>"
