"""What the uploader needs from a sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from guardrails.record.spooled_lines import Position


class SinkFailure(Exception):
    """The sink did not take a batch. `str()` says why and what to do."""


class Sink(Protocol):
    """Takes batches of at most `most_lines` lines and `most_bytes` bytes, or one longer line."""

    most_lines: int
    most_bytes: int

    def send(self, lines: tuple[bytes, ...], start: Position, /) -> Mapping[int, str]:
        """Send entries of the decision log, which are at `start` of the spool. Raises SinkFailure.

        Returns those that the sink will never take, by their index, with its reason. It has acknowledged all others.
        """
        ...

    def try_it(self) -> str:
        """Try what `send` needs, without leaving a decision; what was tried. Raises SinkFailure."""
        ...
