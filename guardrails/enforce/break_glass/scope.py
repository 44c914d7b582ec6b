"""What one guard's rules are set aside now: by a `with` in this thread (or task), or by the environment."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import attrs
from attrs import define

from guardrails import caller
from guardrails.config.settings import BreakGlassSettings
from guardrails.enforce.break_glass.glass import ENVIRONMENT, Glass, Terms, announce, parse
from guardrails.errors import BreakGlassRefused

_logger = logging.getLogger("guardrails")


@define
class _Broken:
    """A glass and its `with`: whoever copied the context inside (a task, a fork) has this very object."""

    glass: Glass
    pid: int
    inside: bool = True


class SetAside:
    """The glasses that are broken. One in GUARDRAILS_BREAK_GLASS that is refused is told, and every rule applies.

    `refused` is the sentence about that, "" where there is nothing to say.
    """

    def __init__(self, settings: BreakGlassSettings, terms: Callable[[], Terms]) -> None:
        """`terms()` says what may be set aside, by the policies as they are at that moment."""
        self._settings = settings
        self._terms = terms
        self._broken: ContextVar[_Broken | None] = ContextVar("guardrails_break_glass", default=None)
        self.refused = ""
        self._given = self._from_environment()
        self._to_announce = self._given

    @contextmanager
    def breaking(self, reason: str, rules: Iterable[str], minutes: float) -> Iterator[Glass]:
        """Rules are set aside inside the `with`, see Guard.break_glass. Raises BreakGlassRefused."""
        now = time.time()
        if self._here(now) is not None:
            raise BreakGlassRefused("one is broken already here; name all rules in one")
        terms = self._terms()
        if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not minutes > 0:
            raise BreakGlassRefused(f"minutes is {minutes!r}, must be a number above 0")
        # Far more than is allowed, but a time that can be told.
        glass = terms.glass(reason, rules, now + min(minutes, 1e6) * 60, now, "code")
        self._announce(glass)
        broken = _Broken(glass, os.getpid())
        token = self._broken.set(broken)
        try:
            yield glass
        finally:
            broken.inside = False
            # A generator may end in another context than it began in.
            with suppress(ValueError):
                self._broken.reset(token)

    def document(self, now: float) -> dict[str, Any] | None:
        """`input.break_glass` for a call at `now`."""
        glass = self.glass(now)
        return None if glass is None else glass.document()

    def glass(self, now: float) -> Glass | None:
        """What is set aside here at `now`; the time of a glass ends it even inside its `with`."""
        here, given = self._here(now), self._given if self._given is not None and now < self._given.until else None
        if here is not None and given is not None:
            return here.with_other(given)
        return here or given

    def announce(self) -> None:
        """Say, once, that the environment sets rules aside, where it does."""
        glass, self._to_announce = self._to_announce, None
        if glass is not None:
            self._announce(glass)

    def _here(self, now: float) -> Glass | None:
        broken = self._broken.get()
        if broken is None or not broken.inside or broken.pid != os.getpid() or not now < broken.glass.until:
            return None
        return broken.glass

    def _from_environment(self) -> Glass | None:
        given = os.environ.get(ENVIRONMENT)
        if not given:
            return None
        try:
            return parse(given, self._terms(), time.time())
        except BreakGlassRefused as error:
            self.refused = f"{ENVIRONMENT} is refused: {error.why}. Every rule applies."
            _logger.warning("%s", self.refused)
            return None

    def _announce(self, glass: Glass) -> None:
        announce(glass, attrs.asdict(caller.describe(None)), self._settings.command)
