"""What interception asks: the guard's own parts, or those of its self-test while that is running."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import botocore.session
from botocore.model import ServiceModel

from guardrails.classify.classify import classify
from guardrails.decider import denied, unable
from guardrails.enforce.enforce import enforce
from guardrails.pipeline import Pipeline
from guardrails.self_test.small_client import MODEL
from guardrails.values import Call, Origin
from guardrails.waiting.nested import anew, at_work, is_nested
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_NESTED = (
    "the call is made by a destructor (__del__) or another part of the program that Python runs in the middle of the "
    "guard's own work; make it outside of it, for example in a method close() that the program calls"
)


class Admission:
    """The interceptor's AdmissionController and ServiceModels. Other threads and tasks do not see a self-test."""

    def __init__(self, pipeline: Pipeline, models: botocore.session.Session) -> None:
        self.pipeline = pipeline
        self._models = models
        self._testing: ContextVar[Pipeline | None] = ContextVar("guardrails_self_test", default=None)

    @contextmanager
    def testing(self, pipeline: Pipeline) -> Iterator[None]:
        """Have this pipeline decide inside the `with`, on calls of the self-test's client."""
        token = self._testing.set(pipeline)
        try:
            # What runs while a decision waits may install the guard.
            with anew():
                yield
        finally:
            self._testing.reset(token)

    def get_service_model(self, service_name: str) -> ServiceModel:
        """A model of this service that no script has changed. Raises botocore's errors."""
        if self._testing.get() is not None:
            return ServiceModel(MODEL, service_name)
        return self._models.get_service_model(service_name)

    def admit(self, call: Call, origin: Origin, deliver: Callable[[], None]) -> str | None:
        pipeline = self._testing.get() or self.pipeline
        if is_nested():
            _between(pipeline, call)
            return None
        return pipeline.admit(call, origin, deliver)

    def leaves(self, decision_id: str) -> None:
        self.pipeline.leaves(decision_id)

    def came_back(self, decision_id: str, status: int | None, *, connected: bool = True) -> None:
        with at_work():
            self.pipeline.came_back(decision_id, status, connected=connected)

    def finished(self, decision_id: str) -> None:
        with at_work():
            self.pipeline.finished(decision_id)

    def joined(self, service: str, operation: str) -> None:
        with at_work():
            self.pipeline.joined(service, operation)


def _between(pipeline: Pipeline, call: Call) -> None:
    """A call that is made in the middle of the guard's work. Raises GuardUnavailable.

    Nothing is waited for: what that work has locked stays locked until this returns. So it is not in the decision log.
    """
    governed = classify(call, pipeline.catalogue, pipeline.evidence)
    if governed is None:
        return
    decision = unable(governed, _NESTED, pipeline.engine.revision)
    outcome, refusal = enforce(decision, pipeline.settings.mode, time.time()), denied(decision)
    if not outcome.send or outcome.warning:
        # Python only prints what a destructor raises.
        _logger.warning("%s", outcome.warning or refusal.paragraph)
    if not outcome.send:
        raise refusal
