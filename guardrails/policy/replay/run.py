"""Runs a replay in several processes, in order and with little memory, until it is done or interrupted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.policy.replay.decide import decide
from guardrails.policy.replay.log_chunks import LogChunk
from guardrails.policy.replay.tally import ReplayTally
from guardrails.policy.workers import WorkerPool

# Called with the size in bytes of each chunk that is done.
Progress = Callable[[int], None]


class _ReplayWorker:
    """A process of the pool, with its engine."""

    engine: EmbeddedEngine

    @classmethod
    def start(cls, bundle: Bundle) -> None:
        cls.engine = EmbeddedEngine(bundle)

    @classmethod
    def decide(cls, chunk: LogChunk) -> ReplayTally:
        return decide(chunk, cls.engine)


def replay(chunks: Iterable[LogChunk], bundle: Bundle, *, jobs: int, progress: Progress) -> tuple[ReplayTally, bool]:
    """Decide again on every decision in `chunks`; returns the tally, and True if Ctrl-C interrupted it.

    The number of `jobs` does not change the tally. Raises PolicyError if the policies do not load, ConfigError if a
    file cannot be read.
    """
    engine = EmbeddedEngine(bundle)
    total = ReplayTally()
    try:
        if jobs == 1:
            for chunk in chunks:
                total.add(decide(chunk, engine))
                progress(chunk.size)
        else:
            _in_parallel(chunks, bundle, jobs, total, progress)
    except KeyboardInterrupt:
        return total, True
    return total, False


def _in_parallel(chunks: Iterable[LogChunk], bundle: Bundle, jobs: int, total: ReplayTally, progress: Progress) -> None:
    waiting: deque[tuple[int, Future[ReplayTally]]] = deque()

    def take() -> None:
        size, done = waiting.popleft()
        total.add(done.result())
        progress(size)

    with WorkerPool(jobs, _ReplayWorker.start, bundle) as pool:
        for chunk in chunks:
            waiting.append((chunk.size, pool.submit(_ReplayWorker.decide, chunk)))
            if len(waiting) > 3 * jobs:
                take()
        while waiting:
            take()
