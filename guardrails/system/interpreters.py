"""Python's subinterpreters: each has modules of its own, so that what is replaced in one is not in another."""

from __future__ import annotations

import importlib
from typing import Any

# The newer name, and that of 3.11 and 3.12.
_MODULES = ("_interpreters", "_xxsubinterpreters")


def is_main() -> bool:
    """False in a subinterpreter."""
    for name in _MODULES:
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue
        return bool(_number(module.get_current()) == _number(module.get_main()))
    return True


def _number(known: Any) -> int:
    # Since 3.13 with what made it.
    return int(known[0] if isinstance(known, tuple) else known)
