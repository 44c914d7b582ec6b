"""The snapshots of a day as one: which machines were lost, and which were only replaced."""

from __future__ import annotations

import pytest

from guardrails.rebuild.machine import Machine
from guardrails.rebuild.merged import merged
from guardrails.rebuild.snapshot import Snapshot


def machine(name, launched_at=0.0, *, role="web", kind="t3.small", image="ami-1", group="", state="running"):
    launch = {"ImageId": image, "InstanceType": kind}
    return Machine(name, "blue", state, "a", "vpc", launch, {"Name": role}, group=group, launched_at=float(launched_at))


def left(*hours):
    """The ids that are to be there, by snapshots of one hour each."""
    snapshots = [Snapshot("1/r", 3600.0 * number, tuple(each)) for number, each in enumerate(hours, 1)]
    return sorted(each.id for each in merged(snapshots, "blue").of("blue"))


OLD, NEW = [machine(f"old-{n}") for n in range(3)], [machine(f"new-{n}", 9000 + n, image="ami-2") for n in range(3)]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        # In the middle of a rolling deployment there are most machines.
        ([OLD, [*OLD, *NEW], NEW], NEW),
        # One by one, never more than before.
        ([OLD, [*OLD[1:], NEW[0]], [OLD[2], *NEW[:2]], NEW], NEW),
        # The last snapshot was taken after a loss.
        ([OLD, OLD, OLD[:1]], OLD),
        # Half of them replaced, then all lost.
        ([OLD, [*OLD[1:], NEW[0]], []], [*OLD[1:], NEW[0]]),
        # Two deployments in a day.
        ([OLD, NEW, [machine(f"newer-{n}", 20_000 + n) for n in range(3)]], [machine(f"newer-{n}") for n in range(3)]),
        # Another one, of another role, came while one was lost.
        ([OLD, [*OLD[1:], machine("db", 9000, role="db")]], [*OLD, machine("db")]),
        # A group replaces its own, of whatever type and name.
        ([[machine("a", group="g", role="1")], [machine("b", 9000, group="g", role="2", kind="m5.large")]],
         [machine("b")]),
    ],
)  # fmt: skip
def test_what_is_to_be_there(hours, expected):
    """What others replaced is left out, what vanished without a replacement is not."""
    assert left(*hours) == sorted(each.id for each in expected)


def test_the_newest_data_of_each_machine():
    """Each machine is as the newest snapshot with it says; a group has its largest size."""
    first = Snapshot("1/r", 1.0, (machine("a"), machine("b", image="ami-1")), {"g": {"desired": 4, "max": 4}})
    second = Snapshot("1/r", 2.0, (machine("b", image="ami-2"), machine("c", 1.5)), {"g": {"desired": 0, "max": 9}})
    after = Snapshot("1/r", 3.0, (machine("b", state="terminated"),), path="last.json")
    made = merged([first, second, after], "blue")
    assert {each.id: each.launch["ImageId"] for each in made.of("blue")} == {"b": "ami-2", "c": "ami-1"}
    assert {each.id for each in made.machines} == {"a", "b", "c"}
    assert (made.taken_at, made.groups["g"]) == (2.0, {"desired": 4, "max": 9})
