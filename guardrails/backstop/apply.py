"""Sends a plan's changes. Every call goes through the guard, which lets no protection of a live cluster be weakened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import frozen

from guardrails.backstop.found import Clients
from guardrails.backstop.plan import Change, Plan
from guardrails.errors import CallDenied

Result = Literal["done", "denied", "failed"]


@frozen
class Applied:
    """What became of a change; `why` is the guard's or AWS's answer, "" where it is done."""

    change: Change
    result: Result
    why: str = ""


def apply(plan: Plan, clients: Clients) -> Iterator[Applied]:
    """Send every change, one with each step. One that is denied or fails does not hold up the others.

    What is switched on comes first. `clients` makes a guarded client of a service.
    """
    for change in sorted(plan.changes, key=lambda each: not each.on):
        yield _sent(change, clients)


def _sent(change: Change, clients: Clients) -> Applied:
    try:
        client = clients(change.service)
        methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
        for operation, params in change.calls:
            getattr(client, methods[operation])(**params)
    except CallDenied as error:
        return Applied(change, "denied", error.paragraph)
    except Exception as error:  # whatever stops one change must not hold up the others
        return Applied(change, "failed", str(error))
    return Applied(change, "done")
