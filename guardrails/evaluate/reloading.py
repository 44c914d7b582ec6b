"""Policies that are edited take effect in running processes; an edit that does not load changes nothing."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from guardrails.config.settings import Settings
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import Evaluation

_logger = logging.getLogger("guardrails")
# By file: size and time of its last change (ns). A file that vanishes changes this, too.
_Stamps = Mapping[str, tuple[int, int]]


@frozen
class _InForce:
    """An engine, when it was made (seconds since the epoch), and why what is on disk now does not load ("" if it does).

    One value, exchanged at once, so that a thread never sees half of a reload.
    """

    engine: EmbeddedEngine
    loaded_at: float
    behind: str = ""


class ReloadingEngine:
    """The embedded engine, made anew when the files of its policies or of the configuration have changed.

    Files are looked at when a decision is made, every `interval_s` seconds at most, and left alone until they have
    been still for `settle_s` seconds: a save in several steps is not half a policy. The caller that notices compiles
    (some 50 ms), all others go on with what is there. An edit that does not load (it is broken, or would allow the
    accident) is reported once to the logger ``guardrails``, and the policies before it stay in force.
    """

    def __init__(
        self,
        settings: Settings,
        make: Callable[[Settings], EmbeddedEngine],
        again: Callable[[Settings], Settings],
        watched: Callable[[Settings], Iterator[Path]],
        *,
        interval_s: float = 2.0,
        settle_s: float = 0.5,
    ) -> None:
        """`make` compiles, `again` reads the configuration anew, `watched` lists the files. Raises as `make` does."""
        self._settings, self._make, self._again, self._watched = settings, make, again, watched
        self._interval_s, self._settle_s = interval_s, settle_s
        # Before the files are read: an edit meanwhile is then seen later, not lost.
        self._seen = self._stamps()
        self._in_force = _InForce(make(settings), time.time())
        self._next = time.monotonic() + interval_s
        self._pending: _Stamps | None = None
        self._lock, self._pid = threading.Lock(), os.getpid()

    @property
    def revision(self) -> str:
        """The revision of the policies in force."""
        return self._in_force.engine.revision

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation:
        """As EmbeddedEngine.evaluate, with the age of the policies."""
        if time.monotonic() >= self._next:
            self._look()
        now = self._in_force
        return evolve(now.engine.evaluate(document), loaded_at=now.loaded_at, behind=now.behind)

    def _look(self) -> None:
        if self._pid != os.getpid():
            # A fork may have copied the lock of a thread that this process does not have.
            self._lock, self._pid = threading.Lock(), os.getpid()
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._next = time.monotonic() + self._interval_s
            stamps = self._stamps()
            if stamps == self._seen:
                self._pending = None
            elif self._still(stamps):
                self._seen, self._pending = stamps, None
                self._reload()
            else:
                self._pending = stamps
                self._next = time.monotonic() + self._settle_s
        finally:
            self._lock.release()

    def _still(self, stamps: _Stamps) -> bool:
        """Seen twice alike, or old enough by the clock; a clock that is wrong costs one more look."""
        newest = max((stamp[1] for file, stamp in stamps.items() if self._seen.get(file) != stamp), default=0)
        return stamps == self._pending or (
            stamps.keys() >= self._seen.keys() and time.time() - newest / 1e9 >= self._settle_s
        )

    def _reload(self) -> None:
        before = self._in_force
        try:
            settings = self._again(self._settings)
            made = self._make(settings)
        except Exception as error:
            # Whatever it is, the edit is not in force, and somebody has to know.
            self._in_force = evolve(before, behind=str(error))
            _logger.warning(
                "the policies on disk do not load: %s. Revision %s stays in force until they do.",
                error,
                before.engine.revision,
            )
            return
        other_files = settings.policies != self._settings.policies
        self._settings = settings
        self._in_force = _InForce(made, time.time())
        if other_files:
            self._seen = self._stamps()
        if made.revision != before.engine.revision:
            _logger.info("policies reloaded: revision %s instead of %s", made.revision, before.engine.revision)

    def _stamps(self) -> _Stamps:
        found = {}
        for path in self._watched(self._settings):
            try:
                status = path.stat()
            except OSError:
                continue
            found[str(path)] = status.st_size, status.st_mtime_ns
        return found
