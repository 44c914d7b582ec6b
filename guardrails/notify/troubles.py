"""Which notices did not arrive: counted in a file beside the state for `guardrails doctor`; one warning a process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from guardrails.memory.file_lock import locked
from guardrails.system.files import FOR_US, make_folder
from guardrails.values import rfc3339
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_PATIENCE_S = 1.0


class Troubles:
    """Counts by the name of the place, in the file at `path`. Nothing here raises: notices are only notices."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._warned_in = 0

    def failed(self, name: str, why: str, number: int = 1) -> None:
        """A notice did not arrive, or so many."""
        self._count(name, "failed", number, why)
        self._warn(
            f"a notice did not arrive: {why}. Calls are decided as before; `guardrails notify test` tries it again"
        )

    def dropped(self, name: str, number: int) -> None:
        """Notices were dropped, because too many waited."""
        why = "too many notices waited"
        self._count(name, "dropped", number, why)
        self._warn(f"{number} notices to {name} were dropped, because too many waited; the decision log has them all")

    def arrived(self, name: str) -> None:
        """One arrived: what was wrong is over."""
        if name in self.read():
            self._change(lambda known: known.pop(name, None))

    def read(self) -> Mapping[str, Mapping[str, Any]]:
        """By name: `failed` and `dropped` notices since one arrived, `why` and `at` of the last."""
        try:
            known = json.loads(self._path.read_text("utf-8"))
            # Anyone who may write there may have edited it.
            return {
                name: {
                    "failed": int(each["failed"]),
                    "dropped": int(each["dropped"]),
                    "why": each["why"],
                    "at": each["at"],
                }
                for name, each in known.items()
            }
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return {}

    def _count(self, name: str, what: str, number: int, why: str) -> None:
        def add(known: dict[str, Any]) -> None:
            each = known.setdefault(name, {"failed": 0, "dropped": 0})
            each[what] += number
            each["why"], each["at"] = why, rfc3339(time.time())

        self._change(add)

    def _change(self, change: Any) -> None:
        with suppress(OSError):
            make_folder(self._path.parent)
            lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT | FOR_US, 0o600)
            try:
                with locked(lock, _PATIENCE_S):
                    known = {name: dict(each) for name, each in self.read().items()}
                    change(known)
                    made = self._path.with_name(f"{self._path.name}.new")
                    made.write_text(json.dumps(known), "utf-8")
                    made.replace(self._path)
            finally:
                os.close(lock)

    def _warn(self, sentence: str) -> None:
        if self._warned_in != os.getpid():
            self._warned_in = os.getpid()
            _logger.warning("%s", sentence)
