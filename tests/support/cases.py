"""Which tests a change leaves out, so that CI has an answer in half an hour. A release runs all: `--every-case`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest

# Tests in these folders start whole programs, which take a second each: of every file one test in so many is run.
STARTING_PROGRAMS = {"people": 3, "policy": 3, "process": 3, "rebuild": 3}


def left_out(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """The tests that are not run: those marked ``long``, cases of tests marked ``cases(kept)``, others of a file.

    Of a file in a folder of `STARTING_PROGRAMS`, or marked ``every(n)``, those are run that lie evenly among all.
    """
    files, tests = defaultdict(list), defaultdict(list)
    for item in items:
        if item.get_closest_marker("long"):
            yield item
        elif item.get_closest_marker("cases"):
            tests[item.nodeid.partition("[")[0]].append(item)
        elif _every(item) > 1:
            files[item.path].append(item)
    for found in (*files.values(), *tests.values()):
        kept = _kept(found)
        chosen = {number * len(found) // kept for number in range(kept)}
        yield from (item for number, item in enumerate(found) if number not in chosen)


def _every(item: pytest.Item) -> int:
    """One test in so many of this one's file is run."""
    marked = item.get_closest_marker("every")
    return STARTING_PROGRAMS.get(item.path.parent.name, 1) if marked is None else int(marked.args[0])


def _kept(found: Sequence[pytest.Item]) -> int:
    """How many of a test's cases, or of a file's tests, are run."""
    cases = found[0].get_closest_marker("cases")
    return -(-len(found) // _every(found[0])) if cases is None else min(int(cases.args[0]), len(found))
