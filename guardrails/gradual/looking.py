"""A look at health, with patience: nothing goes on before the check is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from guardrails.health import Health, ask

HealthCheck = Callable[[], Any]
Waiting = Callable[[str], None]


@frozen
class Unhealthy:
    """The check was not true for `seconds`; `why` is what it said last."""

    seconds: float
    why: str


@frozen
class Looking:
    """Asks `healthy` (None is always true) every `interval_s` seconds, for at most `patience_s`.

    `on_wait` gets the reason for each wait.
    """

    healthy: HealthCheck | None
    interval_s: float
    patience_s: float
    on_wait: Waiting | None
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def now(self) -> Health:
        """What the check says now."""
        return Health(True, "there is no health check") if self.healthy is None else ask(self.healthy)

    def patiently(self, first: Health, then: str) -> Unhealthy | None:
        """Wait until the check is true; None if it is in time. `first` is its last answer, `then` what follows."""
        health, since = first, self.clock()
        while not health:
            waited = self.clock() - since
            if waited >= self.patience_s:
                return Unhealthy(waited, health.why)
            if self.on_wait is not None:
                self.on_wait(f"the health check is false ({health.why}); {then}")
            # Without an interval this would spin.
            self.sleep(self.interval_s or 1.0)
            health = self.now()
        return None
