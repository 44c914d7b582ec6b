"""guardrails.waves and the file of progress that it shares with guardrails.ramp."""

from __future__ import annotations

import asyncio
import fcntl
import json
import pickle
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from tests.people.test_ramp import INFINITE, NAN, Time


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


WRONG = [
    {"sizes": []}, {"sizes": [0]}, {"sizes": [1.5]}, {"sizes": "15"}, {"sizes": 5}, {"sizes": [True]},
    {"pause_s": -1}, {"pause_s": NAN}, {"pause_s": INFINITE}, {"pause_s": "1"}, {"patience_s": NAN},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_nonsense_is_refused_at_once(wrong):
    """Anything but a number within bounds is an error when waves is called, not when it is iterated."""
    with pytest.raises(ValueError, match=r"^waves\(.*\): .*(number|size)"):
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
    with pytest.raises(ValueError, match=r"another loop of this process .* \(test_in_waves.py, in test_other_files"):
        guardrails.ramp("abc", resume=tmp_path / "progress")


LOOP = """
for item in guardrails.ramp("abcd", interval_s=0, resume=path):
    came.append(item)
    if item == "b":
        raise KeyboardInterrupt
"""


def test_after_ctrl_c_in_a_notebook(tmp_path):
    """The traceback of an interrupted cell keeps its loop; run again, the cell goes on with what was under way."""
    names = {"guardrails": guardrails, "path": tmp_path / "progress", "came": []}
    with pytest.raises(KeyboardInterrupt) as kept:
        exec(LOOP, names)
    exec(LOOP.replace('"b"', '"x"'), names)
    assert names["came"] == [*"ab", *"bcd"]
    old = next(frame for frame, _ in traceback.walk_tb(kept.tb) if frame.f_code.co_name == "<module>")
    assert old.f_globals is names


def test_a_loop_that_was_left_does_not_go_on(tmp_path):
    """Two lists in two variables: the one that was left takes no item again, and says why."""

    def first():
        loop = guardrails.ramp("abc", interval_s=0, resume=tmp_path / "progress")
        return next(loop), loop

    _, loop = first()
    assert list(guardrails.ramp("abc", interval_s=0, resume=tmp_path / "progress")) == [*"abc"]
    with pytest.raises(ValueError, match="another loop of this process goes on with"):
        next(loop)


def test_a_loop_that_goes_on_elsewhere(tmp_path):
    """A loop in another thread, in a coroutine that waits, or in another process keeps its file."""
    path = tmp_path / "progress"
    started, end = threading.Event(), threading.Event()

    def work():
        for _ in guardrails.ramp("a", resume=path):
            started.set()
            end.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    started.wait(30)
    with pytest.raises(ValueError, match="in work"):
        guardrails.ramp("a", resume=path)
    end.set()
    thread.join()

    async def later():
        for _ in guardrails.ramp("ab", resume=tmp_path / "other"):
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def both():
        task = asyncio.ensure_future(later())
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="in later"):
            guardrails.ramp("ab", resume=tmp_path / "other")
        task.cancel()

    asyncio.run(both())
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        code = f"import guardrails; guardrails.ramp('a', resume={str(path)!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another process goes through this list now; wait for it, or end it" in done.stderr


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
