"""A clock that nobody sets, for the age of evidence and decisions."""

from __future__ import annotations

import time

# Windows has only this one. It is taken before anyone can replace it.
_monotonic = time.monotonic


def monotonic() -> float:
    """Seconds since some moment, the same for all processes of this host since it started.

    Not time.monotonic(), which libraries that freeze the time in tests replace: evidence would never grow old.
    """
    return time.clock_gettime(time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else _monotonic()
