"""The failures of a fleet's parts, against every kind of call: no outcome is laxer than what is promised."""

from __future__ import annotations

import pytest

from tests.process import fleet_failures
from tests.process.fleet_failures import (
    APPROVAL,
    BOUND,
    COLUMNS,
    CUTOVER,
    DENIED,
    GLASS,
    HURT,
    LAUNCH,
    ONLY_BACK,
    ORDER,
    OTHER,
    PART_OF_HOST,
    ROWS,
    SENT,
    STARTS,
    WARNED,
)
from tests.support.saved_world import SavedWorlds

STRICTNESS = {**{word: number for number, word in enumerate(ORDER)}, GLASS: 0, ONLY_BACK: 0, STARTS: len(ORDER)}
WORKS = {HURT: BOUND, OTHER: SENT, LAUNCH: BOUND, APPROVAL: SENT, CUTOVER: STARTS}
AWAY = {HURT: DENIED, OTHER: WARNED, LAUNCH: PART_OF_HOST, APPROVAL: GLASS, CUTOVER: ONLY_BACK}
ALONE = {**AWAY, HURT: PART_OF_HOST}
FULL = {**dict.fromkeys((HURT, OTHER, LAUNCH, APPROVAL), DENIED), CUTOVER: STARTS}


def promised(title):
    """What is promised for a row: the laxest outcome that each cell may have."""
    if 'fallback = "host"' in title:
        return ALONE
    if title.startswith(("the table", "every answer")):
        return AWAY
    return FULL if "spool" in title else WORKS


@pytest.fixture(scope="module")
def measured(_server, tmp_path_factory):
    """measured(row): its outcomes, from calls that are made once."""
    worlds, folder, found = SavedWorlds(), tmp_path_factory.mktemp("fleet"), {}

    def outcomes(row):
        if row.title not in found:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in _server.environment().items():
                    patch.setenv(name, value)
                found[row.title] = fleet_failures.outcomes(_server, worlds, folder, row)
        return found[row.title]

    yield outcomes
    _server.reset()


# One of each kind, where all would take long.
OFTEN = ("nothing", "the table is unreachable", "every answer", "a process died after its claim", "the decision log")
CASES = [pytest.param(row, marks=() if row.title.startswith(OFTEN) else pytest.mark.tools) for row in ROWS]


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.title)
def test_no_cell_is_laxer(measured, row):
    """Each outcome is at most as lax as promised, and none is stricter: innocent calls pass."""
    found, most = measured(row), promised(row.title)
    assert {each: found[each] for each in COLUMNS if STRICTNESS[found[each]] > STRICTNESS[most[each]]} == {}
    assert found == most


@pytest.mark.tools
def test_the_page_has_this_table(measured):
    """The page shows these outcomes."""
    found = fleet_failures.table({row.title: measured(row) for row in ROWS})
    assert fleet_failures.PART.text.strip() == found.strip(), "run python -m tests.process.fleet_failures --write"
