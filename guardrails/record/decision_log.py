"""Stage 6: the decision log, one JSON object a line, in the shape of OPA's decision log.

Each decision has decision_id, timestamp, path, input, result, labels, bundles, metrics (nanoseconds), masked, and under
`custom` what the guard did. Allowed calls are logged too, before they are sent; for one that is not sent after all, a
line of the type NOT_SENT with its id is added. Several processes can append: writing and rotating hold a lock on a file
next to the log, and a line is a single write. With a sink, every line also goes into the spool, which is uploaded.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from guardrails.config.settings import STANDARD_ERROR, LogSettings
from guardrails.memory.file_lock import LockedElsewhere, locked
from guardrails.record import log_files
from guardrails.record.entries import NOT_SENT
from guardrails.record.long_lines import shortened
from guardrails.record.patient_writer import NotRead, PatientWriter, open_to_append
from guardrails.record.spool import SpoolFull
from guardrails.record.upload import spool_of
from guardrails.system import locks
from guardrails.system.files import FOR_US, make_folder
from guardrails.values import Decision, LookupFailure, Outcome, rfc3339

PATH = "guardrails/main/decision"
# Far longer than it takes to write a line.
_PATIENCE_S = 10.0


class DecisionLog:
    """Appends decisions to `settings.path`. Raises OSError, for example for a full disk."""

    def __init__(self, settings: LogSettings, spooled: Callable[[], None] | None = None) -> None:
        """`spooled` is called after something was put into the spool."""
        self._settings = settings
        self._spool = spool_of(settings)
        self._spooled = spooled
        self._writer = PatientWriter()
        # While a line is written, and after one that was given up.
        self._stuck = False

    def open(self) -> None:
        """Create the folders and the files, readable only by their owner. Raises OSError."""
        if not self._settings.enabled:
            return
        if self._spool is not None:
            self._spool.open()
        if self._settings.path != STANDARD_ERROR:
            make_folder(self._settings.path.parent)
            os.close(open_to_append(self._settings.path, _PATIENCE_S))
            # Without any locks each governed call is denied, which says so; other calls pass.
            if locks.are_there():
                # Who holds it now may be through before the first call.
                with suppress(LockedElsewhere), self._locked(0.0):
                    pass

    def write(self, decision: Decision, outcome: Outcome, mode: str) -> None:
        """Append one decision, before its call is sent or blocked. Raises OSError."""
        if not self._settings.enabled:
            return
        self._add(entry(decision, outcome, mode, self._settings.labels), bounded=True)

    def not_sent(self, decision_id: str, why: str) -> None:
        """Append that an allowed call was not sent after all, and why. Raises OSError."""
        if self._settings.enabled:
            self._add(self._note(decision_id, why), bounded=False)

    def _note(self, decision_id: str, why: str) -> dict[str, Any]:
        return {
            "decision_id": decision_id,
            "timestamp": rfc3339(time.time()),
            "type": NOT_SENT,
            "labels": {"app": "guardrails", **self._settings.labels},
            "custom": {"sent": False, "not_sent": why},
        }

    def _add(self, document: Mapping[str, Any], *, bounded: bool) -> None:
        line = shortened(document) + b"\n"
        # A note follows a line that was given up, perhaps because of Ctrl-C: it must not wait once more.
        patience_s = 0.0 if self._stuck and not bounded else _PATIENCE_S
        self._stuck = True
        if self._settings.path == STANDARD_ERROR:
            self._to_spool(line, bounded=bounded)
            try:
                self._writer.to_standard_error(line, patience_s)
            except BaseException as error:
                # The sink must not say that the call was sent.
                note = self._note(document["decision_id"], f"the decision log cannot be written: {error!r}")
                self._to_spool(shortened(note) + b"\n", bounded=False)
                raise
        else:
            self._to_file(line, patience_s, bounded=bounded)
        self._stuck = False
        if self._spool is not None and self._spooled is not None:
            self._spooled()

    def _to_spool(self, line: bytes, *, bounded: bool) -> None:
        if self._spool is not None:
            self._spool.append(line, bounded=bounded)

    def _to_file(self, line: bytes, patience_s: float, *, bounded: bool) -> None:
        with self._locked() as place:
            if place is not None:
                self._rotate(place, len(line))
            file = open_to_append(self._settings.path, patience_s)
            try:
                there = os.fstat(file)
                if not stat.S_ISREG(there.st_mode):
                    # Nothing can be taken back from a FIFO or a device.
                    self._writer.write(file, line, patience_s, whole=True)
                    self._to_spool(line, bounded=bounded)
                    return
                try:
                    written = os.write(file, line)
                    if written != len(line):
                        raise OSError(f"only {written} of {len(line)} bytes fit on the disk")
                    self._to_spool(line, bounded=bounded)
                except BaseException:
                    # Half a line would break the next one. Also for Ctrl-C: the call is not sent, as it would say.
                    with suppress(OSError):
                        os.ftruncate(file, there.st_size)
                    raise
            finally:
                os.close(file)

    def try_it(self) -> None:
        """Take the locks and open the file, as `write` does. Raises OSError."""
        if self._spool is not None:
            self._spool.open()
        if self._settings.path != STANDARD_ERROR:
            with self._locked():
                os.close(open_to_append(self._settings.path, _PATIENCE_S))

    @contextmanager
    def _locked(self, patience_s: float = _PATIENCE_S) -> Iterator[Path | None]:
        """Where the file really lies; nothing is locked, and None, where that is not ours."""
        # Someone may have deleted the folder since it was opened.
        make_folder(self._settings.path.parent)
        place = log_files.place(self._settings.path)
        if place is None:
            yield None
            return
        lock = os.open(place.with_name(f"{place.name}.lock"), os.O_RDWR | os.O_CREAT | FOR_US, 0o600)
        try:
            with locked(lock, patience_s):
                yield place
        finally:
            os.close(lock)

    def _rotate(self, path: Path, more: int) -> None:
        keep = self._settings.keep
        # A FIFO or a device has no size.
        if not path.is_file() or path.stat().st_size + more <= self._settings.max_bytes:
            return
        for number in range(keep, 0, -1):
            older = log_files.numbered(path, number - 1)
            if older.exists():
                older.replace(log_files.numbered(path, number))
        if keep == 0:
            path.unlink()


def not_recorded(error: OSError, settings: LogSettings) -> str:
    """Why a decision is not in the log, and what to do."""
    if isinstance(error, SpoolFull):
        return str(error)
    where = f"the decision log {settings.path}"
    if settings.path == STANDARD_ERROR:
        where = "the decision log on standard error"
    if isinstance(error, NotRead):
        return (
            f"{where} cannot be written ({error.strerror}); start what reads it again, set log.path to a file, or set "
            "log.enabled = false"
        )
    if settings.sink is None:
        return f"{where} cannot be written ({error}); make room or fix that, or set log.enabled = false"
    way = "make room or fix that"
    if isinstance(error, PermissionError) and error.filename:
        way = f"give {error.filename} to the user of this program"
    return f"{where} or its spool {settings.spool_folder} cannot be written ({error}); {way}"


def entry(decision: Decision, outcome: Outcome, mode: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """One decision as a JSON object."""
    facts = decision.facts
    reported = {(item.get("rule"), item.get("target")) for item in decision.result.get("violations", ())}
    # Violations that the guard added to those of the policies, such as a rate limit.
    own = [attrs.asdict(item) for item in decision.violations if (item.rule, item.target) not in reported]
    return {
        "decision_id": decision.id,
        "timestamp": rfc3339(decision.decided_at),
        "type": "openpolicyagent.org/decision_logs",
        "path": PATH,
        "labels": {"app": "guardrails", **labels},
        "bundles": {"guardrails": {"revision": decision.revision}},
        "requested_by": (decision.caller.principal or decision.caller.os_user) if decision.caller else None,
        "input": decision.input,
        "result": decision.result,
        "masked": [f"/input/call/params{pointer}" for pointer in decision.call.masked],
        "metrics": dict(decision.metrics),
        "custom": {
            "action": decision.action,
            "enforcement": outcome.enforcement,
            "sent": outcome.send,
            "mode": mode,
            "unavailable": decision.unavailable,
            "reason": decision.reason,
            **({"confirmed": True} if decision.confirmed else {}),
            "waited_s": round(outcome.waited_s, 3),
            "lookups": facts.lookups if facts else 0,
            "failures": [_failure(failure) for failure in facts.failures] if facts else [],
            **({"violations": own} if own else {}),
            **({"approval_request": decision.approval.document()} if decision.approval else {}),
            **({"policies_loaded_at": rfc3339(decision.loaded_at)} if decision.loaded_at else {}),
            **({"policies_checked_at": rfc3339(decision.checked_at)} if decision.checked_at else {}),
            **({"policies_behind": decision.behind} if decision.behind else {}),
        },
    }


def _failure(failure: LookupFailure) -> dict[str, str]:
    return {
        "lookup": failure.lookup,
        "code": failure.code,
        "message": failure.message,
        "permission": failure.permission,
    }
