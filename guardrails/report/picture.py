"""The blast radius as a picture: clusters side by side, what would have been hit crossed out, what remains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from guardrails.report.blast import Hit

# More squares than this say nothing more.
_SQUARES = 60
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
.sq.hit { background: #d64545; } .hit-text { color: #d64545; font-weight: 700; }
.cluster code.hit-text::before { content: "\\00d7  "; }
.cluster code { font-size: .85em; display: block; overflow-wrap: anywhere; }
.sum { margin: .6rem 0 0; font-weight: 700; }
.legend { font-size: .85rem; opacity: .85; display: flex; align-items: center; }
.legend .sq { width: 16px; height: 16px; font-size: 12px; border-radius: 3px; margin: 0 .3rem 0 1rem; }
"""


def picture(hits: Iterable[Hit]) -> Iterator[str]:
    """HTML; the page must have STYLE. Nothing where there is no cluster."""
    every = tuple(hits)
    if not every:
        yield "<p class=dim>What this call would have hit was not looked up.</p>"
        return
    yield '<p class=legend>one square is one machine:<span class="sq hit">×</span>named by the call'  # noqa: RUF001
    yield "<span class=sq></span>left alone</p>"
    yield '<div class="blast">'
    for hit in every:
        yield from _cluster(hit)
    yield "</div>"


def _cluster(hit: Hit) -> Iterator[str]:
    live = "live" if hit.live else ""
    yield f'<section class="cluster {live}"><h3>{escape(hit.cluster)}</h3>'
    yield f'<span class="tag {live}">{"LIVE: this is what users reach" if hit.live else "not live"}</span>'
    yield f"<h4>Machines</h4>{_squares(len(hit.machines), hit.others)}"
    yield "".join(f'<code class="hit-text">{escape(machine)}</code>' for machine in hit.machines[:6])
    if len(hit.machines) > 6:
        yield f"<code>and {len(hit.machines) - 6} more</code>"
    yield from _things("Addresses", hit.addresses)
    yield from _things("Subnets", hit.subnets)
    yield from _things("Reached through", dict.fromkeys(hit.through, True))
    yield f'<p class="sum">{_sum(hit)}</p></section>'


def _sum(hit: Hit) -> str:
    lost = sum(hit.addresses.values())
    said = f"{hit.running} running, {hit.remaining} would remain"
    if hit.addresses:
        said += f"; {len(hit.addresses) - lost} of {len(hit.addresses)} addresses would answer"
    harmed = hit.remaining < hit.running or lost or hit.through or any(hit.subnets.values())
    return f'<span class="hit-text">{said}</span>' if harmed else f"untouched: {hit.running} running"


def _squares(hit: int, others: int) -> str:
    total = hit + others
    if not total:
        return "<p>none</p>"
    each = -(-total // _SQUARES)
    crossed = -(-hit // each)
    spared = max(0, -(-total // each) - crossed)
    more = f"<p class=dim>a square stands for {each} machines</p>" if each > 1 else ""
    label = f"{hit} of {total} machines are named by the call"
    squares = '<span class="sq hit">×</span>' * crossed + '<span class="sq"></span>' * spared  # noqa: RUF001
    return f'<div class="squares" role="img" aria-label="{label}">{squares}</div>{more}'


def _things(title: str, things: Mapping[str, bool]) -> Iterator[str]:
    if not things:
        return
    yield f"<h4>{title}</h4>"
    for name, hit in things.items():
        yield f'<code class="{"hit-text" if hit else ""}">{escape(name)}</code>'
