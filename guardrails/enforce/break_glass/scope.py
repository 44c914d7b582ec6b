"""Which rules are set aside right now: by a `with` in this thread (or task), or by the environment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import attrs
from attrs import define

from guardrails import caller
from guardrails.config.settings import BreakGlassSettings
from guardrails.enforce.break_glass.grant import ENVIRONMENT, BreakGlass, Terms, announce, parse
from guardrails.enforce.break_glass.shown import Post, ShownElsewhere
from guardrails.errors import BreakGlassRefused
from guardrails.system.readable import readable
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


@define
class _Block:
    """A `with` and its glass. A copy of the context (in a task, a fork) holds the same object."""

    glass: BreakGlass
    pid: int
    open: bool = True


class BreakGlassScope:
    """The glass that is broken here. A refused GUARDRAILS_BREAK_GLASS is reported, and every rule applies.

    `refused` is the sentence about that, "" where there is nothing to report.
    """

    def __init__(
        self,
        settings: BreakGlassSettings,
        terms: Callable[[], Terms],
        post: Post | None = None,
        notify: Callable[[str, Mapping[str, Any]], None] = lambda _sentence, _glass: None,
    ) -> None:
        """`terms()` says what may be set aside, by the policies as they are at that moment.

        `post` shows other hosts what is set aside, and returns what ends that; None where there is no place for it.
        `notify` sends notices of it, in words and as `input.break_glass`.
        """
        self._elsewhere = None if post is None else ShownElsewhere(post)
        self._notify = notify
        self._settings = settings
        self._terms = terms
        self._block: ContextVar[_Block | None] = ContextVar("guardrails_break_glass", default=None)
        self.refused = ""
        self._environment = self._from_environment()
        self._unannounced = self._environment

    @contextmanager
    def opening(self, reason: str, rules: Iterable[str], minutes: float) -> Iterator[BreakGlass]:
        """Rules are set aside inside the `with`, see Guard.break_glass. Raises BreakGlassRefused."""
        now = time.time()
        if self._inside(now) is not None:
            raise BreakGlassRefused("the glass is already broken here; name all rules in one `with`")
        terms = self._terms()
        if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not minutes > 0:
            raise BreakGlassRefused(f"minutes is {minutes!r}, must be a number above 0")
        # Far more than is allowed, but still a time that can be printed.
        glass = terms.grant(reason, rules, now + min(minutes, 1e6) * 60, now, "code")
        end = self._announce(glass)
        block = _Block(glass, os.getpid())
        token = self._block.set(block)
        try:
            yield glass
        finally:
            block.open = False
            # A generator may end in another context than it began in.
            with suppress(ValueError):
                self._block.reset(token)
            if block.pid == os.getpid():
                end()

    def document(self, now: float) -> dict[str, Any] | None:
        """`input.break_glass` for a call at `now`."""
        glass = self.current(now)
        return None if glass is None else glass.document()

    def current(self, now: float) -> BreakGlass | None:
        """What is set aside here at `now`. The end of its time counts even inside its `with`."""
        inside = self._inside(now)
        outside = self._environment if self._environment is not None and now < self._environment.until else None
        if inside is not None and outside is not None:
            return inside.with_other(outside)
        return inside or outside

    def announce(self) -> None:
        """Report, once, that the environment sets rules aside, where it does."""
        glass, self._unannounced = self._unannounced, None
        if glass is not None:
            self._announce(glass)

    def _inside(self, now: float) -> BreakGlass | None:
        block = self._block.get()
        if block is None or not block.open or block.pid != os.getpid() or not now < block.glass.until:
            return None
        return block.glass

    def _from_environment(self) -> BreakGlass | None:
        value = os.environ.get(ENVIRONMENT)
        if not value:
            return None
        try:
            return parse(readable(value), self._terms(), time.time())
        except BreakGlassRefused as error:
            self.refused = f"{ENVIRONMENT} is refused: {error.why}. Every rule applies."
            _logger.warning("%s", self.refused)
            return None

    def _announce(self, glass: BreakGlass) -> Callable[[], object]:
        """Returns what ends that other hosts see it."""
        announce(glass, attrs.asdict(caller.describe(None)), self._settings.command)
        self._notify(glass.sentence(), glass.document())
        return _nothing if self._elsewhere is None else self._elsewhere.show(glass.document())


def _nothing() -> None:
    """Where no other host sees it, nothing is to be ended."""
