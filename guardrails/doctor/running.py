"""Every examination, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.config import load
from guardrails.doctor import policies
from guardrails.doctor.report import Finding, State
from guardrails.errors import ConfigError


def examine(config: str | None, now: float) -> Iterator[Finding]:
    """Every finding; nothing that is broken ends it. `now` is seconds since the epoch."""
    try:
        settings = load(config)
    except ConfigError as error:
        yield Finding("configuration", "ill", str(error))
        return
    where = str(settings.file) if settings.file else "no file; the defaults"
    facts = {"file": where, "mode": settings.mode}
    state: State = "well" if settings.mode == "enforce" else "note"
    yield Finding("configuration", state, f"{where}, mode {settings.mode}", facts)
    yield from policies.examine(settings, now)
