"""Sends a plan's changes. Every call goes through the guard, which lets no protection of a live cluster be weakened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from attrs import frozen
from botocore.exceptions import ClientError

from guardrails.backstop.found import Clients
from guardrails.backstop.plan import Change, Plan
from guardrails.errors import CallDenied

# Codes of AWS for too many requests, and the pauses between attempts, in seconds.
_THROTTLED = frozenset(("RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"))
_WAITS_S = (1, 2, 4, 8, 8, 8)
Result = Literal["done", "denied", "failed"]


@frozen
class Applied:
    """What became of a change; `why` is the guard's or AWS's answer, "" where it is done."""

    change: Change
    result: Result
    why: str = ""


def apply(plan: Plan, clients: Clients, sleep: Callable[[float], None] = time.sleep) -> Iterator[Applied]:
    """Send every change, one with each step. One that is denied or fails does not hold up the others.

    What is switched on comes first. `clients` makes a guarded client of a service. Where AWS limits the rate, it
    waits with `sleep`, and asks again.
    """
    for change in sorted(plan.changes, key=lambda each: not each.on):
        yield _sent(change, clients, sleep)


def _sent(change: Change, clients: Clients, sleep: Callable[[float], None]) -> Applied:
    try:
        client = clients(change.service)
        methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
        for operation, params in change.calls:
            _call(getattr(client, methods[operation]), params, sleep)
    except CallDenied as error:
        return Applied(change, "denied", error.paragraph)
    except Exception as error:  # whatever stops one change must not hold up the others
        return Applied(change, "failed", str(error))
    return Applied(change, "done")


def _call(method: Callable[..., Any], params: Mapping[str, Any], sleep: Callable[[float], None]) -> None:
    for wait in (*_WAITS_S, None):
        try:
            method(**params)
            return
        except ClientError as error:
            if wait is None or str(error.response["Error"].get("Code")) not in _THROTTLED:
                raise
            sleep(wait)
