"""Have a request decided on, for aiobotocore without blocking its event loop: the decision is then made in a thread.

Needs asyncio's loop. Under another one (trio) the governed call fails, and nothing is sent.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from guardrails.intercept.judge import Judge
from guardrails.intercept.ticket import PendingRequest


def decide(judge: Judge, pending: PendingRequest | None) -> Awaitable[None] | None:
    """Decide at once, or return what a client of aiobotocore must await first. Raises CallDenied."""
    if pending is None:
        return None
    if inspect.iscoroutinefunction(getattr(pending.signer, "sign", None)):
        return decide_in_thread(judge, pending)
    judge.decide(pending)
    return None


async def decide_in_thread(judge: Judge, pending: PendingRequest) -> None:
    """As `Judge.decide`; the signer's credentials are awaited here, because a thread of ours cannot."""
    credentials = await _frozen(getattr(pending.signer, "_credentials", None))
    # A program without a loop does not pay for importing it.
    await import_module("asyncio").to_thread(judge.decide, pending, credentials)


async def after(first: Awaitable[None], then: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for the decision, then send."""
    await first
    return await then()


async def _frozen(credentials: Any) -> Any:
    if credentials is None:
        return None
    frozen = credentials.get_frozen_credentials()
    return await frozen if inspect.isawaitable(frozen) else frozen
