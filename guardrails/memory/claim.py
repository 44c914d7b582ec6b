"""What a call is about to take away or start, from before it is judged until its outcome is known."""

from __future__ import annotations

from guardrails.memory.events import IN_DOUBT, SENT
from guardrails.memory.store import Store
from guardrails.values import frozen


@frozen
class Claim:
    """What a call is about to do: events of (kind, cluster, name). All methods raise StateUnavailable."""

    id: str
    store: Store
    scope: str
    events: tuple[tuple[str, str, str], ...]

    def settle(self, now: float, *, sent: bool) -> None:
        """Keep the claim because its call is sent, or drop it."""
        self.store.settle(self.scope, self.id, self.events, now, sent=sent)

    def drop(self) -> None:
        """The call was not sent after all."""
        self.store.drop(self.scope, self.id, self.events)

    def doubt(self, now: float) -> None:
        """It is unknown whether AWS carried the call out."""
        self.store.mark(self.scope, self.id, self.events, IN_DOUBT, now)

    def confirm(self, now: float) -> None:
        """AWS accepted the call, after there was doubt."""
        self.store.mark(self.scope, self.id, self.events, SENT, now)

    def withdraw(self) -> None:
        """AWS refused the call: it took nothing away. That it was made still counts."""
        self.store.withdraw(self.scope, self.id, self.events)

    @property
    def machines(self) -> int:
        """How many machines the call takes away or starts."""
        return sum(not kind.startswith("call ") for kind, _, _ in self.events)
