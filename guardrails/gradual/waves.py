"""Take things away in waves: a few first, then more, with a pause and a look at health before each.

Google Compute Engine, 2016-04-11: a change that went to all places at once left no one to notice. AWS S3, 2017-02-28:
one command took more machines than anyone meant.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from attrs import frozen

from guardrails.config.settings import Settings
from guardrails.gradual.configured import configured_checks
from guardrails.gradual.looking import HealthCheck, Looking, Waiting
from guardrails.gradual.progress import Progress
from guardrails.health import numbers
from guardrails.process import current

Item = TypeVar("Item")


class WavesStopped(Exception):
    """Before a wave, health was not proved; `left` are the items that were not yielded, `why` what the check said."""

    def __init__(self, left: list[Any], total: int, why: str) -> None:
        super().__init__(
            f"stopped before the next wave with {len(left)} of {total} items left: {why}; find out what is wrong, then "
            "continue with the items in `left`"
        )
        self.left = left
        self.total = total
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.left, self.total, self.why)


@frozen
class Plan:
    """How large waves are, one after the other, and how many seconds lie between."""

    sizes: Sequence[int]
    pause_s: float

    def __attrs_post_init__(self) -> None:
        if not self.sizes:
            raise ValueError("waves(sizes=[]): give at least one size")
        for size in self.sizes:
            numbers.check("waves", "each of sizes", size, 1, whole=True)
        numbers.check("waves", "pause_s", self.pause_s, 0)

    def parts(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        """The items in parts of these sizes; after the last size, all the rest."""
        start = 0
        for size in (*self.sizes, len(items)):
            if start < len(items):
                yield list(items[start : start + size])
            start += size


def waves(
    ids: Iterable[Item],
    *,
    sizes: Sequence[int] | None = None,
    pause_s: float | None = None,
    healthy: HealthCheck | None = None,
    patience_s: float = 0.0,
    on_wait: Waiting | None = None,
    resume: str | os.PathLike[str] | None = None,
    key: Callable[[Item], str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Item]]:
    """Yield lists of the ids: one, then 5, then 25, then all the rest, with a pause and a look at health before each.

        for batch in guardrails.waves(ids):
            ec2.terminate_instances(InstanceIds=batch)

    `sizes` and `pause_s` (seconds between waves) are those of the installed guard's configuration, else the defaults.
    Before each wave, `healthy` and the configured checks must be true; there is no pause before the first. The guard
    looks at the live cluster itself when the call is made. Raises ValueError at once for numbers out of range, and
    WavesStopped when health is not proved within `patience_s` seconds; its `left` has the ids that did not come.
    `on_wait`, `resume` and `key` are as in `guardrails.ramp`: a wave is done once the next one is asked for.
    """
    guard = current()
    settings = guard.settings if guard is not None else Settings()
    if sizes is not None and not isinstance(sizes, Iterable):
        raise ValueError(f"waves(sizes={sizes!r}): give a list of sizes, such as [1, 5, 25]")
    plan = Plan(
        tuple(sizes) if sizes is not None else settings.wave_sizes,
        settings.wave_pause_s if pause_s is None else pause_s,
    )
    numbers.check("waves", "patience_s", patience_s, 0, endless=True)
    checks = configured_checks(settings, *(() if healthy is None else (healthy,)))
    if isinstance(ids, (str, bytes)):
        raise ValueError(f"waves({ids!r}): give a list of ids, not one string")
    everything = list(ids)
    looking = Looking(checks, plan.pause_s, patience_s, on_wait, clock, sleep)
    return _waves(len(everything), Progress(everything, resume, key), plan, looking)


def _waves(total: int, progress: Progress[Item], plan: Plan, looking: Looking) -> Iterator[list[Item]]:
    try:
        left = progress.left
        for number, batch in enumerate(plan.parts(left)):
            if number:
                looking.sleep(plan.pause_s)
            failed = looking.patiently(looking.now(), f"the next wave has {len(batch)} items")
            if failed is not None:
                raise WavesStopped(left, total, failed.why)
            progress.given(sys._getframe().f_back)
            yield batch
            progress.done(batch)
            left = left[len(batch) :]
    finally:
        progress.close()
