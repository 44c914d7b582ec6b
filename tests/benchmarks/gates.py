"""What the guard's gates take of an ungoverned call: ``python -m tests.benchmarks.gates [--calls N]``.

The processor time of a whole call (overhead.py) differs by several per cent between two runs on a busy machine. Here
two clocks are read within a call: before a gate, and where botocore's own function begins. So the figure is the time
of the gate alone, with caches as a call leaves them; alone in a loop, gates take a quarter of it. What the clocks take
is measured in another process, which has the clocks and no guard, and subtracted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import botocore.auth
import botocore.client
import botocore.endpoint
import botocore.signers
from botocore.httpsession import URLLib3Session

from tests.benchmarks import overhead

_OWNERS = (
    (botocore.client.BaseClient, "_make_api_call"),
    (botocore.endpoint.Endpoint, "make_request"),
    (botocore.signers.RequestSigner, "sign"),
    (botocore.auth.SigV4Auth, "add_auth"),
    (URLLib3Session, "send"),
)
_WARM = 300


class _Clock:
    """Around one function of botocore: `inside` goes in before the guard does, `outside` after it."""

    def __init__(self, owner: Any, name: str) -> None:
        self._owner, self._name = owner, name
        self._began = 0
        self.took: list[int] = []
        self._put(self._inside)

    def outside(self) -> None:
        self._put(self._outside)

    def _put(self, around: Callable[[Any], Any]) -> None:
        setattr(self._owner, self._name, around(vars(self._owner)[self._name]))

    def _inside(self, function: Any) -> Any:
        def inside(*args: Any, **kwargs: Any) -> Any:
            self.took.append(time.perf_counter_ns() - self._began)
            return function(*args, **kwargs)

        return inside

    def _outside(self, function: Any) -> Any:
        def outside(*args: Any, **kwargs: Any) -> Any:
            self._began = time.perf_counter_ns()
            return function(*args, **kwargs)

        return outside


def work(variant: str, calls: int) -> None:
    """Print for each call of overhead.py the us of each gate, the clocks included."""
    URLLib3Session.send = overhead._stub  # type: ignore[method-assign,assignment]
    clocks = [_Clock(owner, name) for owner, name in _OWNERS]
    overhead.VARIANTS[variant]()
    made = overhead._made()
    for clock in clocks:
        clock.outside()
    for call in made.values():
        for _ in range(min(_WARM, calls)):
            call()
        for clock in clocks:
            clock.took.clear()
        for _ in range(calls):
            call()
        print(*(statistics.median(clock.took) / 1000 for clock in clocks), flush=True)


def _measured(variant: str, calls: int) -> list[list[float]]:
    command = [sys.executable, "-m", "tests.benchmarks.gates", "--worker", variant, "--calls", str(calls)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [[float(word) for word in line.split()] for line in out.splitlines()]


def measure(calls: int) -> dict[str, list[float]]:
    """The us of each gate, by call; the guard's processes are between those without it."""
    bare, guarded, again = (_measured(variant, calls) for variant in ("bare", "guardrails", "bare"))
    clocks = [[min(pair) for pair in zip(*rows, strict=True)] for rows in zip(bare, again, strict=True)]
    names = [f"{service} {method}" for service, method in overhead.CALLS]
    return {
        name: [gate - clock for gate, clock in zip(row, without, strict=True)]
        for name, row, without in zip(names, guarded, clocks, strict=True)
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=1500)
    options.add_argument("--worker", choices=overhead.VARIANTS, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        work(given.worker, given.calls)
        return
    for name, gates in measure(given.calls).items():
        each = ", ".join(f"{gate} {took:.1f}" for (_, gate), took in zip(_OWNERS, gates, strict=True))
        print(f"{name}: {sum(gates):.1f} us ({each})", flush=True)


if __name__ == "__main__":
    main()
