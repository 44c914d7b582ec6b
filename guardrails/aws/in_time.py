"""Requests of the guard's own clients end with the deadline that is under way: every page, attempt and piece."""

from __future__ import annotations

from typing import Any

from guardrails.aws.uninstrumented import unwrapped
from guardrails.waiting import deadline, http


class OutOfTime(Exception):
    """The deadline is over, so the next page or attempt is not asked for."""


def end_in_time(client: Any, setting: str) -> None:
    """Let the requests of this client end in time; `setting` is the configuration key that sets the deadline."""

    def check(**_: Any) -> None:
        if not deadline.left(1.0):
            raise OutOfTime(f"no answer before the deadline ({setting})")

    client.meta.events.register("request-created", check)
    session = client._endpoint.http_session
    # A mock may have taken the place of botocore's session.
    pools = http.ending(getattr(session, "_pool_classes_by_scheme", {}))
    for pool in pools.values():
        pool.urlopen = unwrapped(pool.urlopen)
    if pools:
        session._pool_classes_by_scheme = session._manager.pool_classes_by_scheme = pools
