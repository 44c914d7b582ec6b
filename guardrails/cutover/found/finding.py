"""What a search for entrances finds: which there are, how each is moved, and why one cannot be."""

from __future__ import annotations

from attrs import define, field

from guardrails.cutover.plan import Entrance, Move


@define
class Finding:
    """The entrances that lead to the old side, with their moves by the share (percent) at which each is made.

    `waits` are seconds to wait after a share. `groups` are the new side's target groups. `problems` say what cannot be
    moved and what to do; `notes` are for people.
    """

    entrances: list[Entrance] = field(factory=list)
    moves: dict[int, list[Move]] = field(factory=dict)
    waits: dict[int, float] = field(factory=dict)
    groups: list[str] = field(factory=list)
    problems: list[str] = field(factory=list)
    notes: list[str] = field(factory=list)

    def move(self, share: int, move: Move) -> None:
        """Make this move at this share."""
        self.moves.setdefault(share, []).append(move)

    def wait(self, share: int, seconds: float) -> None:
        """Wait at least so long after this share."""
        self.waits[share] = max(seconds, self.waits.get(share, 0.0))
