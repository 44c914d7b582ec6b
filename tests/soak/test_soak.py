"""The soak in small: what it watches holds, and breaks where the guard does not block."""

from __future__ import annotations

import pytest

from tests.soak import stage
from tests.soak.__main__ import run
from tests.soak.troubles import TROUBLES, Moment, schedule
from tests.soak.verdict import flat, warm

FEW = {"processes": 2, "threads": 2}


def test_a_seed_repeats_the_schedule():
    """The same seed gives the same troubles at the same times, each kind once in a round."""
    first = schedule(7, 1800, 20)
    assert first == schedule(7, 1800, 20)
    assert first != schedule(8, 1800, 20)
    assert {each.name for each in first[: len(TROUBLES)]} == {*TROUBLES}


@pytest.mark.tools
def test_every_invariant_holds(tmp_path):
    """Half a minute of calls and faults: nothing harmful arrives, nothing innocent is refused, nothing is lost."""
    found = {each.what: each for each in run(tmp_path, seed=3, seconds=30, calm_s=4, edits=1, **FEW)}
    # Half a minute is the start of a process, which says nothing about its growth.
    del found["resident kB of the process that was never killed"]
    assert [each for each in found.values() if not each.held] == []


@pytest.mark.tools
def test_a_guard_that_only_warns_is_noticed(tmp_path, monkeypatch):
    """With `mode = "warn"` harmful calls arrive, and the soak says so."""
    monkeypatch.setattr(stage, "FIRST", 'mode = "warn"\npolicies = ["own"]\n')
    found = {each.what: each for each in run(tmp_path, seed=3, seconds=5, calm_s=4, **FEW)}
    assert not found["harmful requests that arrived"].held
    assert not found["harmful calls that did not end as a denial"].held


def test_memory_is_compared_once_all_has_run():
    """What a process takes until each trouble has been there once is no growth; what it takes later is."""
    moments = [Moment("a", 0, 5), Moment("b", 20, 25), Moment("a", 40, 45)]
    assert warm(moments) == 25
    levels = [min(at, 25) for at in range(100)]
    samples = [{"at": float(at), "kb": level} for at, level in enumerate(levels)]
    assert flat(samples, "kb", 1, 25) == ("25 to 25", True)
    assert not flat(samples, "kb", 1, 0)[1]
    leaking = [{"at": float(at), "kb": at} for at in range(100)]
    assert not flat(leaking, "kb", 50, 25)[1]
