"""What the soak has shown: each invariant with its figure, from what arrived, what the workers noted, and the log."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.soak.account import SETTLED_S
from tests.soak.troubles import Moment

# Calls that are decided on need facts; for so long after a trouble they may still have none: a look-up that began in it
# (`lookup_timeout_s`) and what is kept of it (`max_fact_age_s`).
BACK_S = 15.0
# They harm only the side that serves when they arrive.
SIDE_BY_SIDE = frozenset({"retags", "forgets_the_tag", "takes_the_address", "releases"})
# These take no facts away.
NOT_BLINDING = frozenset({"sink down", "policy broken", "policy edited", "policy emptied", "process killed", "cutover"})


@frozen
class Finding:
    """One invariant: whether it held, and the figure."""

    what: str
    figure: str
    held: bool
    examples: tuple[str, ...] = ()


def notes(folder: Path) -> Iterator[dict[str, Any]]:
    """What the workers noted, with the worker's name."""
    for file in sorted(folder.glob("w*.jsonl")):
        for line in file.read_text().splitlines():
            yield {"worker": file.stem, **json.loads(line)}


def _beside(moments: Iterable[Moment], note: Mapping[str, Any], start: float, after_s: float) -> bool:
    """Whether a call was under way during one of them or so long after it."""
    began, ended = note["began"] - start, note["began"] + note["took"] - start
    return any(began < moment.ends + after_s and ended > moment.begins for moment in moments)


def blinded(moments: Iterable[Moment], note: Mapping[str, Any], start: float) -> bool:
    """Whether facts may have been missing while a call was under way; `start` is in seconds since the epoch."""
    return _beside((moment for moment in moments if moment.name not in NOT_BLINDING), note, start, BACK_S)


def unsettled(moments: Iterable[Moment], note: Mapping[str, Any], start: float) -> bool:
    """Whether a call did no harm to who served when it arrived, as the account judges it: beside a cutover."""
    cutovers = (moment for moment in moments if moment.name == "cutover")
    return note["call"] in SIDE_BY_SIDE and _beside(cutovers, note, start, SETTLED_S)


def refusals(found: Iterable[Mapping[str, Any]], moments: list[Moment], start: float) -> list[str]:
    """Calls that were refused or failed although nothing stood against them."""
    return [
        f"{note['worker']} {note['call']} {note['outcome']} at {note['began'] - start:.1f} s: {note['said']}"
        for note in found
        if note["kind"] == "ungoverned" or (note["kind"] == "innocent" and not blinded(moments, note, start))
    ]


def warm(moments: Iterable[Moment]) -> float:
    """When each trouble of the run has been there once, in seconds: until then, new code runs and stays in memory."""
    first: dict[str, float] = {}
    for moment in moments:
        first.setdefault(moment.name, moment.ends)
    return max(first.values(), default=0.0)


def flat(samples: list[Mapping[str, Any]], name: str, slack: float, warm_at: float) -> tuple[str, bool]:
    """The median of a figure in a tenth of the run from `warm_at` on and in the last one, and whether it did not grow.

    `warm_at` is in seconds since the epoch. A run that ends before that is compared from its second tenth on.
    """
    part = max(1, len(samples) // 10)
    later = [each for each in samples if each["at"] >= warm_at]
    first = later if len(later) >= 2 * part else samples[part:]
    early = statistics.median(each[name] for each in first[:part] or samples)
    late = statistics.median(each[name] for each in samples[-part:])
    return f"{early:g} to {late:g}", late <= early + slack


def totals(found: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many calls of each kind had which outcome, of all workers."""
    last: dict[str, Mapping[str, int]] = {}
    for note in found:
        if note["kind"] == "sample":
            last[note["worker"]] = note["done"]
    return sum((Counter(each) for each in last.values()), Counter())


def missing(folder: Path, received: set[str]) -> tuple[int, int]:
    """How many decisions of the log did not arrive at the sink, of how many."""
    # The log is rotated: the older lines have a file of their own.
    files = [file for file in folder.glob("decisions.jsonl*") if file.suffix in (".jsonl", ".1")]
    recorded = {json.loads(line)["decision_id"] for file in files for line in file.read_text().splitlines()}
    return len(recorded - received), len(recorded)


def _cutovers(refused: list[list[str]]) -> Finding:
    """Whether each went through at the second try.

    The first may meet a call for the new side's machines. Until that is denied, they count as going.
    """
    stuck = [said for tries in refused if len(tries) > 1 for said in tries]
    once = sum(len(tries) == 1 for tries in refused)
    return Finding(
        "cutovers that a second try did not finish",
        f"{sum(len(tries) > 1 for tries in refused)} of {len(refused)}, and {once} by a second one",
        not stuck,
        tuple(stuck),
    )


def findings(
    folder: Path, moments: list[Moment], start: float, harm: list[str], refused: list[list[str]], received: set[str]
) -> list[Finding]:
    """Every invariant. `refused` has what refused the tries of each cutover."""
    found = [*notes(folder)]
    done = totals(found)
    wrong = refusals(found, moments, start)
    sent = [note for note in found if note["kind"] == "harmful"]
    allowed = [note for note in sent if not unsettled(moments, note, start)]
    samples = (note for note in found if note["kind"] == "sample" and note["at"] >= start)
    steady = [note for note in samples if note["worker"].startswith("w0-")]
    lost, recorded = missing(folder, received)
    harmful = sum(count for name, count in done.items() if name.startswith("harmful"))
    kinds = [
        Finding("harmful requests that arrived", f"{len(harm)} of {harmful} calls", not harm, tuple(harm)),
        Finding(
            "harmful calls that did not end as a denial",
            f"{len(allowed)}, and {len(sent) - len(allowed)} beside a cutover",
            not allowed,
            tuple(map(str, allowed)),
        ),
        Finding(
            "calls refused with nothing against them",
            f"{len(wrong)} of {done.total() - harmful}",
            not wrong,
            tuple(wrong),
        ),
        _cutovers(refused),
        Finding("decisions recorded that did not reach the sink", f"{lost} of {recorded}", not lost and recorded > 0),
    ]
    for name, title, slack in (
        ("kb", "resident kB of the process that was never killed", 8_000), ("handles", "its open handles", 8),
        ("threads", "its threads", 4),
    ):  # fmt: skip
        figure, held = flat(steady, name, slack, start + warm(moments))
        kinds.append(Finding(title, figure, held))
    return kinds
