"""What fetched bundles mean for a decision: none when one is too old, and a word about one that was refused."""

from __future__ import annotations

import time
from collections.abc import Mapping

from attrs import evolve

from guardrails.config.settings import Settings
from guardrails.evaluate.engine import EngineFailure, Evaluation
from guardrails.evaluate.remote.poller import Poller
from guardrails.evaluate.remote.sources import Sources
from guardrails.waiting import deadline
from guardrails.waiting.clock import monotonic
from guardrails.waiting.interruptions import wait_for

# A source that does not answer is not asked again by each call in between.
_PAUSE_S = 5.0


class FetchedBundles:
    """The bundles of `sources`, looked for while the process runs."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._poller = Poller(sources.refresh, sources.settings.bundle.poll_s)
        self._next = 0.0

    def generation(self) -> Mapping[str, tuple[int, ...]]:
        """Another value whenever another bundle is in force."""
        return {"fetched bundles": (self._sources.generation, 0)}

    def use(self, settings: Settings) -> None:
        """Fetch the bundles of these settings from now on; a new one soon, off the path of calls."""
        new = self._sources.see(settings)
        if settings.remote_bundles:
            self._poller.ensure()
        if new:
            self._poller.look()

    def check(self) -> None:
        """Before a decision. Raises EngineFailure where a bundle is too old.

        A process that was stopped for a while has not looked meanwhile: it looks before it denies.
        """
        if not self._sources.settings.remote_bundles:
            return
        self._poller.ensure()
        if _too_old(self._sources, time.time()) and monotonic() >= self._next:
            wait_for(self._poller.look(), deadline.left(self._sources.settings.bundle.timeout_s))
            self._next = monotonic() + _PAUSE_S
        if why := _too_old(self._sources, time.time()):
            raise EngineFailure(why)

    def marked(self, answer: Evaluation) -> Evaluation:
        """The answer with when bundles were checked, and why a new one is not in force."""
        behind = answer.behind or self._sources.refused()
        return evolve(answer, behind=behind, checked_at=self._sources.checked_at())


def _too_old(sources: Sources, now: float) -> str:
    """Why bundles are too old to decide by, "" where they are not."""
    limit = sources.settings.max_bundle_age_s
    if limit is None or not sources.settings.remote_bundles:
        return ""
    checked_at = sources.checked_at()
    if checked_at and 0 <= now - checked_at <= limit:
        return ""
    when = f"{now - checked_at:.0f} s ago" if 0 < checked_at <= now else "at an unknown time"
    why = sources.problem() or "nothing is wrong with the source"
    return (
        f"the policies were last checked at their source {when}, and max_bundle_age_s allows {limit:g} s ({why}); make "
        "the source reachable, or raise max_bundle_age_s"
    )
