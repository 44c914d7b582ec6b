"""What each place on a request's way out knows of it, and whether it must be judged there."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Mapping
from typing import Any

from botocore.model import OperationModel

from guardrails.intercept import aio, user_agent
from guardrails.intercept.judge import Case, Judge
from guardrails.intercept.request.outgoing import of_dict, of_prepared, of_request, scope


class Checks:
    """None lets a request pass; a Case must be settled first. Everything passes while it is not `active`."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.active = False

    def calling(
        self, model: OperationModel, request: Mapping[str, Any], signer: Any, context: dict[str, Any]
    ) -> Case | None:
        """At `before-call`, with the request as the serializer made it."""
        if not self.active:
            return None
        service = self.judge.services.of_model(model.service_model)
        if self.judge.waves_through(service, model.name, request, context, signer):
            return None
        return self.judge.review(service, model.name, of_dict(request), context, signer)

    def requesting(self, endpoint: Any, model: OperationModel, request: Mapping[str, Any]) -> Case | None:
        """At the endpoint. Of one that no client made only the signer knows whose request it is: it decides."""
        client = self.judge.client_of.get(endpoint)
        if not self.active or client is None:
            return None
        service, context = self.judge.services.of_model(model.service_model), request.get("context")
        return self.judge.review(service, model.name, of_dict(request), context, client._request_signer)

    def signing(self, signer: Any, operation_name: str, request: Any, *, presigned: bool) -> Case | None:
        """Where a client's signer, or one made by hand, signs."""
        if not self.active:
            return None
        out, context = of_request(request), request.context
        service = self.judge.services.of_request(signer.signing_name, out, signer)
        return self.judge.review(service, operation_name, out, context, signer, presigned=presigned)

    def authorizing(self, auth: Any, request: Any) -> Case | None:
        """Where a signature is made, perhaps without a signer."""
        if not self.active:
            return None
        context, out = request.context, of_request(request)
        signing_name = getattr(auth, "_service_name", None)
        if signing_name is None and type(auth).__name__.startswith("HmacV1"):
            # The signature of S3 before version 4.
            signing_name = "s3"
        service = self.judge.services.of_request(signing_name, out)
        ticket = self.judge.ticket(context)
        default = ticket.operation if ticket is not None else ""
        presigned = any(word in type(auth).__name__ for word in ("Query", "Post"))
        return self.judge.review(service, default, out, context, auth, presigned=presigned)

    def sending(self, request: Any) -> Case | None:
        """Where a request leaves."""
        out = of_prepared(request)
        context = getattr(request, "context", None)
        ticket = self.judge.ticket(context)
        if ticket is not None:
            return self.judge.review(ticket.service, ticket.operation, out, context, ticket.signer)
        place = scope(out)
        return self.judge.review(
            self.judge.services.of_request(place[1] if place else None, out), "", out, context, None
        )

    def mark(self, request: Any) -> bool:
        """Put the decision's id onto a governed request; False for any other."""
        ticket = self.judge.ticket(getattr(request, "context", None))
        if ticket is None or ticket.decision_id is None:
            return False
        user_agent.mark(request.headers, ticket.decision_id)
        return True

    def settle(self, case: Case | None, signer: Any) -> Awaitable[None] | None:
        """Decide, or give what aiobotocore must await first."""
        if case is None:
            return None
        if inspect.iscoroutinefunction(getattr(signer, "sign", None)):
            return aio.settle(self.judge, case)
        self.judge.settle(case)
        return None
