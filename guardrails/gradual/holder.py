"""Whose loop goes through a list: in a notebook, an interrupted loop stays in memory with its file and its lock."""

from __future__ import annotations

import gc
import inspect
import os
import sys
from types import CodeType, FrameType
from typing import Any

from attrs import field, frozen

# With these, a loop may go on although no thread is in it.
_SWITCHES = ("gevent", "eventlet")
_COROUTINE = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE


@frozen
class Holder:
    """The code that took the last item, "" where no item was taken yet.

    The frame is known by its number: a reference to it would keep all its variables, and the list itself, in memory.
    """

    pid: int = field(factory=os.getpid)
    frame: int | None = None
    code: CodeType | None = None
    may_wait: bool = False

    @classmethod
    def of(cls, frame: FrameType | None) -> Holder:
        """The function that asks for the next item, perhaps through generators such as progress bars."""
        while frame is not None and frame.f_code.co_flags & inspect.CO_GENERATOR and frame.f_back is not None:
            frame = frame.f_back
        if frame is None:
            return cls()
        return cls(os.getpid(), id(frame), frame.f_code, may_wait=bool(frame.f_code.co_flags & _COROUTINE))

    @property
    def is_gone(self) -> bool:
        """Whether its loop was left: no thread of this process is in the function that went through the list."""
        if self.code is None:
            return True
        if self.pid != os.getpid() or self.may_wait or any(name in sys.modules for name in _SWITCHES):
            return False
        return not any(self._is_in(frame) for frame in sys._current_frames().values())

    @property
    def place(self) -> str:
        """``ops.py, in retire``."""
        return "" if self.code is None else f"{os.path.basename(self.code.co_filename)}, in {self.code.co_name}"

    def _is_in(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if id(frame) == self.frame and frame.f_code is self.code:
                return True
            frame = frame.f_back
        return False


def others(kind: type[Any]) -> list[Any]:
    """Every object of a kind in this process, also those that only a traceback keeps."""
    return [each for each in gc.get_objects() if type(each) is kind]
