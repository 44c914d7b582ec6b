"""Tests with so many cases that a change runs a part of them, and a release all: `--every-case`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest


def left_out(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """The tests that are not run: those of files marked ``every(n)``, and cases of tests marked ``cases(kept)``.

    Those that are run lie evenly among all.
    """
    files, tests = defaultdict(list), defaultdict(list)
    for item in items:
        if item.get_closest_marker("cases"):
            tests[item.nodeid.partition("[")[0]].append(item)
        elif item.get_closest_marker("every"):
            files[item.path].append(item)
    for found in (*files.values(), *tests.values()):
        kept = _kept(found)
        chosen = {number * len(found) // kept for number in range(kept)}
        yield from (item for number, item in enumerate(found) if number not in chosen)


def _kept(found: Sequence[pytest.Item]) -> int:
    """How many of a test's cases, or of a file's tests, are run."""
    cases, every = found[0].get_closest_marker("cases"), found[0].get_closest_marker("every")
    if cases is not None:
        return min(int(cases.args[0]), len(found))
    return -(-len(found) // int(every.args[0])) if every is not None else len(found)
