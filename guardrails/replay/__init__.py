"""Decide again what was recorded, with other policies, and say what changes."""

from guardrails.replay.recorded import Piece, pieces
from guardrails.replay.running import Progress, replay
from guardrails.replay.tally import Change, Tally

__all__ = ["Change", "Piece", "Progress", "Tally", "pieces", "replay"]
