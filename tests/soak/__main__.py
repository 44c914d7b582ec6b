"""Run the soak, say at once what goes wrong, and print what it has shown. Exit code 1 where an invariant broke."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from guardrails.config.load import load
from guardrails.record.upload import Uploader, sink_of, spool_of
from tests.soak import verdict
from tests.soak.stage import Stage, stage
from tests.soak.troubles import RULE, TROUBLES, Moment, schedule
from tests.support.waiting import until

_TICK_S = 0.5


def run(
    folder: Path, *, seed: int, seconds: float, calm_s: float, processes: int, threads: int, edits: int = 0
) -> list[verdict.Finding]:
    """One soak in this empty folder, with the invariants that it watched.

    Before it, policies are edited so many times: what a process keeps of its first loads is no growth.
    """
    with stage(folder, seed, processes, threads) as made:
        until(lambda: _all_work(folder, processes))
        for number in range(edits):
            _edit(made, number)
        start = time.time()
        moments = [*_troubled(made, schedule(seed, seconds, calm_s), start)]
        while time.time() - start < seconds:
            _tick(made)
        made.workers.end()
        made.workers.running.clear()
        _upload_the_rest(folder)
        received = set(made.parts.sink.ids)
    return verdict.findings(folder, moments, start, made.account.harm, made.refused, received)


def _all_work(folder: Path, processes: int) -> bool:
    return len({note["worker"] for note in verdict.notes(folder) if note.get("done")}) >= processes


def _edit(made: Stage, number: int) -> None:
    """Save another policy, and wait until the process that is never killed decides by it."""

    def revision() -> object:
        return [
            note["revision"] for note in verdict.notes(made.folder) if "revision" in note and note["worker"] == "w0-0"
        ][-1]

    before = revision()
    file = made.folder / "own" / "quiet.rego"
    file.write_text(RULE.replace("VALUE", f"number {number}"))
    until(lambda: _tick(made) or revision() != before)


def _troubled(made: Stage, planned: list[Moment], start: float) -> Iterator[Moment]:
    """Make each trouble at its time; when it was really there."""
    for moment in planned:
        while time.time() - start < moment.begins:
            _tick(made)
        began = time.time() - start
        with TROUBLES[moment.name](made.parts):
            while time.time() - start < moment.ends:
                _tick(made)
        ended = time.time() - start
        print(f"{ended:7.1f} s  {moment.name}, for {ended - began:.1f} s", flush=True)
        yield Moment(moment.name, began, ended)


def _tick(made: Stage) -> None:
    made.account.refill()
    made.note_account()
    time.sleep(_TICK_S)


def _upload_the_rest(folder: Path) -> None:
    """What the workers' spool still has when they are ended."""
    with contextlib.chdir(folder):
        settings = load(str(folder / "w0.toml")).log
        spool = spool_of(settings)
        assert spool is not None
        Uploader(spool, sink_of(settings)).upload()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--calm", type=float, default=20, help="seconds between two troubles")
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--threads", type=int, default=8)
    options.add_argument("--edits", type=int, default=20, help="loads of policies before it begins")
    options.add_argument("--keep", help="an empty folder for the files of the run, which are else deleted")
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(given.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        found = run(
            folder, seed=given.seed, seconds=given.minutes * 60, calm_s=given.calm, processes=given.processes,
            threads=given.threads, edits=given.edits,
        )  # fmt: skip
        print()
        for name, count in sorted(verdict.totals(verdict.notes(folder)).items()):
            print(f"{name}: {count}")
    for each in found:
        print(f"{'held  ' if each.held else 'BROKEN'}  {each.what}: {each.figure}")
        for line in each.examples[:5]:
            print(f"        {line}")
    sys.exit(not all(each.held for each in found))


if __name__ == "__main__":
    main()
