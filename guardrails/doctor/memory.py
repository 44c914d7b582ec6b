"""Whether the decision log and the state can be written; if not, governed calls are blocked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

from guardrails.config.settings import IN_MEMORY, STANDARD_ERROR, Settings
from guardrails.doctor.finding import Finding
from guardrails.memory import SqliteStore, StateUnavailable, configured
from guardrails.memory.dynamodb.administration import try_permissions
from guardrails.record.decision_log import DecisionLog


def examine(settings: Settings) -> Iterator[Finding]:
    """The decision log and the state; missing files are created, as the first decision would do."""
    yield _log(settings)
    yield _state(settings)
    yield from _freezes(settings)
    if settings.state.enabled and settings.state.store == "dynamodb":
        yield from _table(settings)


def _freezes(settings: Settings) -> Iterator[Finding]:
    """What is frozen. Where the memory cannot be read, other findings say so."""
    if not settings.state.enabled:
        return
    with suppress(StateUnavailable):
        for freeze in configured.store(settings).freezes(time.time()):
            yield Finding("freeze", "note", freeze.sentence(), freeze.document())


def _table(settings: Settings) -> Iterator[Finding]:
    """What a guard does with the table is tried, with a write that cannot succeed."""
    where = {"table": settings.state.table}
    for permission, failed in try_permissions(configured.table(settings)):
        sentence = permission if failed is None else str(failed)
        yield Finding("shared memory", "ok" if failed is None else "problem", sentence, {**where, "action": permission})


def _log(settings: Settings) -> Finding:
    where = str(settings.log.path)
    if not settings.log.enabled:
        return Finding("decision log", "note", "log.enabled is false: decisions are not recorded")
    if settings.log.path == STANDARD_ERROR:
        return Finding("decision log", "ok", "it goes to standard error", {"path": where})
    try:
        log = DecisionLog(settings.log)
        log.open()
        log.try_it()
    except OSError as error:
        which = f"{where} or its spool {settings.log.spool_folder}" if settings.log.sink else where
        sentence = f"{which} cannot be written ({error.strerror or error}), so every governed call is blocked"
        return Finding("decision log", "problem", sentence, {"path": where})
    return Finding("decision log", "ok", where, {"path": where})


def _state(settings: Settings) -> Finding:
    path = configured.state_file(settings)
    where = str(path)
    if not settings.state.enabled:
        return Finding("state", "note", "state.enabled is false: earlier calls are not counted")
    try:
        with SqliteStore(path).transaction():
            pass
    except StateUnavailable as error:
        return Finding(
            "state", "problem", f"{error}; until then, calls that take machines away are blocked", {"path": where}
        )
    sentence = "in memory: only calls of the same process are counted" if path == IN_MEMORY else where
    return Finding("state", "ok", sentence, {"path": where})
