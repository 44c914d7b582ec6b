"""A clock that nobody sets, for the age of evidence and decisions."""

from __future__ import annotations

import time


def monotonic() -> float:
    """Seconds since some moment, the same for all processes of this host since it started.

    Not time.monotonic(), which libraries that freeze the time in tests replace: evidence would never grow old.
    """
    return time.clock_gettime(time.CLOCK_MONOTONIC)
