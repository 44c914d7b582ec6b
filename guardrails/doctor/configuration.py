"""Which configuration is in force, and which file set each key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from guardrails.config.exposure import exposed
from guardrails.config.locks import value as value_of
from guardrails.config.settings import Settings
from guardrails.doctor.finding import Finding


def examine(settings: Settings) -> Iterator[Finding]:
    """The files, then every key that a file sets, with its place."""
    files = [str(file) for file in (settings.organisation, settings.file) if file is not None]
    where = " and ".join(files) or "no file, only defaults"
    facts = {"file": where, "mode": settings.mode}
    yield Finding(
        "configuration", "ok" if settings.mode == "enforce" else "note", f"{where}, mode {settings.mode}", facts
    )
    warning = exposed(settings)
    if warning:
        yield Finding("configuration", "problem", warning, facts)
    for key, place in sorted(settings.where.items()):
        value = _plain(value_of(settings, key))
        yield Finding(f"key {key}", "ok", f"{value!r}, set in {place}", {"value": value, "where": place})


def _plain(value: Any) -> Any:
    """JSON-safe."""
    if attrs.has(type(value)):
        return attrs.asdict(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
