"""The bundles that a configuration fetches: what is in force of each, when it was checked, and what is wrong.

A bundle takes the place of the one before only if it is signed, not signed before that one, and loads together with
everything else of the configuration. Whatever goes wrong, the last verified bundle stays.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from attrs import define

from guardrails.config.policy_settings import RemoteBundle
from guardrails.config.settings import Settings
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.evaluate import bundle_file, signature
from guardrails.evaluate.bundle_file import Contents
from guardrails.evaluate.remote import kept
from guardrails.evaluate.remote.fetch import fetch
from guardrails.evaluate.remote.kept import Fetched
from guardrails.values import frozen
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# Returns the contents of a remote bundle. Raises PolicyError.
Read = Callable[[RemoteBundle], Contents]


@define
class _InForce:
    """A verified bundle, when it was signed, and when it was last found to be the newest (0.0: not known)."""

    fetched: Fetched
    contents: Contents
    signed_at: float
    checked_at: float


@frozen
class Status:
    """A source as people see it. Times in seconds since the epoch, 0.0 where they are not known.

    `held` is whether a verified bundle is in force. `problem` says why the newest bundle is not; `refused` is True
    where it was fetched and is not good.
    """

    source: str
    held: bool
    revision: str
    signed_at: float
    checked_at: float
    problem: str
    refused: bool


class Sources:
    """The fetched bundles of one configuration, in memory and on disk. Threads share it.

    `generation` counts the bundles that came into force.
    """

    def __init__(self, settings: Settings, load: Callable[[Settings, Read], object]) -> None:
        """`load` tries whether the policies load with the bundles that the function it gets returns."""
        self.settings = settings
        self._load = load
        self._in_force: dict[RemoteBundle, _InForce] = {}
        # By source: what is wrong, and whether the bundle was refused.
        self._problems: dict[RemoteBundle, tuple[str, bool]] = {}
        self.generation = 0
        self._lock, self._pid = threading.RLock(), os.getpid()

    def see(self, settings: Settings) -> bool:
        """Use these settings from now on. True where they have a source that was not fetched yet."""
        self.settings = settings
        self._problems = {remote: why for remote, why in [*self._problems.items()] if remote in settings.policies}
        return any(remote not in self._in_force for remote in settings.remote_bundles)

    def contents(self, remote: RemoteBundle) -> Contents:
        """The verified bundle in force; the one on disk where none was fetched yet. Raises PolicyError."""
        found = self._current(remote)
        if found is None:
            why, _ = self._problems.get(remote, (f"{remote}: it was not fetched yet", False))
            raise PolicyError(f"{why}. No bundle that was verified before is kept on this host")
        return found.contents

    def refresh(self, *, ask: bool = False) -> None:
        """Look for new bundles, and take them over if all is well with them. Never raises for what is wrong with one.

        What another process of this user has just found counts, unless `ask`.
        """
        if self._pid != os.getpid():
            # A fork may have copied a lock that was held by a thread which this process does not have.
            self._lock, self._pid = threading.RLock(), os.getpid()
        with self._lock:
            new: dict[RemoteBundle, _InForce] = {}
            for remote in self.settings.remote_bundles:
                found = self._newer(remote, ask=ask)
                if found is not None:
                    new[remote] = found
            if new and self._loads(new):
                for remote, found in new.items():
                    self._take(remote, found)

    def checked_at(self) -> float:
        """When the bundle that was checked least recently was checked; 0.0 where there is none, or it is not known."""
        return min((self._checked_at(remote) for remote in self.settings.remote_bundles), default=0.0)

    def refused(self) -> str:
        """What is wrong with new bundles, "" where nothing is."""
        return "; ".join(why for why, refused in [*self._problems.values()] if refused)

    def problem(self) -> str:
        """What is wrong, whatever it is."""
        return "; ".join(why for why, _ in [*self._problems.values()])

    def status(self) -> Iterator[Status]:
        """Every source."""
        for remote in self.settings.remote_bundles:
            found = self._current(remote)
            revision, signed_at = (found.contents.revision(), found.signed_at) if found else ("", 0.0)
            problem, refused = self._problems.get(remote, ("", False))
            checked_at = self._checked_at(remote)
            yield Status(str(remote), found is not None, revision, signed_at, checked_at, problem, refused)

    def _checked_at(self, remote: RemoteBundle) -> float:
        found = self._in_force.get(remote)
        return found.checked_at if found is not None else kept.checked_at(remote)

    def _current(self, remote: RemoteBundle) -> _InForce | None:
        """The one in force; where this process has none, the one on disk if it is verified."""
        found = self._in_force.get(remote)
        on_disk = kept.read(remote) if found is None else None
        if on_disk is None:
            return found
        try:
            found = self._verified(remote, on_disk, None, kept.checked_at(remote))
        except GuardrailsError as error:
            _logger.debug("the bundle that is kept on this host does not count: %s", error)
            return None
        self._in_force[remote] = found
        return found

    def _newer(self, remote: RemoteBundle, *, ask: bool) -> _InForce | None:
        """Another bundle than the one in force, verified; None where there is none, or something is wrong."""
        current = self._current(remote)
        if not ask and (others := self._found_by_others(remote)) is not None:
            checked_at = kept.checked_at(remote)
            if current is not None and others.digest == current.fetched.digest:
                self._unchanged(remote, current, checked_at)
                return None
            # What another process took for good may be older than what this one has.
            with suppress(GuardrailsError):
                return self._verified(remote, others, current, checked_at)
        return self._at_source(remote, current)

    def _at_source(self, remote: RemoteBundle, current: _InForce | None) -> _InForce | None:
        asked_at = time.time()
        try:
            fetched = fetch(remote, current.fetched.tag if current else "", self.settings.bundle)
        except PolicyError as error:
            self._say(remote, str(error), refused=False)
            return None
        if current is not None and (fetched is None or fetched.digest == current.fetched.digest):
            self._unchanged(remote, current, asked_at)
            return None
        try:
            if fetched is None:
                raise PolicyError(
                    f"{remote}: the source says that nothing changed, but was not asked that; see the server"
                )
            return self._verified(remote, fetched, current, asked_at)
        except GuardrailsError as error:
            self._say(remote, str(error), refused=True)
            return None

    def _unchanged(self, remote: RemoteBundle, current: _InForce, checked_at: float) -> None:
        current.checked_at = max(current.checked_at, checked_at)
        self._noted(remote, checked_at)

    def _found_by_others(self, remote: RemoteBundle) -> Fetched | None:
        """What is on disk, where a process of this user found it to be the newest just now."""
        age_s = time.time() - kept.checked_at(remote)
        most_s = min(self.settings.bundle.poll_s, self.settings.max_bundle_age_s or self.settings.bundle.poll_s)
        return kept.read(remote) if 0 <= age_s < most_s / 2 else None

    def _verified(self, remote: RemoteBundle, fetched: Fetched, before: _InForce | None, checked_at: float) -> _InForce:
        """Raises PolicyError or ConfigError."""
        contents = bundle_file.unpacked(str(remote), fetched.packed)
        key, signed_at = self.settings.policy_key, 0.0
        if key is not None:
            signed_at = signature.verify(contents, key)
        if before is not None and signed_at < before.signed_at:
            when = "was signed before" if signed_at else "does not say when it was signed, unlike"
            raise PolicyError(
                f"{remote}: it {when} the bundle in force (revision {before.contents.revision()}), so it may be an old "
                "one that was put back; if it is meant, build and sign it again with guardrails policy build"
            )
        return _InForce(fetched, contents, signed_at, checked_at)

    def _loads(self, new: Mapping[RemoteBundle, _InForce]) -> bool:
        def read(remote: RemoteBundle) -> Contents:
            return new[remote].contents if remote in new else self.contents(remote)

        try:
            self._load(self.settings, read)
        except GuardrailsError as error:
            for remote in new:
                self._say(remote, f"{remote}: the new bundle does not load: {error}", refused=True)
            return False
        return True

    def _take(self, remote: RemoteBundle, new: _InForce) -> None:
        self._in_force[remote] = new
        self.generation += 1
        try:
            if kept.read(remote) != new.fetched:
                kept.write(remote, new.fetched)
        except OSError as error:
            _logger.info("the bundle %s cannot be kept for a start without a network: %s", remote, error)
        self._noted(remote, new.checked_at)

    def _noted(self, remote: RemoteBundle, checked_at: float) -> None:
        """All is well with this source."""
        if self._problems.pop(remote, None) is not None:
            _logger.info("the bundle %s is up to date again", remote)
        if checked_at > kept.checked_at(remote):
            kept.note_check(remote)

    def _say(self, remote: RemoteBundle, why: str, *, refused: bool) -> None:
        """Something is wrong: once to the logger."""
        if self._problems.get(remote, ("", False))[0] != why:
            current = self._in_force.get(remote)
            stays = f" Revision {current.contents.revision()} stays in force." if current else ""
            _logger.warning("%s.%s", why, stays)
        self._problems[remote] = why, refused
