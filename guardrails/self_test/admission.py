"""What interception asks: the guard's own parts, or those of its self-test while that is running."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import botocore.session
from botocore.model import ServiceModel

from guardrails.pipeline import Pipeline
from guardrails.self_test.small_client import MODEL
from guardrails.values import Call, Origin


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
            yield
        finally:
            self._testing.reset(token)

    def get_service_model(self, service_name: str) -> ServiceModel:
        """A model of this service that no script has changed. Raises botocore's errors."""
        if self._testing.get() is not None:
            return ServiceModel(MODEL, service_name)
        return self._models.get_service_model(service_name)

    def admit(self, call: Call, origin: Origin, deliver: Callable[[], None]) -> str | None:
        return (self._testing.get() or self.pipeline).admit(call, origin, deliver)

    def leaves(self, decision_id: str) -> None:
        self.pipeline.leaves(decision_id)

    def came_back(self, decision_id: str, status: int | None, *, connected: bool = True) -> None:
        self.pipeline.came_back(decision_id, status, connected=connected)

    def finished(self, decision_id: str) -> None:
        self.pipeline.finished(decision_id)

    def joined(self, service: str, operation: str) -> None:
        self.pipeline.joined(service, operation)
