"""Several requests side by side, each in a thread with the caller's deadline."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any


def at_once(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the tasks return, in order. All of them end first; then the first error is raised."""
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException | None] = [None] * len(tasks)

    def run(number: int) -> None:
        try:
            results[number] = tasks[number]()
        except BaseException as error:
            errors[number] = error

    threads = []
    for number in range(1, len(tasks)):
        thread = threading.Thread(
            target=contextvars.copy_context().run, args=(run, number), name="guardrails-state", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # No new threads start while the interpreter shuts down.
            run(number)
        else:
            threads.append(thread)
    if tasks:
        run(0)
    for thread in threads:
        thread.join()
    for error in errors:
        if error is not None:
            raise error
    return results
