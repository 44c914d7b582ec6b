"""What ends a process gently goes back instead; on the way back it does nothing, for each change there is needed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def going_back(say: Callable[[str], None], *, already: bool = False) -> Iterator[None]:
    """The first of them raises KeyboardInterrupt inside; those that follow only say that the cutover is going back.

    So does the first one where it is `already`. To be used by the main thread only.
    """
    pressed = int(already)

    def pressed_again(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed == 1:
            raise KeyboardInterrupt
        say("still going back; wait until it is over")

    before = {number: signal.signal(number, pressed_again) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
