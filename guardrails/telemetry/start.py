"""Whether this process reports to OpenTelemetry. Without the configuration key, nothing of it is imported."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from guardrails.config.settings import Settings
from guardrails.record.spool_files import size_of
from guardrails.record.upload import spool_of
from guardrails.telemetry.telemetry import Telemetry


def telemetry_of(settings: Settings, report: Callable[[str], None]) -> Telemetry | None:
    """What decisions are reported to; None where nothing is. `report` gets a sentence if the API is missing."""
    if not settings.telemetry:
        return None
    try:
        trace, metrics = (import_module(f"opentelemetry.{name}") for name in ("trace", "metrics"))
    except ImportError as error:
        report(
            f"{settings.at('telemetry')}: OpenTelemetry's API is not installed ({error}), so there is no telemetry; "
            "pip install 'botocore-guardrails[otel]'"
        )
        return None
    spool = spool_of(settings.log)
    return Telemetry(trace, metrics, None if spool is None else lambda: sum(map(size_of, spool.segments())))
