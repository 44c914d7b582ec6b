"""The blast radius as a picture: clusters side by side, squares for machines, what would be hit marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guardrails.show.blast_radius import Hit
from guardrails.show.sentences import counted
from guardrails.values import frozen

# More squares than this say nothing more.
_SQUARES = 60


@frozen
class Square:
    """A kind of square: its CSS classes, its sign and what it means."""

    style: str
    sign: str
    meaning: str


_HIT = Square("sq hit", "×", "would go down")  # noqa: RUF001
_MIGHT = Square("sq might", "!", "would be touched")
_ALONE = Square("sq", "", "left alone")
_STOPPED = Square("sq stopped", "", "not running")


@frozen
class Card:
    """One cluster. `squares` are kinds with their number, each for `each` machines; `mark` is the CSS class of a hit.

    `addresses`, `subnets` and `through` have a CSS class by name.
    """

    hit: Hit
    squares: tuple[tuple[Square, int], ...]
    each: int
    label: str
    mark: str
    addresses: Mapping[str, str]
    subnets: Mapping[str, str]
    through: Mapping[str, str]


@frozen
class Picture:
    """The clusters, and the kinds of squares that occur."""

    cards: tuple[Card, ...]
    legend: tuple[Square, ...]


def picture(hits: Iterable[Hit]) -> Picture:
    """What parts.html.j2 draws."""
    cards = tuple(map(_card, hits))
    used = {kind for card in cards for kind, _ in card.squares}
    return Picture(cards, tuple(kind for kind in (_HIT, _MIGHT, _ALONE, _STOPPED) if kind in used))


def _card(hit: Hit) -> Card:
    counts = {kind: count for kind, count in _counts(hit).items() if count}
    each = max(1, -(-sum(counts.values()) // _SQUARES))
    mark = "hit-text" if hit.kind == "down" else "might-text"
    fates = {"lost": "hit-text", "might": "might-text", "stays": ""}
    return Card(
        hit,
        tuple((kind, -(-count // each)) for kind, count in counts.items()),
        each,
        ", ".join(f"{counted(count, 'machine')} {kind.meaning}" for kind, count in counts.items()),
        mark,
        {ip: fates[fate] for ip, fate in hit.addresses.items()},
        {subnet: mark if reached else "" for subnet, reached in hit.subnets.items()},
        {f"{key} ({kind})": mark for key, kind in hit.through.items() if key not in hit.subnets},
    )


def _counts(hit: Hit) -> dict[Square, int]:
    """How many machines of each kind."""
    total = hit.running + hit.stopped
    if hit.kind == "down":
        # A machine that does not run cannot go down.
        return {_HIT: hit.down, _ALONE: hit.running - hit.down, _STOPPED: hit.stopped}
    touched = total if hit.all_reached else min(total, len(hit.machines))
    return {_MIGHT: touched, _ALONE: max(0, hit.running - touched), _STOPPED: min(hit.stopped, total - touched)}
