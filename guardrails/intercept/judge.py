"""Is a request governed? Has it been decided on in its present form? If not, have it decided. Knows no hooks.

Every gate calls `review`: None lets the request pass, a PendingRequest must be decided on first, which may block. The
result is kept with the request as a ticket in its context, the dict that botocore carries from `before-call` through
every attempt. So a call is decided once however often it is sent, and again when something has changed it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from attrs import evolve
from botocore.model import OperationModel

from guardrails.intercept import user_agent
from guardrails.intercept.api_call import current
from guardrails.intercept.glance import Glance, GovernedNames
from guardrails.intercept.parts import Splitter
from guardrails.intercept.reading import origin_of, read_call
from guardrails.intercept.request.operation import KnownOperations, ServiceModels, Services
from guardrails.intercept.request.outgoing import Outgoing, credential_scope, of_prepared, of_request
from guardrails.intercept.seal import Seal
from guardrails.intercept.ticket import ONLY_ASKS, PASSED, Context, PendingRequest, Ticket
from guardrails.values import Call, Origin
from guardrails.waiting.clock import monotonic
from guardrails.waiting.interruptions import held_back

# Errors of botocore, in every copy of it, after which nothing can have reached AWS.
_NOT_CONNECTED = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError")


class AdmissionController(Protocol):
    """Decides on governed calls, and is notified when one has come back."""

    def admit(self, call: Call, origin: Origin, /) -> str | None:
        """The decision's id. Raises CallDenied to block the call."""
        ...

    def leaves(self, decision_id: str, /) -> None:
        """A governed request is about to leave the process."""
        ...

    def came_back(self, decision_id: str, status: int | None, /, *, connected: bool = True) -> None:
        """A governed request has an HTTP status, or failed without one, perhaps before there was a connection."""
        ...

    def finished(self, decision_id: str, /) -> None:
        """The API call of a decision is over: if its request has not left, it never will."""
        ...


class Judge:
    """Has every governed request decided on by `admission`. While it is not `active`, every request passes."""

    def __init__(
        self,
        catalogue: KnownOperations,
        models: ServiceModels,
        admission: AdmissionController,
        max_age_s: float = float("inf"),
    ) -> None:
        """A request that leaves later than `max_age_s` after its decision, such as a retry, is decided on again."""
        self._max_age_s = max_age_s
        self.services = Services(catalogue, models)
        self.client_of = self.services.client_of
        # One ticket per guard: two guards on one client each decide, and none takes what an earlier one has left.
        self.key = f"guardrails-{os.urandom(8).hex()}"
        self.active = False
        # Inside a plan the plan comes first: it decides, or lets a request pass. Others have no ticket when it ends.
        self.planning = False
        # Sends calls in waves; None where none go so.
        self.splitter: Splitter | None = None
        self._governs = catalogue.governs
        self._admission = admission
        self.finished = admission.finished

    def ticket(self, context: Context | None) -> Ticket | None:
        """The ticket of a request that passed a gate."""
        return context.get(self.key) if context is not None else None

    # -- the fast path: nearly every call of the process takes it ------------------------------------------------

    def clearly_ungoverned(
        self, model: OperationModel, request: Mapping[str, Any], context: Context | None, signer: Any
    ) -> bool:
        """True for a request dict made by botocore that needs no closer look; it then has a ticket.

        False without a signer or a context. Must cost next to nothing. `review` answers the same question thoroughly.
        """
        # Kept with the model, which belongs to one client.
        ticket = model.__dict__.get(self.key)
        if signer is None or context is None:
            return False
        if ticket is None or ticket.signer is not signer:
            ticket = self._ungoverned(model, signer)
        if ticket is None or ticket.glance is None or not ticket.glance.fits(request):
            return False
        if self.key not in context:
            context[self.key] = ticket
        return True

    def still_ungoverned(self, request: Any) -> bool:
        """True for a prepared request that clearly asks for what its ticket says; otherwise it needs a review."""
        context = getattr(request, "context", None)
        ticket = context.get(self.key) if context is not None else None
        return ticket is not None and ticket.glance is not None and ticket.glance.still_fits(request)

    def governed_names(self, client: Any) -> GovernedNames:
        """Whether an operation of this client is governed, by its name."""
        service = self.services.of_model(client.meta.service_model)
        return GovernedNames(partial(self._governs, service))

    def _ungoverned(self, model: OperationModel, signer: Any) -> Ticket | None:
        service, operation = self.services.of_model(model.service_model), model.name
        if self._governs(service, operation):
            return None
        ticket = Ticket(service, operation, signer, glance=Glance(self.services, service, model))
        model.__dict__[self.key] = ticket
        return ticket

    # -- the thorough path ---------------------------------------------------------------------------------------

    def review(
        self,
        service: str | None,
        default: str,
        out: Outgoing,
        context: Context | None,
        signer: Any,
        *,
        presigned: bool = False,
    ) -> PendingRequest | None:
        """None when the request may pass: it is ungoverned, or was decided on and has not changed since.

        `default` is the operation that botocore names; the request itself may name another.
        """
        if not self.services.concerns(service):
            return None
        operation = self.services.action(service, default, out)
        ticket = self.ticket(context)
        if self._governs(service, operation):
            if ticket is not None:
                late = monotonic() - ticket.decided_at > self._max_age_s
                if ticket.seal is not None and ticket.seal.holds(out) and not late:
                    return None
                signer = signer if signer is not None else ticket.signer
            key = service or self.services.governing(operation)
            return PendingRequest(key, operation, out, context, signer, presigned)
        if context is not None and ticket is None:
            context[self.key] = Ticket(service, operation, signer)
        return None

    def review_signing(
        self, signer: Any, operation_name: str, request: Any, *, presigned: bool
    ) -> PendingRequest | None:
        """Review a request that a signer is about to sign: a client's, or one made by hand."""
        if not self.active:
            return None
        out, context = of_request(request), request.context
        service = self.services.of_request(signer.signing_name, out, signer)
        return self.review(service, operation_name, out, context, signer, presigned=presigned)

    def review_sending(self, request: Any) -> PendingRequest | None:
        """Review a request that is about to leave."""
        if not self.active:
            return None
        out = of_prepared(request)
        context = getattr(request, "context", None)
        ticket = self.ticket(context)
        if ticket is not None:
            return self.review(ticket.service, ticket.operation, out, context, ticket.signer)
        signed_for = credential_scope(out)
        service = self.services.of_request(signed_for[1] if signed_for else None, out)
        return self.review(service, "", out, context, None)

    def decide(self, pending: PendingRequest, credentials: Any = None) -> None:
        """Have a request decided on; `credentials` where reading the signer's means waiting. Raises CallDenied."""
        context = pending.context or {}
        if self.planning and (PASSED not in context or ONLY_ASKS in context):
            return
        with held_back():  # a decorator would leave its line in the traceback of a denial
            self._decide(pending, credentials)

    def _decide(self, pending: PendingRequest, credentials: Any) -> None:
        # The decision is made on a copy: the request may change in the meantime.
        seal = Seal.of(pending.service, pending.out, self.services.headers(pending.service, pending.operation))
        origin = self.origin(pending.signer, pending.out.url, pending.context or {}, credentials)
        call = read_call(
            pending.service,
            pending.operation,
            lambda: self.services.model(pending.service),
            pending.out._replace(body=seal.body),
            origin,
            presigned=pending.presigned,
        )
        if pending.signer is None and not call.undecodable:
            call = evolve(call, undecodable="botocore did not sign it, so its account is unknown")
        decision_id = self._admission.admit(call, origin)
        api_call = current.get()
        if decision_id is not None and api_call is not None and not pending.presigned and not api_call.add(decision_id):
            self._admission.finished(decision_id)
        if pending.context is not None:
            # The attempts that follow are as old as this decision's evidence.
            ticket = Ticket(
                pending.service, pending.operation, pending.signer, seal, decision_id, decided_at=monotonic()
            )
            pending.context[self.key] = ticket

    def mark(self, request: Any) -> str | None:
        """Put the decision's id into a governed request's User-Agent, and return it; None for other requests."""
        ticket = self.ticket(getattr(request, "context", None)) if self.active else None
        if ticket is None or ticket.decision_id is None:
            return None
        user_agent.mark(request.headers, ticket.decision_id)
        return ticket.decision_id

    def leaves(self, request: Any) -> str | None:
        """A request is about to leave: mark it, and return its decision's id; None for an ungoverned one."""
        decision_id = self.mark(request)
        if decision_id is not None:
            self._admission.leaves(decision_id)
        return decision_id

    def leaves_unseen(self, context: Context | None) -> None:
        """A governed request will leave where no gate sees it."""
        ticket = self.ticket(context)
        if ticket is not None and ticket.decision_id is not None:
            self._admission.leaves(ticket.decision_id)

    def came_back(self, decision_id: str | None, response: Any, error: BaseException | None) -> None:
        """A request has come back; `response` is None where it failed, `decision_id` where it is ungoverned."""
        if decision_id is not None:
            status = getattr(response, "status_code", None)
            self._admission.came_back(decision_id, status, connected=type(error).__name__ not in _NOT_CONNECTED)

    def origin(self, signer: Any, url: str, context: Any, credentials: Any = None) -> Origin:
        """Whose request it is and where it goes."""
        client = self.client_of.get(signer) if signer is not None else None
        return origin_of(client, signer, url, context, credentials)
