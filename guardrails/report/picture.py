"""The blast radius as a picture: clusters side by side, what would be hit marked, what remains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from guardrails.show.blast_radius import Hit

# More squares than this say nothing more.
_SQUARES = 60
# A square's class -> its sign and what the legend says of it.
_LEGEND = {
    "hit": ("×", "would go down"),  # noqa: RUF001
    "might": ("!", "would be touched"),
    "": ("", "left alone"),
    "stopped": ("", "not running"),
}
STYLE = """
.blast { display: flex; flex-wrap: wrap; gap: 1rem; margin: .6rem 0 1.2rem; }
.cluster { border: 1px solid #8886; border-radius: 6px; padding: .7rem 1rem; min-width: 15rem; flex: 1 1 15rem;
  max-width: 28rem; }
.cluster.live { border: 2px solid #2e9e5b; }
.cluster h3 { margin: 0 0 .1rem; font-size: 1.1rem; } .cluster .tag { font-size: .8rem; font-weight: 700; }
.cluster .tag.live { color: #2e9e5b; } .cluster h4 { margin: .7rem 0 .2rem; font-size: .8rem; opacity: .75;
  text-transform: uppercase; letter-spacing: .05em; }
.squares { display: flex; flex-wrap: wrap; gap: 5px; }
.sq { width: 30px; height: 30px; border-radius: 4px; background: #2e9e5b; display: inline-flex; align-items: center;
  justify-content: center; color: #fff; font: 700 20px system-ui, sans-serif; }
.sq.hit { background: #d64545; } .sq.might { background: #b97a00; } .sq.stopped { background: #8888; }
.hit-text { color: #d64545; font-weight: 700; } .might-text { color: #b97a00; font-weight: 700; }
.cluster code.hit-text::before { content: "\\00d7  "; } .cluster code.might-text::before { content: "!  "; }
.cluster code { font-size: .85em; display: block; overflow-wrap: anywhere; }
.sum { margin: .6rem 0 0; font-weight: 700; overflow-wrap: anywhere; }
.legend { font-size: .85rem; opacity: .85; display: flex; align-items: center; flex-wrap: wrap; }
.legend .sq { width: 16px; height: 16px; font-size: 12px; border-radius: 3px; margin: 0 .3rem 0 1rem; }
"""


def picture(hits: Iterable[Hit]) -> Iterator[str]:
    """HTML; the page must have STYLE. A sentence where there is no cluster."""
    every = tuple(hits)
    if not every:
        yield "<p class=dim>What this call would have hit was not looked up.</p>"
        return
    counted = [_kinds(hit) for hit in every]
    used = [kind for kind in _LEGEND if any(kinds.get(kind) for kinds in counted)]
    if used:
        said = "".join(f"{_square(kind)}{_LEGEND[kind][1]}" for kind in used)
        yield f"<p class=legend>one square is one machine:{said}</p>"
    yield '<div class="blast">'
    for hit, kinds in zip(every, counted, strict=True):
        yield from _cluster(hit, kinds)
    yield "</div>"


def _kinds(hit: Hit) -> dict[str, int]:
    """How many squares of each kind."""
    total = hit.running + hit.stopped
    if hit.kind == "down":
        # A machine that the call names and that does not run cannot go down.
        return {"hit": hit.down, "": hit.running - hit.down, "stopped": hit.stopped}
    touched = total if hit.all_reached else min(total, len(hit.machines))
    return {"might": touched, "": max(0, hit.running - touched), "stopped": min(hit.stopped, total - touched)}


def _cluster(hit: Hit, kinds: Mapping[str, int]) -> Iterator[str]:
    live, mark = "live" if hit.live else "", "hit-text" if hit.kind == "down" else "might-text"
    yield f'<section class="cluster {live}"><h3>{escape(hit.cluster)}</h3>'
    yield f'<span class="tag {live}">{"LIVE: this is what users reach" if hit.live else "not live"}</span>'
    yield f"<h4>Machines</h4>{_squares(kinds)}"
    yield "".join(f'<code class="{mark}">{escape(machine)}</code>' for machine in hit.machines[:6])
    if len(hit.machines) > 6:
        yield f"<code>and {len(hit.machines) - 6} more</code>"
    fates = {"lost": "hit-text", "might": "might-text", "stays": ""}
    yield from _things("Addresses", {ip: fates[fate] for ip, fate in hit.addresses.items()})
    yield from _things("Subnets", {subnet: mark if there else "" for subnet, there in hit.subnets.items()})
    others = [f"{key} ({kind})" for key, kind in hit.through.items() if key not in hit.subnets]
    yield from _things("Reached through", dict.fromkeys(others, mark))
    said = escape(hit.sentence)
    summed = f'<span class="{mark}">{said}</span>' if hit.touched else f"{said}: {hit.running} running"
    yield f'<p class="sum">{summed}</p></section>'


def _squares(kinds: Mapping[str, int]) -> str:
    total = sum(kinds.values())
    if not total:
        return "<p>none</p>"
    each = -(-total // _SQUARES)
    more = f"<p class=dim>a square stands for {each} machines</p>" if each > 1 else ""
    label = ", ".join(f"{count} {_LEGEND[kind][1]}" for kind, count in kinds.items() if count)
    squares = "".join(_square(kind) * -(-count // each) for kind, count in kinds.items())
    return f'<div class="squares" role="img" aria-label="{label}">{squares}</div>{more}'


def _square(kind: str) -> str:
    return f'<span class="sq{" " + kind if kind else ""}">{_LEGEND[kind][0]}</span>'


def _things(title: str, things: Mapping[str, str]) -> Iterator[str]:
    if not things:
        return
    yield f"<h4>{title}</h4>"
    for name, mark in things.items():
        yield f'<code class="{mark}">{escape(name)}</code>'
