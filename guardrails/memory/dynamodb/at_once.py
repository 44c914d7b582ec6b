"""Several requests side by side, each in a thread with the caller's deadline."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any

from guardrails.aws.in_time import OutOfTime
from guardrails.waiting import deadline, threads
from guardrails.waiting.deadline import Deadline

# So many at a time, for the tasks of one caller.
_MOST = 16
# A request ends with the deadline itself; one that does not is looking up a name or credentials.
_GRACE_S = 0.25
_FOREVER_S = 3600.0


def at_once(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the tasks return, in order; the first error is raised when all have ended.

    Raises OutOfTime where one of them has not ended by the deadline; then it goes on, and its result is lost.
    """
    results: list[Any] = []
    for first in range(0, len(tasks), _MOST):
        results += _some(tasks[first : first + _MOST])
    return results


def _some(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException | None] = [None] * len(tasks)

    def run(number: int) -> None:
        try:
            results[number] = tasks[number]()
        except BaseException as error:
            errors[number] = error

    started = []
    for number in range(len(tasks)):
        thread = threading.Thread(
            target=contextvars.copy_context().run, args=(run, number), name="guardrails-state", daemon=True
        )
        try:
            threads.start(thread)
        except RuntimeError:
            # No new threads start while the interpreter shuts down.
            run(number)
        else:
            started.append(thread)
    until = Deadline(deadline.left(_FOREVER_S) + _GRACE_S)
    for thread in started:
        thread.join(until.left())
    for error in errors:
        if error is not None:
            raise error
    if any(thread.is_alive() for thread in started):
        raise OutOfTime("no answer before the deadline (state.timeout_s): a host name or credentials take too long")
    return results
