"""A call that may be sent in parts, each of which is a call by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from guardrails.intercept.api_call import within


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

    def rehearsing(self) -> Splitter:
        """The same for a plan, in which nothing is sent: without pauses and health checks."""
        ...


def in_parts(
    splitter: Splitter | None, finished: Callable[[str], None], call: Any, client: Any, operation: str, params: Any
) -> Any:
    """Make a call by botocore's function `call`, whole or in parts; `finished` gets each one's decisions."""

    def send(part: Any) -> Any:
        return within(finished, call, client, operation, part)

    parts = splitter.split(client, operation, params) if splitter is not None else None
    return send(params) if parts is None else parts.send(send)
