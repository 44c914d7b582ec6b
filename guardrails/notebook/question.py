"""Ask the person at a notebook: the card of what would be hit, then one line of input."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from IPython.core.error import StdinNotImplementedError

from guardrails.show import html, text
from guardrails.show.section import Page


class NobodyThere(Exception):
    """The notebook is run by a program, which has no one to type something."""


def typed(shell: Any, page: Page, prompt: str, timeout_s: float) -> str | None:
    """What was typed; None when nothing was within `timeout_s` seconds. Raises NobodyThere, KeyboardInterrupt.

    Only in the main thread, which is where a kernel runs its cells.
    """
    shell.display_pub.publish({"text/html": html.card(page), "text/plain": "\n".join(text.lines(page))})
    rung = threading.Event()
    try:
        with _alarm(timeout_s, rung):
            return str(shell.kernel.raw_input(f"{prompt} "))
    except StdinNotImplementedError as error:
        raise NobodyThere("this notebook is run without input") from error
    except EOFError:
        return ""
    except KeyboardInterrupt:
        if rung.is_set():
            return None
        raise


@contextmanager
def _alarm(seconds: float, rung: threading.Event) -> Iterator[None]:
    """Interrupt after so many seconds, and set `rung` then; an alarm that was set before is put back."""

    def ring(_: int, __: FrameType | None) -> None:
        rung.set()
        # The only exception that ipykernel lets out of its wait.
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, before)
