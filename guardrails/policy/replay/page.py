"""A replay as one HTML page."""

from __future__ import annotations

from guardrails.policy.replay.tally import KINDS, ReplayTally
from guardrails.show import html_page
from guardrails.show.timeline import timeline

_LABELS: dict[str, str] = {kind: kind for kind in KINDS}


def page(tally: ReplayTally, candidate: str, *, interrupted: bool) -> str:
    """What changes in one sentence, a timeline, tables by rule, program and person, and the changes."""
    left_out = (
        (tally.undecided, "decided without the policies"),
        (tally.failed, "failed"),
        (tally.unreadable, "unreadable"),
        *((count, reason) for reason, count in sorted(tally.left_out.items())),
    )
    counts = {"By rule": tally.rules, "By program": tally.programs, "By person": tally.people}
    return html_page.render(
        "policy/replay/replay.html.j2",
        title="Replay of recorded decisions",
        tally=tally,
        candidate=candidate,
        interrupted=interrupted,
        labels=_LABELS,
        left_out=[f"{count:,} {reason}" for count, reason in left_out if count],
        timeline=timeline(tally.activity, _LABELS),
        counts={
            title: [(name, counter[name]) for name in sorted(counter, key=lambda name: (-counter[name].total(), name))]
            for title, counter in counts.items()
            if counter
        },
    )
