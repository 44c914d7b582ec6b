"""The page of topologies, from real calls. `python -m tests.topologies.table` writes it."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import guardrails
from guardrails.testing import SimulatedAWS
from tests.support import environments, service_models
from tests.support.generated import Generated
from tests.topologies import behind_listeners, behind_services, by_address
from tests.topologies.measure import LookUps, Row, measure
from tests.topologies.world import Topology

PART = Generated("topologies.md", "topologies", "tests.topologies.table")
_SHOP = ("topology", "seen by", "configuration")
_ADDRESS, _PET, _NAMES = by_address.TOPOLOGIES
_CLASSIC, *_SERVICES = behind_services.TOPOLOGIES
*_LISTENERS, _PODS = behind_listeners.TOPOLOGIES
TOPOLOGIES: tuple[Topology, ...] = (_ADDRESS, *_LISTENERS, _CLASSIC, *_SERVICES, _PODS, _NAMES, _PET)


def table(rows: Iterable[Row]) -> str:
    """A line for each topology: what becomes of calls, and a second table of what the decisions ask AWS."""
    rows = list(rows)
    calls = [
        ["topology", "seen by", "configuration", "live side", "other side", "switch", "wrong switch", "afterwards"]
    ]
    calls += [
        [row.topology.title, f"`{row.topology.seen_by}`", row.topology.configuration, *_cells(row)] for row in rows
    ]
    asked = [["topology", "first decision", "next ones", "rounds on average", "canned in the simulation"]]
    asked += [
        [row.topology.title, _look_ups(row.first), _look_ups(row.later), _mean(row), row.topology.canned or "nothing"]
        for row in rows
    ]
    return f"{_lines(calls)}\n{_lines(asked)}"


def _shop(topology: Topology) -> list[str]:
    return [topology.title, f"`{topology.seen_by}`", topology.configuration]


def _lines(cells: list[list[str]]) -> str:
    head, *rest = cells
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rest))


def _cells(row: Row) -> list[str]:
    arrives = all(not rules for rules in row.switch)
    steps = f"arrives, {len(row.switch)} steps" if len(row.switch) > 1 else "arrives"
    kept = denied(row.new_live) and denied(row.window) and not any(row.after_window.values())
    return [
        _denied(row.live),
        "the same arrive" if not any(row.other.values()) else f"**denied**: {_names(row.other, denied=True)}",
        steps if arrives else f"**denied** ({', '.join(sorted({rule for rules in row.switch for rule in rules}))})",
        _denied(row.wrong),
        "the roles have changed; the old side is kept for the window" if arrives and kept else "",
    ]


def denied(outcomes: Mapping[str, frozenset[str]]) -> bool:
    """Whether none of these calls arrived, and each is denied for a reason and not for want of an answer."""
    return all(rules and rules != {"unavailable"} for rules in outcomes.values())


def _denied(outcomes: Mapping[str, frozenset[str]]) -> str:
    text = f"denied: {_names(outcomes, denied=True)}"
    return text if denied(outcomes) else f"{text}; **arrived**: {_names(outcomes, denied=False)}"


def _names(outcomes: Mapping[str, frozenset[str]], *, denied: bool) -> str:
    return ", ".join(name for name, rules in outcomes.items() if bool(rules) is denied)


def _look_ups(asked: LookUps) -> str:
    rounds = "1 round" if asked.rounds == 1 else f"{asked.rounds} rounds"
    return f"{asked.requests} in {rounds}"


def _mean(row: Row) -> str:
    return f"{sum(asked.rounds for asked in row.each) / len(row.each):.1f}"


def write() -> None:
    """Measure every topology, and put the tables into the page."""
    with SimulatedAWS() as aws, tempfile.TemporaryDirectory() as folder:
        os.environ.update(aws.environment())

        def install(**config: Any) -> guardrails.Guard:
            log = {"path": str(Path(folder, topology.title, "decisions.jsonl"))}
            # Without AWS's limits for reads: near them, answers from before a call are used until they are too old.
            patient = {"max_fact_age_s": 60, "lookup_timeout_s": 60, "pacing": {"enabled": False}}
            return guardrails.install({"log": log, **patient, **config})

        rows = list[Row]()
        for topology in TOPOLOGIES:
            rows += [measure(topology, aws, install)]
    PART.write(table(rows))


if __name__ == "__main__":
    environments.leave_the_machine_out()
    service_models.read_once()
    logging.disable(logging.CRITICAL)
    write()
