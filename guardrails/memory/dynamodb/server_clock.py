"""The time by AWS's clock, so that hosts whose clocks differ count in the same windows."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

# A clock that is wrong by more is an error on the host, which signing would refuse soon, too.
MOST_S = 30.0


class ServerClock:
    """How far AWS's clock is ahead of this host's, narrowed down by the `Date` of every answer, in whole seconds."""

    def __init__(self) -> None:
        self._least, self._most = -math.inf, math.inf
        # Reentrant: a signal handler may make a governed call in the middle.
        self._lock = threading.RLock()

    def answered(self, headers: Mapping[str, str], asked_at: float, answered_at: float) -> None:
        """An answer with these headers came at `answered_at`, by this host's clock. Raises ValueError if undated."""
        date = headers.get("date")
        if date is None:
            raise ValueError("the answer has no Date header")
        second = parsedate_to_datetime(date).timestamp()
        least, most = second - answered_at, second + 1.0 - asked_at
        with self._lock:
            if max(least, self._least) > min(most, self._most):
                # One of the clocks was set meanwhile.
                self._least, self._most = least, most
            else:
                self._least, self._most = max(least, self._least), min(most, self._most)

    @property
    def ahead_s(self) -> float:
        """Seconds to add to this host's clock; 0.0 where that is as good as any other figure."""
        if self._least <= 0.0 <= self._most:
            return 0.0
        return (self._least + self._most) / 2
