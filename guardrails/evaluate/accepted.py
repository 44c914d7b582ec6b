"""Policies that may guard: they load, and deny what they must. `install()` and `guardrails policy check` ask here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from guardrails.evaluate import bundle, own_rules, self_test
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import EmbeddedEngine


def engine(read: Bundle, check: Callable[[Bundle], Bundle] | None = None) -> EmbeddedEngine:
    """The embedded engine with these policies. Raises PolicyError where it refuses them, or they allow the accident.

    `check` is what makes the bundle ready for the engine: `embedded.compiled` by default.
    """
    made = EmbeddedEngine(read, check)
    self_test.check(made, time.time(), bundle.params_of(read).get("enforcement", {}))
    return made


def check(folders: Iterable[Path]) -> None:
    """Raise PolicyError for the first reason why the shipped policies with those of `folders` may not guard."""
    own = [*folders]
    read = bundle.read((bundle.shipped(), *own))
    own_rules.check(read, own)
    engine(read).forget()
