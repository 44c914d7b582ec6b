"""Slow calls down before AWS refuses them: EC2's documented token buckets, shared by the processes of this host.

limits.py    which buckets a call takes tokens from, and how large AWS says they are
buckets.py   the arithmetic of a bucket
pacer.py     the buckets in the shared state, and how long a call must wait
waiting.py   the wait itself, shown where a person watches
"""

from guardrails.pacing.limits import LAUNCH, Limit
from guardrails.pacing.pacer import Pacer, Pause
from guardrails.pacing.turn import Turns

__all__ = ["LAUNCH", "Limit", "Pacer", "Pause", "Turns"]
