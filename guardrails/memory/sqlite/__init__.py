"""The memory of one host, in a SQLite file.

denials.py      how often a caller was denied
store.py        what a store does, each in one transaction
file.py         the file, and its transactions
freezes.py      what is frozen
cutovers.py     the latest cutover
connection.py   the connection to it that a process keeps
descriptors.py  the file descriptors of it
"""

from guardrails.memory.sqlite.denials import Denials
from guardrails.memory.sqlite.store import SqliteStore

__all__ = ["Denials", "SqliteStore"]
