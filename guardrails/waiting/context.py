"""Context variables that have a value for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def having(variable: ContextVar[T], value: T) -> Iterator[None]:
    """The variable has this value inside, and its old one afterwards."""
    before = variable.get()
    try:
        # Inside: another thread may put an exception in after any call.
        variable.set(value)
        yield
    finally:
        variable.set(before)
