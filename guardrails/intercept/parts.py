"""What interception asks about a call that may be sent in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class PartedCall(Protocol):
    """A call that is to be sent in parts."""

    def send(self, send: Callable[[Mapping[str, Any]], Any], /) -> Any:
        """Send the parts, by their parameters, and return one response for all."""
        ...


class Splitter(Protocol):
    """Finds the calls that are sent in parts."""

    def split(self, client: Any, operation: str, params: Mapping[str, Any], /) -> PartedCall | None:
        """The parts of a call; None where it is sent as it is."""
        ...
