"""Ask the person at a notebook: show the card of what would be hit, then read one line of input."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.error import StdinNotImplementedError

from guardrails.enforce.confirm.who_can_answer import NoOneThere
from guardrails.show import html, text
from guardrails.show.page import Page
from guardrails.waiting.clock import monotonic

_UNANSWERED = "_guardrails_unanswered"


def typed(shell: Any, page: Page, prompt: str, timeout_s: float) -> str | None:
    """What was typed; None when nothing was typed within `timeout_s` seconds. Raises NoOneThere, KeyboardInterrupt.

    Only in the main thread, which is where a kernel runs its cells.
    """
    if isinstance(shell.display_pub, CapturingDisplayPublisher):
        raise NoOneThere("the output of this cell is captured", "make the call in a cell of its own")
    # The input box of an unanswered question stays; what is typed into it would count as the next answer.
    if getattr(shell, _UNANSWERED, None) == shell.execution_count:
        raise NoOneThere("an earlier question of this cell was not answered", "run the cell again")
    if not hasattr(signal, "setitimer"):
        raise NoOneThere("a question in a notebook needs Linux or macOS", "have a person approve it")
    rung = threading.Event()
    try:
        with _alarm(timeout_s, rung):
            shell.display_pub.publish({"text/html": html.card(page), "text/plain": "\n".join(text.lines(page))})
            return str(shell.kernel.raw_input(f"{prompt} "))
    except StdinNotImplementedError as error:
        raise NoOneThere(
            "this notebook runs without input", "make the call in a notebook that a person uses"
        ) from error
    except EOFError:
        return ""
    except KeyboardInterrupt:
        setattr(shell, _UNANSWERED, shell.execution_count)
        if rung.is_set():
            return None
        raise


@contextmanager
def _alarm(seconds: float, rung: threading.Event) -> Iterator[None]:
    """Interrupt after `seconds` and set `rung`. An alarm that was set before still rings at its time."""

    def ring(_: int, __: FrameType | None) -> None:
        rung.set()
        # The only exception that gets out of ipykernel's wait.
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    began = monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (monotonic() - began)), interval)
