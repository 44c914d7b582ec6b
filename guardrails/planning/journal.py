"""The folder of a plan, which all its processes share: a line for each call, and a lock that keeps the calls in order.

Each process knows the world of the plan from these lines, so a child sees what its parent planned.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import asdict, define, field

from guardrails.memory.file_lock import locked
from guardrails.planning import entry as entries
from guardrails.planning.entry import Entry
from guardrails.planning.planned_ids import PlannedIds
from guardrails.planning.world import Change, World
from guardrails.system.files import FOR_US

# A call of another process is decided on meanwhile.
_PATIENCE_S = 600.0


class PlanIsOver(RuntimeError):
    """A process that was started inside a plan goes on after it."""

    def __init__(self) -> None:
        super().__init__(
            "the plan in which this process was started is over, so the call was not sent; start the process anew"
        )


@define
class Journal:
    """What one plan has so far. Safe to use from many threads and processes, inside `turn` only."""

    folder: Path
    world: World = field(factory=World)
    ids: PlannedIds = field(factory=PlannedIds)
    entries: list[Entry] = field(factory=list)
    _read: int = 0

    @classmethod
    def make(cls, folder: Path, options: Mapping[str, Any]) -> Journal:
        """A new one, in an empty folder that only its owner may read."""
        (folder / "options.json").write_text(json.dumps(dict(options)), encoding="utf-8")
        (folder / "calls.jsonl").touch(mode=0o600)
        (folder / "lock").touch(mode=0o600)
        return cls(folder)

    @property
    def options(self) -> dict[str, Any]:
        """How the plan was asked for."""
        found: dict[str, Any] = json.loads((self.folder / "options.json").read_text(encoding="utf-8"))
        return found

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Alone among all processes and threads of the plan, with what the others wrote before."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR | FOR_US)
        except FileNotFoundError as error:
            raise PlanIsOver from error
        try:
            with locked(descriptor, _PATIENCE_S):
                self.refresh()
                yield
        finally:
            os.close(descriptor)

    def refresh(self) -> None:
        """Read what is new."""
        with (self.folder / "calls.jsonl").open(encoding="utf-8") as file:
            file.seek(self._read)
            for line in iter(file.readline, ""):
                self._add(entries.restored(line))
            self._read = file.tell()

    def _add(self, line: Mapping[str, Any]) -> None:
        changes = [Change(**each) for each in line["changes"]]
        self.world = self.world.after(changes, [(service, region, noun) for service, region, noun in line["unseen"]])
        self.ids.last = max(self.ids.last, line["last"])
        self.entries.append(entries.read(line["entry"]))

    def write(self, entry: Entry, changes: tuple[Change, ...], unseen: tuple[tuple[str, str, str], ...]) -> None:
        """Add a call, which is then part of the world."""
        line = {
            "entry": asdict(entry, recurse=True),
            "changes": [asdict(each, recurse=False) for each in changes],
            "unseen": unseen,
            "last": self.ids.last,
        }
        with (self.folder / "calls.jsonl").open("a", encoding="utf-8") as file:
            file.write(entries.written(line) + "\n")
        self.refresh()
