"""Which policies are in force: on disk, and in each running process as of its last decision in the decision log."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs

from guardrails import assembly
from guardrails.config.settings import Settings
from guardrails.doctor import policy_sources
from guardrails.doctor.finding import Finding
from guardrails.errors import ConfigError, GuardrailsError
from guardrails.evaluate.checked import why_apart
from guardrails.record.entries import Entry, read
from guardrails.show.sentences import age
from guardrails.system.processes import runs
from guardrails.values import frozen

# An older decision may be from a process that has ended and whose pid is in use again.
_RECENT_S = 24 * 3600.0
# Measured: docs/costs.md, "The engine".
_SLOWER = "1.7 to 4 times the processor time"


@frozen
class _Process:
    """The last decision of a process; times in seconds since the epoch."""

    pid: int
    program: str
    revision: str
    decided_at: float
    loaded_at: float | None
    checked_at: float | None
    behind: str


def examine(settings: Settings, now: float) -> Iterator[Finding]:
    """The policies on disk and at their sources, then every running process of this host that decided within a day."""
    revision: str | None = None
    try:
        revision = _on_disk(settings)
        sentence = f"revision {revision}, engine {settings.engine}"
        yield Finding("policies", "ok", sentence, {"revision": revision, "engine": settings.engine})
    except GuardrailsError as error:
        problem = "they do not load" if settings.engine == "embedded" else "the OPA server does not evaluate them"
        yield Finding("policies", "problem", f"{problem}: {error}", {"engine": settings.engine})
    else:
        for mistake in assembly.findings(settings):
            yield Finding("policy check", "note", str(mistake), attrs.asdict(mistake))
        yield from _slower(settings)
    yield from policy_sources.examine(settings, now)
    try:
        for process in _processes(settings, now):
            yield _finding(process, revision, now)
    except ConfigError as error:
        yield Finding("processes", "note", f"cannot tell: {error}")


def _slower(settings: Settings) -> Iterator[Finding]:
    """A note where a policy of this configuration makes every decision slower."""
    merges = settings.engine == "embedded" and settings.policies
    why = why_apart(assembly.policies(settings)) if merges else ""
    if why:
        sentence = f"{why}. Until then a decision takes {_SLOWER}: the policies cannot be merged into one package"
        yield Finding("speed of policies", "note", sentence, {"apart": why})


def _on_disk(settings: Settings) -> str:
    """The revision that a new process would use."""
    return assembly.engine(settings).revision or "unknown (the server reports it with its first decision)"


def _finding(process: _Process, revision: str | None, now: float) -> Finding:
    about = f"process {process.pid} ({process.program})"
    facts = {
        "pid": process.pid,
        "program": process.program,
        "revision": process.revision,
        "loaded_at": process.loaded_at,
        "checked_at": process.checked_at,
        "decided_at": process.decided_at,
        "behind": process.behind,
    }
    loaded = f", loaded {age(now - process.loaded_at)} ago" if process.loaded_at else ""
    checked = f", checked at its source {age(now - process.checked_at)} ago" if process.checked_at else ""
    uses = f"uses revision {process.revision}{loaded}{checked}"
    if process.behind:
        return Finding(about, "problem", f"{uses}; a later edit does not load: {process.behind}", facts)
    if revision is not None and process.revision != revision:
        last = age(now - process.decided_at)
        outdated = f"its last decision was {last} ago; with this configuration, its next one uses the policies on disk"
        return Finding(about, "note", f"{uses}; {outdated}", facts)
    return Finding(about, "ok", uses, facts)


def _processes(settings: Settings, now: float) -> list[_Process]:
    """Sorted by pid, as of their last decision."""
    latest: dict[int, _Process] = {}
    host = socket.gethostname()
    for entry in read(settings.log.path, settings.log.keep):
        if not isinstance(entry, Entry):
            continue
        pid = entry.caller.get("pid")
        if entry.caller.get("host") != host or not isinstance(pid, int):
            continue
        decided_at = _seconds(entry.timestamp)
        if decided_at is not None and now - decided_at <= _RECENT_S:
            latest[pid] = _Process(
                pid,
                entry.program,
                entry.revision,
                decided_at,
                _seconds(entry.custom.get("policies_loaded_at")),
                _seconds(entry.custom.get("policies_checked_at")),
                str(entry.custom.get("policies_behind") or ""),
            )
    return [process for pid, process in sorted(latest.items()) if runs(pid) is not False]


def _seconds(time: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(time)).timestamp()
    except ValueError:
        return None
