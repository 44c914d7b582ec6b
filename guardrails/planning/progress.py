"""How far an approved plan has been run: what was used, and which real ids its made-up ones stand for."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import jmespath
from attrs import asdict, define, field

from guardrails.errors import ConfigError
from guardrails.memory.file_lock import locked
from guardrails.planning import file as files
from guardrails.planning.entry import Entry
from guardrails.planning.identity import identity_of, may_repeat, new_names
from guardrails.system.files import FOR_US
from guardrails.values import Approval, Call

_PATIENCE_S = 60.0


@define
class Progress:
    """What of a plan was used already, and which real ids its made-up ones stand for; shared by all processes.

    `confirmed` is true where a person confirmed the whole plan, `approval` is that of a second person.
    """

    folder: Path
    plan: files.SavedPlan
    confirmed: bool
    approval: Approval | None
    _used: Counter[int] = field(factory=Counter)
    _names: dict[str, str] = field(factory=dict)
    _unclear: dict[int, str] = field(factory=dict)
    _read: int = 0

    @classmethod
    def make(cls, folder: Path, plan: files.SavedPlan, *, confirmed: bool, approval: Approval | None) -> None:
        """Begin, in an empty folder that only its owner may read."""
        document = {
            "plan": str(plan.path.resolve()),
            "digest": plan.digest,
            "confirmed": confirmed,
            "approval": asdict(approval) if approval else None,
        }
        (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
        (folder / "used.jsonl").touch(mode=0o600)
        (folder / "lock").touch(mode=0o600)

    @classmethod
    def of(cls, folder: Path) -> Progress:
        """As `make` began it. Raises ConfigError where the plan has changed since."""
        document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        path = Path(document["plan"])
        plan = files.load(path, time.time())
        if plan.digest != document["digest"]:
            raise ConfigError(f"{path}: this is not the plan that was confirmed; {plan.again}")
        given = document["approval"]
        approval = None
        if given is not None:
            leaves = {name: (left, running) for name, (left, running) in given["leaves"].items()}
            approval = Approval(**{**given, "rules": tuple(given["rules"]), "leaves": leaves})
        return cls(folder, plan, document["confirmed"], approval)

    def planned(self, call: Call) -> Entry | None:
        """The planned call like this one, whether it was made already or not."""
        with self._turn():
            wanted = identity_of(call, self._names, time.time())
            same = (each for each in self.plan.plan.entries if each.identity == wanted)
            return next((each for each in same if call.account in (None, each.account)), None)

    def take(self, call: Call) -> Entry | None:
        """A planned call like this one that was not made yet, or that is repeated; it is used then."""
        with self._turn():
            again = identity_of(call, self._names, time.time(), exact=True) if self._unclear else None
            number = next((number for number, exact in self._unclear.items() if exact == again), None)
            if number is not None and may_repeat(call):
                # Sent once more because the first answer did not say whether it was done.
                self._write({"number": number, "used": 0, "names": {}, "unclear": ""})
                return next(each for each in self.plan.plan.entries if each.number == number)
            entry = self._find(call)
            if entry is not None:
                self._write({"number": entry.number, "used": 1, "names": self._renamed(entry, call)})
            return entry

    def unclear(self, entry: Entry, call: Call) -> None:
        """It was sent, and may have been done or not: only the same request may be sent again, once."""
        with self._turn():
            if entry.number not in self._unclear:
                exact = identity_of(call, self._names, time.time(), exact=True)
                self._write({"number": entry.number, "used": 0, "names": {}, "unclear": exact})

    def is_unclear(self, call: Call) -> bool:
        """Whether a planned call like this one may have been done already."""
        with self._turn():
            wanted = identity_of(call, self._names, time.time())
            return any(each.identity == wanted and each.number in self._unclear for each in self.plan.plan.entries)

    def give_back(self, entry: Entry, call: Call) -> None:
        """It was not done after all; an attempt before it, of which that is unknown, still counts."""
        with self._turn():
            if entry.number in self._unclear:
                exact = identity_of(call, self._names, time.time(), exact=True)
                self._write({"number": entry.number, "used": 0, "names": {}, "unclear": exact})
            else:
                self._write({"number": entry.number, "used": -1, "names": {}})

    def learn(self, entry: Entry, answer: Mapping[str, Any]) -> None:
        """Which real ids stand for what the plan made up."""
        real = {planned: jmespath.search(path, dict(answer)) for path, planned in entry.made.items()}
        names = {value: planned for planned, value in real.items() if isinstance(value, str) and value}
        if names:
            with self._turn():
                self._write({"number": entry.number, "used": 0, "names": names})

    def recognise(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Learn from the things in an answer of a read what is known only after they are made: disks and addresses."""
        found: dict[str, str] = {}
        for item in items:
            mine = {self._names[value] for value in item.values() if isinstance(value, str) and value in self._names}
            for entry in self.plan.plan.entries:
                for path, planned in entry.made.items():
                    own, _, rest = path.partition(".")
                    ids = {value for each, value in entry.made.items() if each.partition(".")[0] == own}
                    if rest and planned not in self._names.values() and mine & ids:
                        real = jmespath.search(rest, dict(item))
                        found |= {real: planned} if isinstance(real, str) and real else {}
        if found:
            with self._turn():
                self._write({"number": 0, "used": 0, "names": found})

    def left(self) -> list[Entry]:
        """The planned calls that were not made yet."""
        with self._turn():
            return [each for each in self.plan.plan.entries if not self._used[each.number]]

    def _find(self, call: Call) -> Entry | None:
        if call.account is None:
            return None
        wanted = (identity_of(call, self._names, time.time()), call.account)
        left = (each for each in self.plan.plan.entries if not self._used[each.number])
        return next((each for each in left if (each.identity, each.account) == wanted), None)

    @staticmethod
    def _renamed(entry: Entry, call: Call) -> dict[str, str]:
        """Names with the time of now in them: the real one stands for that of the plan."""
        real = {name: call.params.get(name) for name in new_names(call)}
        return {
            value: entry.params[name]
            for name, value in real.items()
            if isinstance(value, str) and isinstance(entry.params.get(name), str) and value != entry.params[name]
        }

    def _turn(self) -> Any:
        return _Turn(self)

    def refresh(self) -> None:
        """Read what other processes did."""
        with (self.folder / "used.jsonl").open(encoding="utf-8") as file:
            file.seek(self._read)
            for line in iter(file.readline, ""):
                step = json.loads(line)
                self._used[step["number"]] += step["used"]
                self._names |= step["names"]
                if "unclear" in step:
                    self._unclear[step["number"]] = step["unclear"]
            self._read = file.tell()

    def _write(self, step: Mapping[str, Any]) -> None:
        with (self.folder / "used.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(step) + "\n")
        self.refresh()


class _Turn:
    """Alone among all processes and threads of the run."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __enter__(self) -> None:
        self._descriptor = os.open(self._progress.folder / "lock", os.O_RDWR | FOR_US)
        self._lock = locked(self._descriptor, _PATIENCE_S)
        self._lock.__enter__()
        self._progress.refresh()

    def __exit__(self, *error: object) -> None:
        self._lock.__exit__(*cast("tuple[Any, Any, Any]", error))
        os.close(self._descriptor)
