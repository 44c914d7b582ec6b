"""How often a caller was denied on a live cluster, in the file that the guards of a host share."""

from __future__ import annotations

from guardrails.memory.sqlite.file import StateFile
from guardrails.values import frozen

WINDOW_S = 3600.0


@frozen
class Denials:
    """Denials by caller, `who`, which has the host in it. Methods raise StateUnavailable."""

    file: StateFile

    def note(self, who: str, now: float) -> None:
        """A call of this caller was denied on a live cluster."""
        with self.file.transaction() as connection:
            connection.execute("DELETE FROM denial WHERE at <= ?", (now - WINDOW_S,))
            connection.execute("INSERT INTO denial VALUES (?, ?)", (who, now))

    def count(self, who: str, now: float) -> int:
        """How many there were within the last hour."""
        ((count,),) = self.file.rows("SELECT count(*) FROM denial WHERE who = ? AND at > ?", (who, now - WINDOW_S))
        return int(count)
