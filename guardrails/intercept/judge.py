"""Is a request governed? Has it been decided on in its present form? If not, have it decided. Knows no hooks.

Every gate calls `review`: None lets the request pass, a PendingRequest must be decided on first, which may block. The
result is kept with the request as a ticket in its context, the dict that botocore carries from `before-call` through
every attempt. So a call is decided once however often it is sent, and again when something has changed it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import evolve
from botocore.model import OperationModel

from guardrails.intercept import user_agent
from guardrails.intercept.api_call import current
from guardrails.intercept.glance import Glance
from guardrails.intercept.parts import Splitter
from guardrails.intercept.reading import Unseen, origin_of, read_call, unseen
from guardrails.intercept.request.operation import KnownOperations, ServiceModels, Services
from guardrails.intercept.reviewing import Reviewer
from guardrails.intercept.seal import Seal
from guardrails.intercept.ticket import ONLY_ASKS, PASSED, Context, PendingRequest, Ticket
from guardrails.values import Call, Origin
from guardrails.waiting.clock import monotonic
from guardrails.waiting.interruptions import fails_by_itself, held_back, is_injected
from guardrails.waiting.nested import at_work
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# Errors of botocore, in every copy of it, after which nothing can have reached AWS.
_NOT_CONNECTED = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError")


class AdmissionController(Protocol):
    """Decides on governed calls, and is notified when one has come back."""

    def admit(self, call: Call, origin: Origin, deliver: Callable[[], None], /) -> str | None:
        """The decision's id. Raises CallDenied to block the call. `deliver` runs signal handlers that are held back."""
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

    def joined(self, service: str, operation: str, /) -> None:
        """An ungoverned call is over that adds something."""
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
        self.catalogue, self.services = catalogue, Services(catalogue, models)
        self.client_of = self.services.client_of
        # One ticket per guard: two guards on one client each decide, and none takes what an earlier one has left.
        self.key = f"guardrails-{os.urandom(8).hex()}"
        self.active = False
        # Inside a plan the plan comes first: it decides, or lets a request pass. Others have no ticket when it ends.
        self.planning = False
        self.splitter: Splitter | None = None  # sends calls in waves
        self._governs = catalogue.governs
        self._reviewer = Reviewer(catalogue, self.services, self.key, max_age_s)
        self._admission = admission
        self.finished, self.joined = admission.finished, admission.joined

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
        try:
            if ticket is None or ticket.signer is not signer:
                ticket = self._ungoverned(model, signer)
            if ticket is None or ticket.glance is None or not ticket.glance.fits(request):
                return False
        except Exception as error:
            if not fails_by_itself(error, lambda: self._quick(model, request, signer)):
                raise
            # Then the request is reviewed.
            return False
        if self.key not in context:
            context[self.key] = ticket
        return True

    def still_ungoverned(self, request: Any) -> bool:
        """True for a prepared request that clearly asks for what its ticket says; otherwise it needs a review."""
        ticket = self.ticket(getattr(request, "context", None))
        glance = ticket.glance if ticket is not None else None
        try:
            return glance is not None and glance.still_fits(request)
        except Exception as error:
            if glance is None or not fails_by_itself(error, lambda: glance.still_fits(request)):
                raise
            return False

    def _quick(self, model: OperationModel, request: Mapping[str, Any], signer: Any) -> None:
        ticket = self._ungoverned(model, signer)
        if ticket is not None and ticket.glance is not None:
            ticket.glance.fits(request)

    def _ungoverned(self, model: OperationModel, signer: Any) -> Ticket | None:
        service, operation = self.services.of_model(model.service_model), model.name
        if self._governs(service, operation):
            return None
        ticket = Ticket(service, operation, signer, glance=Glance(self.services, service, model))
        model.__dict__[self.key] = ticket
        return ticket

    def review(
        self, model: OperationModel, request: Mapping[str, Any], context: Context | None, signer: Any
    ) -> PendingRequest | None:
        """Review a request dict that botocore's serializer made; None where it may pass."""
        return self._reviewer.calling(model, request, context, signer) if self.active else None

    def review_signing(
        self, signer: Any, operation_name: str, request: Any, *, presigned: bool
    ) -> PendingRequest | None:
        """Review a request that a signer is about to sign: a client's, or one made by hand."""
        return self._reviewer.signing(signer, operation_name, request, presigned=presigned) if self.active else None

    def review_authorizing(self, auth: Any, request: Any) -> PendingRequest | None:
        """Review a request that gets a signature, perhaps without a signer."""
        return self._reviewer.authorizing(auth, request) if self.active else None

    def review_sending(self, request: Any) -> PendingRequest | None:
        """Review a request that is about to leave."""
        return self._reviewer.sending(request) if self.active else None

    def decide(self, pending: PendingRequest, credentials: Any = None) -> None:
        """Have a request decided on; `credentials` where reading the signer's means waiting. Raises CallDenied."""
        context = pending.context or {}
        if self.planning and (PASSED not in context or ONLY_ASKS in context):
            return
        with at_work(), held_back() as deliver:  # a decorator would leave its line in the traceback of a denial
            self._decide(pending, credentials, deliver)

    def _decide(self, pending: PendingRequest, credentials: Any, deliver: Callable[[], None]) -> None:
        seal: Seal | None = None
        try:
            if pending.problem:
                raise Unseen(pending.problem)
            # The decision is made on a copy: the request may change in the meantime.
            seal = Seal.of(pending.service, pending.out, self.services.headers(pending.service, pending.operation))
            origin = self.origin(pending.signer, pending.out.url, pending.context or {}, credentials)
            call = self._read(pending, seal, origin)
        except Exception as error:
            if is_injected(error):
                raise
            call, origin = unseen(pending, error)
        decision_id = None
        try:
            decision_id = self._admission.admit(call, origin, deliver)
            self._note(pending, seal, decision_id)
        except BaseException:
            if decision_id is not None:  # the request will not be sent
                self._admission.finished(decision_id)
            raise

    def _read(self, pending: PendingRequest, seal: Seal, origin: Origin) -> Call:
        call = read_call(
            pending.service,
            pending.operation,
            lambda: self.services.model(pending.service),
            pending.out._replace(body=seal.body),
            origin,
            presigned=pending.presigned,
        )
        if pending.signer is None and not call.undecodable:
            return evolve(call, undecodable="botocore did not sign it; if install() ran meanwhile, make the call again")
        return call

    def _note(self, pending: PendingRequest, seal: Seal | None, decision_id: str | None) -> None:
        api_call = current.get()
        if decision_id is not None and api_call is not None and not pending.presigned and not api_call.add(decision_id):
            self._admission.finished(decision_id)
        if pending.context is not None and seal is not None:
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
        try:
            user_agent.mark(request.headers, ticket.decision_id)
        except Exception as error:
            if is_injected(error):
                raise
            _logger.debug("a call is harder to find in CloudTrail: it does not carry its decision's id", exc_info=True)
        return ticket.decision_id

    def leaves(self, decision_id: str | None) -> None:
        """A request is about to leave; `decision_id` is None where it is ungoverned."""
        if decision_id is not None:
            self._admission.leaves(decision_id)

    def leaves_unseen(self, context: Context | None) -> None:
        """A governed request will leave where no gate sees it."""
        ticket = self.ticket(context)
        if ticket is not None and ticket.decision_id is not None:
            self._admission.leaves(ticket.decision_id)

    def came_back(
        self, decision_id: str | None, response: Any, error: BaseException | None, *, tried: bool = True
    ) -> None:
        """A request has come back, or was not `tried`; `response` is None where it failed."""
        if decision_id is not None:
            status, connected = getattr(response, "status_code", None), type(error).__name__ not in _NOT_CONNECTED
            self._admission.came_back(decision_id, status, connected=tried and connected)
            if status is not None and current.get() is None:  # made by hand, so nothing sends it again
                self._admission.finished(decision_id)

    def origin(self, signer: Any, url: str, context: Any, credentials: Any = None) -> Origin:
        """Whose request it is and where it goes."""
        return origin_of(self.client_of.get(signer) if signer is not None else None, signer, url, context, credentials)
