"""Which requests must be decided on before they may pass, wherever a gate or an event meets them.

Where looking at a request fails, one that plainly asks for what is ungoverned passes (`plain`), and any other is
decided on as unreadable: it may have been changed since botocore made it, or since it was looked at before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel

from guardrails.errors import failed
from guardrails.intercept.request import plain, stream
from guardrails.intercept.request.operation import KnownOperations, Services
from guardrails.intercept.request.outgoing import Outgoing, credential_scope, of_dict, of_prepared, of_request
from guardrails.intercept.ticket import Context, PendingRequest, Ticket
from guardrails.waiting.clock import monotonic
from guardrails.waiting.interruptions import fails_by_itself
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_UNSEEN = Outgoing("", "", {}, None)
_UNKNOWN = "unknown"


class Reviewer:
    """Each method returns None when the request may pass: it is ungoverned, or was decided on and has not changed.

    `key` is where a request's context has its ticket. Never raises because of a request.
    """

    def __init__(self, catalogue: KnownOperations, services: Services, key: str, max_age_s: float) -> None:
        self._governs = catalogue.governs
        self._services = services
        self._key = key
        self._max_age_s = max_age_s

    def calling(
        self, model: OperationModel, request: Mapping[str, Any], context: Context | None, signer: Any
    ) -> PendingRequest | None:
        """Review a request dict that botocore's serializer made."""

        def look() -> PendingRequest | None:
            service = self._services.of_model(model.service_model)
            return self._review(service, model.name, of_dict(request), request, context, signer)

        return self._looked(look, lambda: of_dict(request), model.name, context, signer, model=model)

    def signing(
        self, signer: Any, operation_name: str, request: Any, *, presigned: bool = False
    ) -> PendingRequest | None:
        """Review a request that a signer is about to sign: a client's, or one made by hand."""
        context = request.context

        def look() -> PendingRequest | None:
            out = of_request(request)
            service = self._services.of_request(signer.signing_name, out, signer)
            return self._review(service, operation_name, out, request, context, signer, presigned=presigned)

        return self._looked(look, lambda: of_request(request), operation_name, context, signer, presigned=presigned)

    def authorizing(self, auth: Any, request: Any) -> PendingRequest | None:
        """Review a request that gets a signature, perhaps without a signer."""
        context, presigned = request.context, any(word in type(auth).__name__ for word in ("Query", "Post"))

        def look() -> PendingRequest | None:
            out, name = of_request(request), getattr(auth, "_service_name", None)
            if name is None and type(auth).__name__.startswith("HmacV1"):
                # The signature of S3 before version 4.
                name = "s3"
            ticket = self._ticket(context)
            default = ticket.operation if ticket is not None else ""
            service = self._services.of_request(name, out)
            return self._review(service, default, out, request, context, auth, presigned=presigned)

        return self._looked(look, lambda: of_request(request), "", context, auth, presigned=presigned)

    def sending(self, request: Any) -> PendingRequest | None:
        """Review a request that is about to leave."""
        context = getattr(request, "context", None)

        def look() -> PendingRequest | None:
            out, ticket = of_prepared(request), self._ticket(context)
            if ticket is not None:
                return self._review(ticket.service, ticket.operation, out, request, context, ticket.signer)
            scope = credential_scope(out)
            service = self._services.of_request(scope[1] if scope else None, out)
            return self._review(service, "", out, request, context, None)

        return self._looked(look, lambda: of_prepared(request), "", context, None)

    def _review(
        self,
        service: str | None,
        default: str,
        out: Outgoing,
        request: Any,
        context: Context | None,
        signer: Any,
        *,
        presigned: bool = False,
    ) -> PendingRequest | None:
        """`default` is the operation that botocore names; the request itself may name another."""
        if not self._services.concerns(service):
            return None
        if stream.is_stream(out.body) and self._services.in_body(service, default, out):
            read = stream.read(out.body)
            stream.replace(request, read.body)
            out = out._replace(body=read.body)
            # What no AWS service is known for may go anywhere.
            if read.problem and service is not None:
                return PendingRequest(service, default, out, context, signer, presigned, read.problem)
        operation = self._services.action(service, default, out)
        ticket = self._ticket(context)
        if self._governs(service, operation):
            if ticket is not None:
                late = monotonic() - ticket.decided_at > self._max_age_s
                if ticket.seal is not None and ticket.seal.holds(out) and not late:
                    return None
                signer = signer if signer is not None else ticket.signer
            key = service or self._services.governing(operation)
            return PendingRequest(key, operation, out, context, signer, presigned)
        if context is not None and ticket is None:
            context[self._key] = Ticket(service, operation, signer)
        return None

    def _looked(
        self,
        look: Callable[[], PendingRequest | None],
        outgoing: Callable[[], Outgoing],
        name: str,
        context: Context | None,
        signer: Any,
        *,
        presigned: bool = False,
        model: OperationModel | None = None,
    ) -> PendingRequest | None:
        try:
            return look()
        except Exception as error:
            if not fails_by_itself(error, look):
                raise
            _logger.debug("the guard failed while it looked at a request", exc_info=True)
            ticket = self._ticket(context)
            name = name or (ticket.operation if ticket is not None else "")
            if not name:
                # Nothing is known of it, so there is nothing to decide on; and it is not sent.
                raise
            signer = ticket.signer if ticket is not None else signer
            ungoverned = (ticket is not None and ticket.seal is None) or not self._governs(None, name)
            service = (ticket.service if ticket is not None else None) or self._service(name, signer, model)
            if ungoverned and self._plainly(name, outgoing, signer, model):
                if context is not None and ticket is None:
                    context[self._key] = Ticket(service, name, signer)
                return None
            return PendingRequest(service, name, _UNSEEN, context, signer, presigned, failed(error))

    def _plainly(self, name: str, outgoing: Callable[[], Outgoing], signer: Any, model: OperationModel | None) -> bool:
        """True where a request still asks for an operation, seen without what has failed."""

        def look() -> bool:
            return plain.asks_for(name, outgoing(), model or self._model(name, signer))

        try:
            return look()
        except Exception as error:
            if not fails_by_itself(error, look):
                raise
            return False

    def _model(self, name: str, signer: Any) -> OperationModel | None:
        client = self._services.client_of.get(signer) if signer is not None else None
        return None if client is None else client.meta.service_model.operation_model(name)

    def _service(self, name: str, signer: Any, model: OperationModel | None) -> str:
        """The service of a request that cannot be looked at, by the catalogue's name if that is known."""
        if self._governs(None, name):
            return self._services.governing(name)
        model = model or self._model(name, signer)
        return str(model.service_model.signing_name) if model is not None else _UNKNOWN

    def _ticket(self, context: Context | None) -> Ticket | None:
        return context.get(self._key) if context is not None else None
