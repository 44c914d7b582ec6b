"""Where the state of a cutover is kept: one document for an account and region, changed by one write at a time.

sqlite/cutovers.py does it in a file of one host, dynamodb/cutovers.py in a table. Every method raises StateUnavailable
where the place cannot be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from guardrails.memory.store import StateUnavailable
from guardrails.values import frozen
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


@frozen
class Kept:
    """A document as it is kept. `revision` counts its writes; 0 is that of none."""

    document: Mapping[str, Any]
    revision: int


NONE = Kept({}, 0)


class Cutovers(Protocol):
    """Keeps the latest cutover of each account and region (`scope`)."""

    def read(self, scope: str, /) -> Kept:
        """What is kept now; NONE where nothing is."""
        ...

    def write(self, scope: str, document: Mapping[str, Any], revision: int, /) -> bool:
        """Keep this in place of what has that revision. False where something else is kept by now."""
        ...

    def now(self) -> float:
        """The time by the clock that all hosts share, in seconds since the epoch."""
        ...


@frozen
class FleetCutovers:
    """The Cutovers of a fleet: `shared`, with a copy on this host to go back from while nothing else answers."""

    shared: Cutovers
    host: Cutovers

    def read(self, scope: str) -> Kept:
        """What all hosts see."""
        return self.shared.read(scope)

    def write(self, scope: str, document: Mapping[str, Any], revision: int) -> bool:
        """Keep it for all hosts, and a copy here."""
        written = self.shared.write(scope, document, revision)
        if written:
            try:
                self.host.write(scope, document, self.host.read(scope).revision)
            except StateUnavailable as error:
                _logger.warning("this host has no copy of the cutover: %s", error)
        return written

    def now(self) -> float:
        """The time by the shared clock."""
        return self.shared.now()

    def copy(self, scope: str) -> Kept:
        """What this host wrote last."""
        return self.host.read(scope)
