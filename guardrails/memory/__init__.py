"""What guards remember together: in a SQLite file of one host, or in a DynamoDB table of many.

store.py        what a store must do
configured.py   the memory that a configuration names
sqlite/         the store in a file
dynamodb/       the store in a table
approvals/      requests to a second person, in a folder of one host (for a table: in dynamodb/)
fleet.py        a table, and what a host does while it does not answer
united.py       what a host knows beside what the table does
history.py      machines taken away and launched, claimed before the call so that two processes see each other
events.py       how what was done is counted
waves.py        the same of machines that go in waves
freezes.py      how a freeze is kept
cutovers.py     where the state of a cutover is kept
under_way.py    what is under way, for people
claim.py        what a call takes away or starts, and what is known of its outcome
sent_claims.py  the claims of calls that AWS has not answered yet
members.py      what belonged to a cluster while it was live
liveness.py     since when a cluster has been live, and when it stopped being live
pacer.py        how long a call must wait to stay within AWS's rate limits
rate_limits.py  EC2's documented rate limits
buckets.py      the arithmetic of token buckets
file_lock.py    a lock on an open file, for one process at a time
"""

from guardrails.memory.claim import Claim
from guardrails.memory.events import MachineState
from guardrails.memory.history import History
from guardrails.memory.sqlite import SqliteStore
from guardrails.memory.store import StateUnavailable, Store

__all__ = ["Claim", "History", "MachineState", "SqliteStore", "StateUnavailable", "Store"]
