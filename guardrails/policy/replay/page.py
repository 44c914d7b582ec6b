"""A replay as one self-contained HTML page: no scripts, nothing fetched, everything that came from a log escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape

from guardrails.policy.replay.tally import KINDS, ChangedDecision, ReplayTally
from guardrails.show import html_page
from guardrails.show.timeline import timeline

_COLOURS = {"newly denied": "#c0392b", "newly allowed": "#1e8449", "other change": "#7d6608"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; width: 100%; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.big { font-size: 1.3rem; } .dim { opacity: .7; } code { font-size: .9em; overflow-wrap: anywhere; }
svg { width: 100%; }
"""


def page(tally: ReplayTally, candidate: str, *, interrupted: bool) -> str:
    """The page's text: what changes in one sentence, a timeline, tables by rule, program and person, the changes."""
    recorded = ", ".join(f"<code>{escape(revision)}</code>" for revision in sorted(tally.revisions)) or "none"
    cut = " Interrupted: not all of the log was read." if interrupted else ""
    parts = [
        "<h1>Replay of recorded decisions</h1>",
        f"<p class=big>{_sentence(tally)}</p>",
        *_approximated(tally),
        f"<p class=dim>Candidate policies <code>{escape(candidate)}</code>, recorded with {recorded}.{cut}</p>",
        *timeline(tally.hours, _COLOURS),
        *_counts("By rule", tally.rules),
        *_counts("By program", tally.programs),
        *_counts("By person", tally.people),
        *_changes(tally.changes, tally.changed),
        *_faults(tally.faults),
    ]
    return html_page.whole("Replay of recorded decisions", _STYLE, parts)


def _sentence(tally: ReplayTally) -> str:
    kinds = ", ".join(f'<span style="color:{_COLOURS[kind]}">{tally.kinds[kind]:,} {kind}</span>' for kind in KINDS)
    left = [
        f"{count:,} {what}"
        for count, what in (
            (tally.undecided, "without a verdict of the policies"),
            (tally.failed, "that gave no answer"),
            (tally.unreadable, "unreadable lines"),
            *((count, reason) for reason, count in sorted(tally.left_out.items())),
        )
        if count
    ]
    rest = f"; {escape(', '.join(left))} left out" if left else ""
    return f"{tally.changed:,} of {tally.decisions:,} decisions changed: {kinds}{rest}."


def _approximated(tally: ReplayTally) -> Iterable[str]:
    if tally.approximated:
        yield (
            f"<p><strong>Approximated:</strong> the facts of {tally.approximated:,} calls were not recorded with them; "
            "they come from a snapshot or from other decisions, and the world may have been another then.</p>"
        )


def _counts(title: str, counts: Mapping[str, Counter[str]]) -> Iterable[str]:
    if not counts:
        return
    yield f"<h2>{title}</h2><table><tr><th></th>" + "".join(f"<th class=n>{kind}</th>" for kind in KINDS) + "</tr>"
    for name in sorted(counts, key=lambda name: (-counts[name].total(), name)):
        cells = "".join(f"<td class=n>{counts[name][kind] or ''}</td>" for kind in KINDS)
        yield f"<tr><td><code>{escape(name)}</code></td>{cells}</tr>"
    yield "</table>"


def _changes(changes: list[ChangedDecision], total: int) -> Iterable[str]:
    if not changes:
        return
    more = f" <span class=dim>(the first {len(changes):,} of {total:,})</span>" if total > len(changes) else ""
    yield f"<h2>Changes{more}</h2>"
    yield "<table><tr><th>when</th><th>call</th><th>was → becomes</th><th>rules</th><th>targets</th><th>who</th></tr>"
    for change in changes:
        rules = [f"+ {rule}" for rule in change.gained] + [f"− {rule}" for rule in change.lost]  # noqa: RUF001  (a minus)
        yield (
            f'<tr><td>{escape(change.time[:19])}<br><code class=dim title="{escape(change.place)}">'
            f"{escape(change.decision_id[:8])}</code></td><td>{escape(change.call)}</td>"
            f'<td style="color:{_COLOURS[change.kind]}">{escape(change.was)} → {escape(change.now)}'
            f"{_about(change)}</td>"
            f"<td>{'<br>'.join(f'<code>{escape(rule)}</code>' for rule in rules)}</td>"
            f"<td>{escape(', '.join(change.targets))}</td>"
            f"<td>{escape(change.program)}<br><span class=dim>{escape(change.person)}</span></td></tr>"
        )
    yield "</table>"


def _about(change: ChangedDecision) -> str:
    return f"<br><span class=dim>facts of the {escape(change.approximated)}</span>" if change.approximated else ""


def _faults(faults: list[str]) -> Iterable[str]:
    if faults:
        yield "<h2>Left out</h2><ul>" + "".join(f"<li>{escape(fault)}</li>" for fault in faults) + "</ul>"
