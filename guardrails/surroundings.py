"""What the pipeline needs from outside: the log, and the process around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from guardrails.enforce.confirm import Confirmation
from guardrails.values import Call, Caller, Decision, Origin, Outcome


class Log(Protocol):
    """Where decisions are recorded."""

    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None:
        """Keep it, whole. Raises OSError."""
        ...

    def not_sent(self, decision_id: str, why: str, /) -> None:
        """Add to an allowed call that it was not sent after all. Raises OSError."""
        ...


class Surroundings(Protocol):
    """What the pipeline needs from the process around it."""

    def home(self, call: Call, origin: Origin, /) -> Origin:
        """Where to look up what a call acts on."""
        ...

    def caller(self, credentials: Any, /) -> Caller:
        """Who makes a call with these credentials (botocore's object)."""
        ...

    def break_glass(self, now: float, /) -> Mapping[str, Any] | None:
        """`input.break_glass` at `now` (seconds since the epoch)."""
        ...

    def ask(self, decision: Decision, timeout_s: float, /) -> Confirmation:
        """Ask a person to confirm."""
        ...

    def changed(self, call: Call | None, /) -> None:
        """The world may look different from now on, by this call or (None) any other: facts from before are old."""
        ...

    def look_again(self, home: Origin, since: float, /) -> bool:
        """Use no fact of `home` from before `since` (a time of `monotonic`) again; false where it is too soon."""
        ...

    def denied(self, decision: Decision, /) -> None:
        """Report a denial in the log of the program, and remember it if it was on a live cluster."""
        ...

    def warn(self, sentence: str, /) -> None:
        """Write the sentence into the program's log."""
        ...
