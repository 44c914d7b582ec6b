"""Which policies are in force: those on disk, and those that each process decided by last, from the decision log."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from attrs import frozen

from guardrails import assembly
from guardrails.config.settings import Settings
from guardrails.doctor.report import Finding
from guardrails.errors import ConfigError, GuardrailsError
from guardrails.record.entries import Entry, read
from guardrails.show.sentences import age

# A process that decided nothing for longer may have ended; its number may be another's.
_RECENT_S = 24 * 3600.0


@frozen
class _Process:
    """What a process's last decision says; times in seconds since the epoch."""

    pid: int
    program: str
    revision: str
    decided_at: float
    loaded_at: float | None
    behind: str


def examine(settings: Settings, now: float) -> Iterator[Finding]:
    """The policies on disk, then every process of this host that decided within a day and still runs."""
    revision: str | None = None
    try:
        revision = _on_disk(settings)
        sentence = f"revision {revision} loads, engine {settings.engine}"
        yield Finding("policies", "well", sentence, {"revision": revision, "engine": settings.engine})
    except GuardrailsError as error:
        what = "what is on disk does not load" if settings.engine == "embedded" else "they cannot be asked"
        yield Finding("policies", "ill", f"{what}: {error}", {"engine": settings.engine})
    try:
        for process in _processes(settings, now):
            yield _judged(process, revision, now)
    except ConfigError as error:
        yield Finding("processes", "note", f"not known: {error}")


def _on_disk(settings: Settings) -> str:
    """The revision that a new process would decide by."""
    return assembly.engine(settings).revision or "unknown (the server says it with its first answer)"


def _judged(process: _Process, revision: str | None, now: float) -> Finding:
    about = f"process {process.pid} ({process.program})"
    facts = {
        "pid": process.pid,
        "program": process.program,
        "revision": process.revision,
        "loaded_at": process.loaded_at,
        "decided_at": process.decided_at,
        "behind": process.behind,
    }
    loaded = f", loaded {age(now - process.loaded_at)} ago" if process.loaded_at else ""
    decides = f"decides by revision {process.revision}{loaded}"
    if process.behind:
        return Finding(about, "ill", f"{decides}; a later edit does not load: {process.behind}", facts)
    if revision is not None and process.revision != revision:
        last = age(now - process.decided_at)
        why = f"its last decision was {last} ago, and the next one takes over what is on disk"
        return Finding(about, "note", f"{decides}; {why}, if it has the same configuration", facts)
    return Finding(about, "well", decides, facts)


def _processes(settings: Settings, now: float) -> list[_Process]:
    """By pid, as of their last decision."""
    found: dict[int, _Process] = {}
    host = socket.gethostname()
    for entry in read(settings.log.path, settings.log.keep):
        if not isinstance(entry, Entry):
            continue
        pid = entry.caller.get("pid")
        if entry.caller.get("host") != host or not isinstance(pid, int):
            continue
        decided_at = _seconds(entry.timestamp)
        if decided_at is not None and now - decided_at <= _RECENT_S:
            found[pid] = _Process(
                pid,
                entry.program,
                entry.revision,
                decided_at,
                _seconds(entry.custom.get("policies_loaded_at")),
                str(entry.custom.get("policies_behind") or ""),
            )
    return [process for pid, process in sorted(found.items()) if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # Somebody else's.
        return True
    return True


def _seconds(time: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(time)).timestamp()
    except ValueError:
        return None
