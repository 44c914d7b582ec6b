"""What the guard lends to calls in waves: its decisions, its log and the program's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from guardrails.classify.catalogue import Catalogue
from guardrails.config.settings import Settings
from guardrails.enforce.pacing.waiting import wait
from guardrails.errors import CallDenied
from guardrails.gradual.splitting import Splitter
from guardrails.intercept import Interceptor
from guardrails.pipeline import Pipeline
from guardrails.show.sentences import paragraph
from guardrails.values import Decision, Outcome


def splitter(settings: Settings, catalogue: Catalogue, interceptor: Interceptor, pipeline: Pipeline) -> Splitter:
    """What sends calls in waves."""
    return Splitter(settings, catalogue, Decisions(interceptor, pipeline), wait)


@frozen(eq=False)
class Decisions:
    """Decides as the guard does, on calls that are not sent as they are."""

    interceptor: Interceptor
    pipeline: Pipeline

    def what_if(self, client: Any, operation: str, params: Mapping[str, Any]) -> Decision | None:
        """What would be decided, None for an ungoverned call."""
        call, origin = self.interceptor.read(client, operation, params)
        return self.pipeline.decide(call, origin)

    def stopped(self, decision: Decision) -> CallDenied:
        """The denial of a call that was stopped, once it is in the decision log."""
        self.pipeline.record(decision, Outcome(send=False, enforcement="deny"))
        self.pipeline.around.denied(decision)
        return CallDenied(decision, paragraph(decision, time.time()))

    def warn(self, sentence: str) -> None:
        """Write it into the program's log."""
        self.pipeline.around.warn(sentence)
