"""What the guards of one host remember together: which machines they took away lately, and which cluster was live.

store.py      the SQLite file that they share
history.py    machines taken away and launched, claimed before the call so that two processes see each other
liveness.py   since when a cluster is live, and when it stopped being live
"""

from guardrails.memory.history import Claim, History, Machine
from guardrails.memory.store import StateUnavailable, Store

__all__ = ["Claim", "History", "Machine", "StateUnavailable", "Store"]
