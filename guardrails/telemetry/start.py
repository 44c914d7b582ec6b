"""Whether this process reports to OpenTelemetry. Without the configuration key, nothing of it is imported."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Protocol

from guardrails.config.settings import Settings
from guardrails.memory import History
from guardrails.pipeline import Pipeline
from guardrails.surroundings import Log
from guardrails.values import Lookup


class Reports(Protocol):
    """What goes around the parts of a guard to report what they do."""

    def looking_up(self, lookup: Lookup, /) -> AbstractContextManager[object]:
        """Around each look-up."""

    def pipeline(self, **parts: Any) -> Pipeline:
        """A pipeline of these parts."""

    def log(self, log: Log, /) -> Log:
        """A log that writes to this one."""

    def history(self, history: History | None, /) -> History | None:
        """The same memory."""


class _Nothing:
    """Reports nothing."""

    def looking_up(self, _lookup: Lookup, /) -> AbstractContextManager[object]:
        return nullcontext()

    def pipeline(self, **parts: Any) -> Pipeline:
        return Pipeline(**parts)

    def log(self, log: Log, /) -> Log:
        return log

    def history(self, history: History | None, /) -> History | None:
        return history


def reports_of(settings: Settings, report: Callable[[str], None]) -> Reports:
    """What this configuration reports. `report` gets a sentence if OpenTelemetry's API is missing."""
    if not settings.telemetry:
        return _Nothing()
    try:
        trace, metrics = (import_module(f"opentelemetry.{name}") for name in ("trace", "metrics"))
    except ImportError as error:
        report(
            f"{settings.at('telemetry')}: OpenTelemetry's API is not installed ({error}), so there is no telemetry; "
            "pip install 'botocore-guardrails[otel]'"
        )
        return _Nothing()
    from guardrails.telemetry.reported import Reported  # noqa: PLC0415  (few configurations report)

    return Reported(trace, metrics, settings.log)
