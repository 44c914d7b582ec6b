"""Whether what the guard remembers can be written: where that fails, governed calls are blocked."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails import assembly
from guardrails.config.settings import Settings
from guardrails.doctor.report import Finding
from guardrails.memory import StateUnavailable
from guardrails.record.decision_log import DecisionLog


def examine(settings: Settings) -> Iterator[Finding]:
    """The decision log and the state; they are made where they are not there yet, as the first decision would."""
    yield _log(settings)
    yield _state(settings)


def _log(settings: Settings) -> Finding:
    where = str(settings.log.path)
    if not settings.log.enabled:
        return Finding("decision log", "note", "log.enabled is false: what was decided nobody can tell afterwards")
    try:
        log = DecisionLog(settings.log)
        log.open()
        log.try_it()
    except OSError as error:
        said = f"{where} cannot be written ({error.strerror}), so every call is blocked that would be allowed"
        return Finding("decision log", "ill", said, {"path": where})
    return Finding("decision log", "well", where, {"path": where})


def _state(settings: Settings) -> Finding:
    store = assembly.store(settings)
    where = str(store.path)
    if not settings.state.enabled:
        return Finding("state", "note", "state.enabled is false: what went before counts for nothing")
    try:
        with store.transaction():
            pass
    except StateUnavailable as error:
        return Finding(
            "state", "ill", f"{error}; until then calls that take machines away are blocked", {"path": where}
        )
    return Finding("state", "well", where, {"path": where})
