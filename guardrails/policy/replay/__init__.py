"""Decide again what was recorded, with other policies, and say what changes."""

from guardrails.policy.replay.recorded import Piece, pieces
from guardrails.policy.replay.running import Progress, replay
from guardrails.policy.replay.tally import Change, Tally

__all__ = ["Change", "Piece", "Progress", "Tally", "pieces", "replay"]
