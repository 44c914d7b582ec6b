"""What can go wrong at a change of a cutover: a sample of the cells; the command makes them all."""

from __future__ import annotations

import pytest

from tests.process import cutover_failures
from tests.process.cutover_failures import KINDS, ROWS

# One that another host aborts while it stands still, and one after which even the way back is closed for a while.
SAMPLE = [(row, number) for number, row in ((4, ROWS[-1]), (6, ROWS[2]))]


@pytest.fixture(scope="module")
def shop(_server, tmp_path_factory):
    """A shop for all cells."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _server.environment().items():
            patch.setenv(name, value)
        _server.reset()
        with cutover_failures.shop(_server, tmp_path_factory.mktemp("shop")) as made:
            yield made
        _server.reset()


@pytest.mark.parametrize(("row", "number"), SAMPLE, ids=lambda value: getattr(value, "title", value))
def test_one_side_always_serves(row, number, shop, tmp_path):
    """Whatever goes wrong at a change, users get somewhere at every request, and all is as before in the end."""
    cell = cutover_failures.measure(row, number, shop, tmp_path)
    assert cell.wrong == []
    assert cell.door.requests > len(cell.door.changes) > number


def test_the_page_has_every_row():
    """The page shows what is promised for each row, and nothing that went wrong."""
    promised = {row.title: dict.fromkeys(KINDS.values(), row.outcome) for row in ROWS}
    found = cutover_failures.PART.text.strip()
    assert found == cutover_failures.table(promised).strip(), "run python -m tests.process.cutover_failures --write"
