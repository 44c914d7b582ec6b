"""Whatever breaks: nothing on the live cluster is sent, what is ungoverned is, and a denial says what to do."""

from __future__ import annotations

import random

import pytest

from tests.faults import at_every_line
from tests.faults.everything import page, rows, running

# A row of each kind, quick ones; `python -m tests.faults.everything` makes all.
SAMPLE = (
    "the quick look at a request raises",
    "reading the request raises",
    "the result is of another type",
    "SQLite file: cut in half",
    "log: disk full (half a line fits)",
    "log: killed in the middle of a line",
)
LINES = 36


@pytest.fixture(scope="module")
def at():
    """An account with both clusters."""
    with running.site() as site:
        yield site


@pytest.mark.parametrize("name", SAMPLE)
def test_a_row(at, name):
    """A fault has the outcomes that the page shows, and calls are decided as before once it is repaired."""
    (row,) = [row for row in rows.ROWS if row.name == name]
    cells = running.run(at, row)
    assert cells.problems == ()
    assert page.line(row, cells) in page.PART.text, "run python -m tests.faults.everything --write"


def test_the_page_has_every_row():
    """The page has these faults and no other ones, by part."""
    shown = [line for line in page.PART.text.splitlines() if line.startswith(("### ", "| ")) and "| --- " not in line]
    names = [line.split(" | ")[0].removeprefix("| ").removeprefix("### ") for line in shown]
    expected = []
    for part in dict.fromkeys(row.part for row in rows.ROWS):
        expected += [part, page.HEAD[0], *(row.name for row in rows.ROWS if row.part == part)]
    assert names == expected, "run python -m tests.faults.everything --write"


def test_what_the_page_promises():
    """On the page, no fault lets a call on the live cluster through, nor disturbs an ungoverned one; none is silent."""
    lines = [line.strip("| ").split(" | ") for line in page.PART.text.splitlines() if line.startswith("| ")]
    for name, live, staging, ungoverned, repaired, sentence in lines:
        if name in (page.HEAD[0], "---"):
            continue
        started = ("denied (", "unavailable", "raises ")
        assert live.startswith(started) or live in page.ENDS, name
        assert ungoverned in (running.SENT, running.NOT_STARTED) or ungoverned.endswith("as without the guard"), name
        assert repaired == running.AFTERWARDS, name
        assert staging == running.SENT or sentence != page.SILENT or staging in page.ENDS, name


@pytest.fixture(scope="module")
def interrupted():
    """An account and an installed guard, in which single lines raise."""
    with at_every_line.site() as site:
        lines = [(cluster, line) for cluster in ("live", "staging") for line in at_every_line.lines(site, cluster)]
        assert len(lines) > 2000
        chosen = random.Random(7).sample(lines, LINES)
        yield [
            at_every_line.attempt(site, cluster, line, at_every_line.KINDS[number % len(at_every_line.KINDS)])
            for number, (cluster, line) in enumerate(chosen)
        ]


def test_an_exception_at_any_line(interrupted):
    """No line leaves a call sent undecided, a lock held, or a signal handler held back; the next calls are decided."""
    assert [outcome for outcome in interrupted if outcome.problems] == []
    words = {outcome.word.partition(":")[0] for outcome in interrupted}
    assert {"unavailable", "KeyboardInterrupt", "Injected"} <= words
