"""Twelve shops as people have them: what users reach is protected, the rest is free, and users can be moved."""

from __future__ import annotations

import pytest

from tests.topologies import table
from tests.topologies.measure import measure


@pytest.mark.cases(5)
@pytest.mark.parametrize("topology", table.TOPOLOGIES, ids=lambda topology: topology.title)
def test_a_topology(topology, aws, install):
    """Counted at the server: the live side stays, the other may go, users move to it, and then the roles are changed.

    While the window is open the old side stays, and goes after it. Switches to what cannot serve do not arrive. Where
    one page holds the account, a decision waits for one round of answers; the first one behind a balancer for three.
    Names are followed record by record: they take six rounds, then three. The page says what was measured.
    """
    row = measure(topology, aws, install)
    assert table.denied(row.live), row.live
    assert not any(row.other.values()), row.other
    assert row.wrong
    assert table.denied(row.wrong), row.wrong
    assert not any(row.switch), row.switch
    assert len(row.names_after) == 1
    assert table.denied(row.new_live), row.new_live
    assert set(row.window.values()) == {frozenset(["rollback/window"])}
    assert not any(row.after_window.values())
    first, later = {"dns": (6, 3), "eip": (1, 1)}.get(topology.seen_by, (3, 1))
    assert row.first.rounds <= first, row.first
    assert row.later.rounds <= later, row.later
    lines = {*table.table([row]).splitlines()} - {*table.PART.text.splitlines()}
    assert not lines, "run python -m tests.topologies.table"


def test_the_page_has_each_topology():
    """Its two tables have a line for each, and no other."""
    titles = [line.split(" | ")[0].removeprefix("| ") for line in table.PART.text.splitlines() if " | " in line]
    shown = [title for title in titles if title not in ("topology", "---")]
    assert shown == [topology.title for topology in table.TOPOLOGIES] * 2
