"""Spans and metrics by OpenTelemetry, for programs that have its API and set `telemetry = true`.

telemetry.py        the decision and the look-ups as spans, and what is counted
tracing_log.py      a decision log that also reports to it
traced_pipeline.py  a pipeline whose decisions are spans
timed_store.py      how long the steps of the memory take
start.py            whether there is anything to report to
"""

from guardrails.telemetry.start import telemetry_of
from guardrails.telemetry.telemetry import Telemetry, watch_of
from guardrails.telemetry.timed_store import timed
from guardrails.telemetry.traced_pipeline import traced
from guardrails.telemetry.tracing_log import traced_log

__all__ = ["Telemetry", "telemetry_of", "timed", "traced", "traced_log", "watch_of"]
