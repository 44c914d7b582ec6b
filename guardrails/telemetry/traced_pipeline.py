"""A pipeline whose decisions are spans."""

from __future__ import annotations

from collections.abc import Callable

from attrs import field

from guardrails.pipeline import Pipeline
from guardrails.telemetry.telemetry import Telemetry
from guardrails.values import Call, Origin, frozen


@frozen(eq=False)
class TracedPipeline(Pipeline):
    """Decides as any pipeline does."""

    telemetry: Telemetry = field(kw_only=True)

    def admit(self, call: Call, origin: Origin, deliver: Callable[[], None]) -> str | None:
        """The same, in a span. Raises CallDenied."""
        with self.telemetry.deciding(call):
            return Pipeline.admit(self, call, origin, deliver)
