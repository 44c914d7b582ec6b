"""What a call is about to take away or start, from before it is judged until its outcome is known."""

from __future__ import annotations

from attrs import frozen

from guardrails.memory.store import Store

# What is known of a claim's call, in its rows; 0 is a call that is being decided on.
SENT, IN_DOUBT = 1, 2


@frozen
class Claim:
    """What a call is about to do: rows of (kind, cluster, name)."""

    id: str
    store: Store
    scope: str
    rows: tuple[tuple[str, str, str], ...]

    def settle(self, now: float, *, sent: bool) -> None:
        """Keep the claim because its call is sent, or drop it. Raises StateUnavailable."""
        with self.store.transaction() as connection:
            connection.execute("DELETE FROM event WHERE claim = ? AND sent = 0", (self.id,))
            if sent:
                connection.executemany(
                    "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (scope, kind, name) DO UPDATE SET "
                    # A call that repeats an earlier one must not take that one's record along when AWS refuses it. A
                    # refused start may: then the machine counts as stopped.
                    "at = excluded.at, sent = 1, "
                    "claim = CASE WHEN sent > 0 AND kind <> 'start' THEN claim ELSE excluded.claim END",
                    [(self.scope, kind, name, cluster, now, self.id) for kind, cluster, name in self.rows],
                )

    def drop(self) -> None:
        """The call was not sent after all. Raises StateUnavailable."""
        with self.store.transaction() as connection:
            connection.execute("DELETE FROM event WHERE claim = ?", (self.id,))

    def doubt(self, now: float) -> None:
        """It is unknown whether AWS carried the call out. Raises StateUnavailable."""
        self._mark(IN_DOUBT, now)

    def confirm(self, now: float) -> None:
        """AWS accepted the call, after there was doubt. Raises StateUnavailable."""
        self._mark(SENT, now)

    def _mark(self, state: int, now: float) -> None:
        with self.store.transaction() as connection:
            connection.execute("UPDATE event SET sent = ?, at = ? WHERE claim = ? AND sent > 0", (state, now, self.id))

    def withdraw(self) -> None:
        """AWS refused the call: it took nothing away. That it was made still counts. Raises StateUnavailable."""
        with self.store.transaction() as connection:
            connection.execute("DELETE FROM event WHERE claim = ? AND kind NOT LIKE 'call %'", (self.id,))

    @property
    def machines(self) -> int:
        """How many machines the call takes away or starts."""
        return sum(not kind.startswith("call ") for kind, _, _ in self.rows)
