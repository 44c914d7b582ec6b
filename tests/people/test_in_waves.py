"""guardrails.waves and the file of progress that it shares with guardrails.ramp."""

from __future__ import annotations

import json
import pickle
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from tests.people.test_ramp import Time


def waves(items, **how):
    """The waves by the time that they came at."""
    time = Time()
    batches = guardrails.waves(items, clock=time.clock, sleep=time.sleep, **how)
    found = {}
    for batch in batches:
        found[time.now] = batch
    return found


def test_a_few_then_more():
    """1, 5, 25, then the rest, 30 s apart, in order."""
    found = waves(range(40))
    assert {at: len(batch) for at, batch in found.items()} == {0: 1, 30: 5, 60: 25, 90: 9}
    assert [item for batch in found.values() for item in batch] == list(range(40))
    assert [len(batch) for batch in waves(range(9), sizes=[2, 3], pause_s=1).values()] == [2, 3, 4]
    assert waves([]) == {}


def test_the_configuration_counts(install):
    """Sizes, pause and checks are those of the installed guard, unless the call says otherwise."""
    install(waves="refuse", wave_sizes=[2], wave_pause_s=7, wave_command=["false"])
    with pytest.raises(guardrails.WavesStopped, match="false ended with exit code 1"):
        waves(list("abcde"))
    guardrails.uninstall()
    install(waves="refuse", wave_sizes=[2], wave_pause_s=7, wave_command=["true"])
    assert list(waves(list("abcde"))) == [0, 7]
    assert list(waves(list("abcde"), sizes=[1], pause_s=1)) == [0, 1]


def test_health_before_each():
    """A check that is not true stops it before the wave, with what is left; patience waits for it."""
    answers = iter([True, True])
    came = []
    batches = guardrails.waves(range(40), pause_s=0, healthy=lambda: next(answers, False))
    with pytest.raises(guardrails.WavesStopped, match="34 of 40 items left: the health check") as caught:
        came.extend(item for batch in batches for item in batch)
    assert came + caught.value.left == list(range(40))
    assert pickle.loads(pickle.dumps(caught.value)).left == caught.value.left
    answers = iter([True, False, False])
    assert list(waves(range(3), healthy=lambda: next(answers, True), patience_s=90)) == [0, 90]


@pytest.mark.parametrize("wrong", [{"sizes": []}, {"sizes": [0]}, {"pause_s": -1}])
def test_nonsense_is_refused_at_once(wrong):
    """Numbers out of range are an error when waves is called, not when it is iterated."""
    with pytest.raises(ValueError, match="at least one size"):
        guardrails.waves([1], **wrong)
    with pytest.raises(ValueError, match="give a list of ids"):
        guardrails.waves("i-0123456789abcdef0")


def killed_after(number, batches):
    """What came of a loop that was killed in the middle of its item or wave of this number."""
    came = []
    for batch in batches:
        came.append(batch)
        if len(came) == number:
            batches.close()
            break
    return came


def test_waves_go_on_after_a_crash(tmp_path):
    """A wave that was under way comes again, and those that were over do not."""
    path = tmp_path / "progress"
    ids = [f"i-{number}" for number in range(10)]
    how = {"pause_s": 0, "resume": path}
    assert [len(batch) for batch in killed_after(2, guardrails.waves(ids, **how))] == [1, 5]
    assert list(guardrails.waves(ids[::-1], **how)) == [ids[:0:-1][:1], ids[:0:-1][1:6], ids[:0:-1][6:]]
    assert list(guardrails.waves(ids, **how)) == []


def test_ramp_goes_on_after_a_crash(tmp_path):
    """The item under way comes again; a line that was cut off while it was written counts as not done."""
    path = tmp_path / "progress"
    items = [{"task": number} for number in range(5)]
    assert killed_after(3, guardrails.ramp(items, interval_s=0, resume=path)) == items[:3]
    path.write_bytes(path.read_bytes()[:-3])
    assert list(guardrails.ramp(items, interval_s=0, resume=path)) == items[1:]
    assert list(guardrails.ramp(items, interval_s=0, resume=path)) == []


def test_another_list_is_refused(tmp_path):
    """A list with one item more, less, or other is refused at once, with a way forward; nothing is lost."""
    path = tmp_path / "progress"
    killed_after(2, guardrails.ramp("abc", interval_s=0, resume=path))
    before = path.read_bytes()
    for changed in ("abcd", "ab", "abx", "aabc"):
        with pytest.raises(ValueError, match=r"progress of another list.*delete the file to start over"):
            guardrails.ramp(changed, resume=path)
    assert path.read_bytes() == before
    assert list(guardrails.ramp("abc", interval_s=0, resume=path)) == ["b", "c"]


def test_other_files_are_refused(tmp_path):
    """A file of something else is not overwritten, and one in use is not shared."""
    path = tmp_path / "notes"
    for text in ("buy milk\nand bread\n", "buy milk"):
        path.write_text(text)
        with pytest.raises(ValueError, match="not a file of progress"):
            guardrails.ramp("abc", resume=path)
        assert path.read_text() == text
    ramp = guardrails.ramp("abc", interval_s=0, resume=tmp_path / "progress")
    next(ramp)
    with pytest.raises(ValueError, match="another process goes through this list now"):
        guardrails.ramp("abc", resume=tmp_path / "progress")


def test_items_without_a_name(tmp_path):
    """Objects that JSON cannot express need a key."""
    items = [object(), object()]
    with pytest.raises(ValueError, match="give key="):
        guardrails.ramp(items, resume=tmp_path / "progress")
    names = {id(item): str(number) for number, item in enumerate(items)}
    key = lambda item: names[id(item)]
    assert killed_after(2, guardrails.ramp(items, interval_s=0, resume=tmp_path / "p", key=key)) == items
    assert list(guardrails.ramp(items, interval_s=0, resume=tmp_path / "p", key=key)) == items[1:]


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(1, 4), max_size=6))
def test_wherever_it_is_killed(items, kills):
    """However often it is killed: each item is done once, equal ones too, and only what was under way comes twice."""
    done = []
    with tempfile.TemporaryDirectory() as folder:
        for number in (*kills, len(items) + 1):
            came = killed_after(number, guardrails.ramp(items, interval_s=0, start=3, resume=f"{folder}/p"))
            # The last one was under way, unless the loop ended by itself.
            done += came if len(came) < number else came[:-1]
        lines = Path(folder, "p").read_text().splitlines()[1:]
    assert sorted(done) == sorted(items)
    assert sorted(map(json.loads, map(json.loads, lines))) == sorted(items)
