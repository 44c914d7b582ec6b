"""What is under way now, for people: which calls take machines away, on which host, and who makes them."""

from __future__ import annotations

from guardrails.values import frozen


@frozen
class UnderWay:
    """A call does `kind` to `count` machines of a cluster, which have these names as far as they are kept.

    `state` is that of its events, `at` in seconds since the epoch; `by` and `host` are "" where they are not known.
    """

    scope: str
    cluster: str
    kind: str
    names: tuple[str, ...]
    count: int
    at: float
    state: int
    by: str = ""
    host: str = ""
