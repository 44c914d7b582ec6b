"""Slow calls down before AWS refuses them, in the token buckets that the processes of this host share (memory/).

turn.py      a call's turn, and what AWS's refusal says about it
waiting.py   the wait itself, shown where a person watches
"""

from guardrails.enforce.pacing.turn import Turns

__all__ = ["Turns"]
