"""Edited policies take effect in running processes; an edit that does not load changes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import evolve

from guardrails.config.settings import Settings
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import Evaluation
from guardrails.show.sentences import sentence
from guardrails.values import frozen
from guardrails.waiting.clock import monotonic
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# By file: size in bytes, time of the last change in ns, and more that changes with it: a copy may keep those two. A
# deleted file changes it, too.
_Stamps = Mapping[str, tuple[int, ...]]
# After an edit that does not load: its cause may go without a trace in the files.
_AGAIN_S = 10.0


class Fetched(Protocol):
    """The bundles that are fetched: remote/in_force.py."""

    def generation(self) -> _Stamps: ...

    def check(self) -> None: ...

    def marked(self, answer: Evaluation) -> Evaluation: ...


@frozen
class _InForce:
    """An engine, when it was made (seconds since the epoch), and why the files on disk do not load ("" if they do).

    One value, replaced as a whole, so that a thread never sees half a reload.
    """

    engine: EmbeddedEngine
    loaded_at: float
    behind: str = ""


class ReloadingEngine:
    """The embedded engine, compiled again when the files of its policies or of the configuration change.

    Decisions check the files, at most every `interval_s` seconds. A change is loaded once the files have been quiet for
    `settle_s` seconds, so that a save in several steps is not read halfway. The thread that notices compiles (about
    50 ms); the others go on with the old policies. An edit that does not load (it is broken, or would allow the
    accident) is reported once to the logger ``guardrails``, and the old policies stay in force. It is tried again from
    time to time: perhaps only this user could not read a file.
    """

    def __init__(
        self,
        settings: Settings,
        make: Callable[[Settings], EmbeddedEngine],
        reread: Callable[[Settings], Settings],
        watched: Callable[[Settings], Iterator[Path]],
        fetched: Fetched,
        *,
        interval_s: float = 2.0,
        settle_s: float = 0.5,
    ) -> None:
        """`make` compiles, `reread` reads the configuration again, `watched` lists the files.

        Raises as `make` does.
        """
        self._fetched = fetched
        self._settings, self._make, self._reread, self._watched = settings, make, reread, watched
        self._interval_s, self._settle_s = interval_s, settle_s
        # Before the files are read: an edit in between is then noticed later instead of lost.
        self._seen = self._stamps()
        self._in_force = _InForce(make(settings), time.time())
        self._next = monotonic() + interval_s
        self._again = 0.0
        self._pending: _Stamps | None = None
        self._lock, self._pid = threading.Lock(), os.getpid()

    @property
    def revision(self) -> str:
        """The revision of the policies in force."""
        return self._in_force.engine.revision

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation:
        """Like EmbeddedEngine.evaluate, with `loaded_at` and `behind`."""
        self._fetched.check()
        if monotonic() >= self._next:
            self._check_files()
        current = self._in_force
        answer = current.engine.evaluate(document)
        return self._fetched.marked(evolve(answer, loaded_at=current.loaded_at, behind=current.behind))

    def _check_files(self) -> None:
        if self._pid != os.getpid():
            # A fork may have copied a lock that was held by a thread which this process does not have.
            self._lock, self._pid = threading.Lock(), os.getpid()
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._next = monotonic() + self._interval_s
            stamps = self._stamps()
            if stamps == self._seen:
                self._pending = None
                if self._in_force.behind and monotonic() >= self._again:
                    self._reload()
            elif self._settled(stamps):
                self._seen, self._pending = stamps, None
                self._reload()
            else:
                self._pending = stamps
                self._next = monotonic() + self._settle_s
        finally:
            self._lock.release()

    def _settled(self, stamps: _Stamps) -> bool:
        """Unchanged since the last check, or old enough by the clock; a wrong clock costs one more check."""
        newest = max((stamp[1] for file, stamp in stamps.items() if self._seen.get(file) != stamp), default=0)
        return stamps == self._pending or (
            stamps.keys() >= self._seen.keys() and time.time() - newest / 1e9 >= self._settle_s
        )

    def _reload(self) -> None:
        before = self._in_force
        try:
            settings = self._reread(self._settings)
            engine = self._make(settings)
        except Exception as error:
            # Whatever it is, the edit is not in force, and someone has to know.
            self._in_force = evolve(before, behind=str(error))
            self._again = monotonic() + _AGAIN_S
            if str(error) != before.behind:
                _logger.warning(
                    "the policies on disk do not load: %s Revision %s stays in force until they do.",
                    sentence(str(error)),
                    before.engine.revision,
                )
            return
        other_files = settings.policies != self._settings.policies
        self._settings = settings
        self._in_force = _InForce(engine, time.time())
        if other_files:
            self._seen = self._stamps()
        if engine.revision != before.engine.revision:
            _logger.info("policies reloaded: revision %s replaces %s", engine.revision, before.engine.revision)

    def _stamps(self) -> _Stamps:
        stamps = dict(self._fetched.generation())
        for path in self._watched(self._settings):
            try:
                status = path.stat()
            except OSError:
                continue
            stamps[str(path)] = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        return stamps
