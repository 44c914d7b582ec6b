"""What one guard's rules are set aside now: by a `with` in this thread (or task), or by the environment."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import attrs

from guardrails import assembly, caller
from guardrails.errors import BreakGlassRefused
from guardrails.glass import ENVIRONMENT, Glass, announce, parse
from guardrails.settings import Settings

_logger = logging.getLogger("guardrails")


class SetAside:
    """The glasses that are broken. One in GUARDRAILS_BREAK_GLASS that is refused is told, and every rule applies."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._broken: ContextVar[Glass | None] = ContextVar("guardrails_break_glass", default=None)
        self._given = self._from_environment()

    @contextmanager
    def breaking(self, reason: str, rules: Iterable[str], minutes: float) -> Iterator[Glass]:
        """Rules are set aside inside the `with`, see Guard.break_glass. Raises BreakGlassRefused."""
        if self._broken.get() is not None:
            raise BreakGlassRefused("one is broken already here; name all rules in one")
        now = time.time()
        terms = assembly.terms(self._settings)
        if not isinstance(minutes, (int, float)) or not minutes > 0:
            raise BreakGlassRefused(f"minutes is {minutes!r}, must be a number above 0")
        glass = terms.glass(reason, rules, now + minutes * 60, now, "code")
        self._announce(glass)
        token = self._broken.set(glass)
        try:
            yield glass
        finally:
            self._broken.reset(token)

    def document(self, now: float) -> dict[str, Any] | None:
        """`input.break_glass` for a call at `now`; the time of a glass ends it even inside its `with`."""
        glasses = (self._broken.get(), self._given)
        return next((glass.document() for glass in glasses if glass is not None and now < glass.until), None)

    def _from_environment(self) -> Glass | None:
        given = os.environ.get(ENVIRONMENT)
        if not given:
            return None
        try:
            glass = parse(given, assembly.terms(self._settings), time.time())
        except BreakGlassRefused as error:
            _logger.warning("%s is refused: %s. Every rule applies.", ENVIRONMENT, error.why)
            return None
        self._announce(glass)
        return glass

    def _announce(self, glass: Glass) -> None:
        announce(glass, attrs.asdict(caller.describe(None)), self._settings.break_glass.command)
