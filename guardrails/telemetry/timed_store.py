"""A memory that also reports how long its steps take."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, cast

from attrs import evolve

from guardrails.memory import History, Store
from guardrails.telemetry.telemetry import Telemetry


def timed(history: History, telemetry: Telemetry) -> History:
    """The same history, whose store reports each of its steps."""
    store = cast("Store", _Timed(history.store, telemetry))
    pacer = history.pacer and evolve(history.pacer, store=store)
    return evolve(history, store=store, pacer=pacer)


class _Timed:
    def __init__(self, store: Store, telemetry: Telemetry) -> None:
        self._store = store
        self._telemetry = telemetry

    def __getattr__(self, name: str) -> Callable[..., Any]:
        step = getattr(self._store, name)

        @functools.wraps(step)
        def taking_time(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return step(*args, **kwargs)
            finally:
                self._telemetry.stored(name, (time.perf_counter() - started) * 1e3)

        return taking_time
