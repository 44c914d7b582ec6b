"""Tests with so many cases that a change runs a part of them, and a release all: `--every-case`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest


def left_out(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """The cases that are not run, of each test marked ``cases(kept)``; those that are run lie evenly among all."""
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("cases"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for found in tests.values():
        marker = found[0].get_closest_marker("cases")
        kept = min(marker.args[0], len(found)) if marker else len(found)
        chosen = {number * len(found) // kept for number in range(kept)}
        yield from (item for number, item in enumerate(found) if number not in chosen)
