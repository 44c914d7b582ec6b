"""Spans and metrics by OpenTelemetry, for programs that have its API and set `telemetry = true`.

telemetry.py        the decision and the look-ups as spans, and what is counted
tracing_log.py      a decision log that also reports to it
traced_pipeline.py  a pipeline whose decisions are spans
timed_store.py      how long the steps of the memory take
reported.py         these, around the parts of a guard
start.py            whether there is anything to report to
"""

from guardrails.telemetry.start import reports_of

__all__ = ["reports_of"]
