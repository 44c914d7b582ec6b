"""An object that stays in memory until the process ends, and is not destroyed at its end either."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


@functools.cache
def holder() -> Callable[[Any], None]:
    """Counts one more reference to an object, which no one will take back."""
    import ctypes  # noqa: PLC0415  (for few programs only)

    return ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
