"""Run a replay in several processes, in order and with little in memory, until it is done or interrupted."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.policy.replay.deciding import decide
from guardrails.policy.replay.recorded import Piece
from guardrails.policy.replay.tally import Tally

# Called with the bytes that are done.
Progress = Callable[[int], None]


class _Worker:
    """The engine of a process of the pool, made once."""

    engine: EmbeddedEngine

    @classmethod
    def start(cls, bundle: Bundle) -> None:
        # Ctrl-C is the parent's business: it stops the pool and keeps what is done.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cls.engine = EmbeddedEngine(bundle)

    @classmethod
    def decide(cls, piece: Piece) -> Tally:
        return decide(piece, cls.engine)


def replay(pieces: Iterable[Piece], bundle: Bundle, *, jobs: int, progress: Progress) -> tuple[Tally, bool]:
    """Decide again on every decision in `pieces`; the tally, and whether it was interrupted (Ctrl-C).

    The same pieces and policies give the same tally, whatever `jobs`. Raises PolicyError for policies that do not load,
    ConfigError for a file that cannot be read.
    """
    engine = EmbeddedEngine(bundle)
    total = Tally()
    try:
        if jobs == 1:
            for piece in pieces:
                total.add(decide(piece, engine))
                progress(piece.size)
        else:
            _side_by_side(pieces, bundle, jobs, total, progress)
    except KeyboardInterrupt:
        return total, True
    return total, False


def _side_by_side(pieces: Iterable[Piece], bundle: Bundle, jobs: int, total: Tally, progress: Progress) -> None:
    # Started anew, not forked: the parent may have threads and a compiled engine.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _Worker.start, (bundle,))
    waiting: deque[tuple[int, Future[Tally]]] = deque()

    def take() -> None:
        size, done = waiting.popleft()
        total.add(done.result())
        progress(size)

    try:
        for piece in pieces:
            waiting.append((piece.size, pool.submit(_Worker.decide, piece)))
            if len(waiting) > 3 * jobs:
                take()
        while waiting:
            take()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
