"""Have a request of aiobotocore judged without blocking its event loop: the decision is made in a thread.

Needs asyncio's loop; under another one (trio) the governed call fails, and nothing is sent.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from guardrails.intercept.judge import Case, Judge


async def settle(judge: Judge, case: Case) -> None:
    """As `Judge.settle`; the look-ups are made with credentials that were awaited."""
    credentials = await _frozen(getattr(case.signer, "_credentials", None))
    await asyncio.to_thread(judge.settle, case, credentials)


async def after(first: Awaitable[None], then: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for the verdict, then send."""
    await first
    return await then()


async def _frozen(credentials: Any) -> Any:
    if credentials is None:
        return None
    found = credentials.get_frozen_credentials()
    return await found if inspect.isawaitable(found) else found
