"""What the catalogue costs: making it at install(), reading a service's file, and looking an operation up.

python -m tests.benchmarks.catalogue
"""

from __future__ import annotations

import statistics
import time
import timeit

from guardrails.classify.catalogue import Catalogue

_ROUNDS = 20
_CALLS = 200_000
_NOT_GOVERNED = (
    ("sqs", "DeleteQueue"),
    ("ec2", "DescribeInstances"),
    ("ec2", "CreateSubnet"),
    ("s3", "GetObject"),
)


def _ms(run: object) -> float:
    return statistics.median(timeit.repeat(run, number=1, repeat=_ROUNDS)) * 1000


def main() -> None:
    """Measure and print."""
    tail = _ms(lambda: Catalogue(long_tail=True))
    print(f"made at install(): {_ms(Catalogue):.2f} ms; with the long tail: {tail:.2f} ms")
    reading = {key: _ms(lambda key=key: Catalogue().service(key)) for key in sorted(Catalogue().services)}
    worst = max(reading, key=reading.__getitem__)
    print(f"a service's file at its first call: median {statistics.median(reading.values()):.2f} ms")
    print(f"the largest, {worst}: {reading[worst]:.2f} ms")
    catalogue = Catalogue()
    for key, operation in _NOT_GOVERNED:
        catalogue.governs(key, operation)
        started = time.perf_counter()
        for _ in range(_CALLS):
            catalogue.governs(key, operation)
        print(f"lookup of {key}:{operation} (not governed): {(time.perf_counter() - started) / _CALLS * 1e6:.2f} us")


if __name__ == "__main__":
    main()
