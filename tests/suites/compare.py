"""What is different about a suite with the guard, and why: test by test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guardrails.values import frozen
from tests.suites.running import Run, run
from tests.suites.suites import KNOWN, Suite

_Notes = Mapping[str, Mapping[str, Any]]
# A command line takes no more.
_MOST_NAMED = 500
DENIED, BY_ITSELF = "the guard denied", "differs between two runs without the guard, too"


@frozen
class Difference:
    """A test that ends otherwise with the guard; `why` is "" where no one knows."""

    test: str
    without: str
    guarded: str
    why: str
    said: str


@frozen
class Comparison:
    """Both runs of a suite, the differences, and how many denied tests pass again where the guard only watches."""

    suite: Suite
    without: Run
    guarded: Run
    differences: tuple[Difference, ...]
    same_in_dryrun: int

    @property
    def denied(self) -> int:
        """How many tests make calls that the guard denies, and end otherwise for that reason."""
        return sum(one.why.startswith(DENIED) for one in self.differences)

    @property
    def unexplained(self) -> list[Difference]:
        """What must be looked into."""
        return [one for one in self.differences if not one.why]

    def reasons(self) -> list[tuple[str, int]]:
        """Each reason without its calls, the most frequent first."""
        return Counter(one.why for one in self.differences).most_common()


def compared(suite: Suite, folder: Path) -> Comparison:
    """Run it without the guard and with it. What differs runs again: without it once more, and with a dry-run guard."""
    without, guarded = run(suite, folder, ""), run(suite, folder, "enforce")
    return judged(suite, folder, without, guarded)


def judged(suite: Suite, folder: Path, without: Run, guarded: Run) -> Comparison:
    """The same for two runs that were made."""
    differing = different(without.tests, guarded.tests)
    open_ones = [test for test in differing if not guarded.tests.get(test, {}).get("denied")]
    again = _again(suite, folder, open_ones, "") if open_ones else {}
    found = tuple(
        Difference(
            test,
            _outcome(without.tests, test),
            _outcome(guarded.tests, test),
            _why(suite, test, without.tests, guarded.tests, again),
            str(guarded.tests.get(test, {}).get("why", ""))[:300],
        )
        for test in differing
    )
    denied = [one.test for one in found if one.why.startswith(DENIED)]
    watched = _again(suite, folder, denied, "dryrun") if denied else {}
    same = sum(_outcome(watched, test) == _outcome(without.tests, test) for test in denied)
    return Comparison(suite, without, guarded, found, same)


def different(without: _Notes, guarded: _Notes) -> list[str]:
    """The ids of tests that end otherwise, or are in one of both runs only."""
    return sorted(test for test in {**without, **guarded} if _outcome(without, test) != _outcome(guarded, test))


def _outcome(notes: _Notes, test: str) -> str:
    return str(notes.get(test, {}).get("outcome", "not run"))


def _why(suite: Suite, test: str, without: _Notes, guarded: _Notes, again: _Notes) -> str:
    if denied := guarded.get(test, {}).get("denied"):
        return f"{DENIED} {', '.join(sorted(set(denied)))}"
    for name, pattern, why in KNOWN:
        if name == suite.name and re.search(pattern, test):
            return why
    return BY_ITSELF if _outcome(again, test) != _outcome(without, test) else ""


def _again(suite: Suite, folder: Path, tests: list[str], mode: str) -> _Notes:
    """These tests alone; where they are too many to name, their files."""
    few = len(tests) <= _MOST_NAMED
    return run(suite, folder, mode, only=tests if few else sorted({test.partition("::")[0] for test in tests})).tests
