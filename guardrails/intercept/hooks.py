"""Where botocore asks the judge: event handlers that decide, and gates that make sure they were asked.

A decision is made at `before-call`, from the serialized request. Registering a handler on a client that another thread
is using can be missed by botocore's handler cache, and handlers can be removed; the gates are what makes that
harmless. Each of them checks that what passes is what was judged, and has it judged where it was not.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakSet

from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.model import OperationModel
from botocore.session import Session

from guardrails import trace
from guardrails.activation.inherited import hand_on
from guardrails.intercept import aio
from guardrails.intercept.gates import Gates
from guardrails.intercept.judge import Case, Judge
from guardrails.intercept.outgoing import of_dict, of_prepared, of_request, scope
from guardrails.intercept.reading import read_call
from guardrails.intercept.tripwire import Tripwire
from guardrails.origin import Origin
from guardrails.values import Call

Returned = Callable[[], None]
Inherited = Callable[[], Any]

_EVENTS = ("before-call", "before-sign", "before-send")
# Ends of the signature versions whose signature goes into a URL or a form, for somebody else to send.
_PRESIGNED = ("-query", "-presign-post")


class Interceptor:
    """Puts a judge into botocore.

    `returned()` is told when a governed request has come back. `inherited()` gives what a process started by
    multiprocessing is handed, to guard itself when it unpickles it. A `tripwire` is told what passed the gates.
    """

    def __init__(
        self, judge: Judge, returned: Returned, inherited: Inherited, tripwire: Tripwire | None = None
    ) -> None:
        self._judge = judge
        self._returned = returned
        self._inherited = inherited
        self._tripwire = tripwire
        self._clients: WeakSet[Any] = WeakSet()
        self._emitters: list[Any] = []
        # Clients made by an attached session carry copies of its handlers, which nobody can find again; and somebody
        # may stand before a gate, which then cannot be taken out.
        self._active = False
        self._gates = Gates(
            {
                "api_call": self._gate_api_call,
                "make_request": self._gate_make_request,
                "sign": self._gate_sign,
                "add_auth": self._gate_add_auth,
                "prepare": self._gate_prepare,
                "send": self._gate_send,
                "sign_async": self._gate_sign_async,
                "send_async": self._gate_send_async,
                "spawn": self._gate_spawn,
            }
        )
        self._installed = False

    def install(self) -> None:
        """Guard every client of the process, existing ones too. Raises ConfigError where a gate has no place."""
        if self._installed:
            return
        self._active = self._installed = True
        if self._tripwire is not None:
            self._tripwire.arm()
        try:
            self._gates.put()
        except BaseException:
            self.uninstall()
            raise

    def uninstall(self) -> None:
        """Take gates and handlers out again; botocore has its original functions back."""
        self._active = self._installed = False
        if self._tripwire is not None:
            self._tripwire.disarm()
        self._gates.take()
        for client in list(self._clients):
            self._unregister(client.meta.events)
            client.__dict__.pop(self._judge.key, None)
        self._clients.clear()
        for emitter in self._emitters:
            self._unregister(emitter)
        self._emitters.clear()

    def attach(self, target: Any) -> None:
        """Guard one client, or every client that one session creates from now on (botocore's or boto3's).

        What their events show is decided on; the gates that make it complete belong to `install`.
        """
        client = getattr(getattr(target, "meta", None), "client", target)
        session = getattr(target, "_session", target)
        if isinstance(client, BaseClient):
            self._remember(client)
            emitter: Any = client.meta.events
        elif isinstance(session, Session):
            emitter = session.get_component("event_emitter")
            self._emitters.append(emitter)
        else:
            raise TypeError(
                f"attach() takes a botocore client, a boto3 resource or a session, not {type(target).__name__}"
            )
        self._active = True
        for event, handler in zip(_EVENTS, (self._before_call, self._before_sign, self._before_send), strict=True):
            emitter.register_last(event, handler, unique_id=self._handler_id(event))

    def read(self, client: Any, operation: str | None, params: Mapping[str, Any]) -> tuple[Call, Origin]:
        """A what-if call of a client (or boto3 resource), serialized and read back as if it were sent.

        None as the operation gives a call without name or parameters, for its origin's sake.
        """
        client = getattr(getattr(client, "meta", None), "client", client)
        if not isinstance(client, BaseClient):
            raise TypeError(f"expected a botocore client or a boto3 resource, not {type(client).__name__}")
        signer: Any = client._request_signer  # type: ignore[attr-defined]
        self._judge.client_of[signer] = client
        model = client.meta.service_model
        context = {"client_region": client.meta.region_name, "client_config": client.meta.config}
        origin = self._judge.origin(signer, client.meta.endpoint_url, context)
        if operation is None:
            return Call(model.signing_name, "", {}, origin.region, origin.endpoint_url), origin
        name = client.meta.method_to_api_mapping.get(operation, operation)
        wire = client._serializer.serialize_to_request(dict(params), model.operation_model(name))  # type: ignore[attr-defined]
        return read_call(model.signing_name, name, lambda: model, of_dict(wire), origin, presigned=False), origin

    def _handler_id(self, event: str) -> str:
        return f"{self._judge.key}-{event}"

    def _unregister(self, emitter: Any) -> None:
        for event in _EVENTS:
            emitter.unregister(event, unique_id=self._handler_id(event))

    def _remember(self, client: Any) -> None:
        events: Any = client.meta.events
        events.register_last("before-call", self._before_call, unique_id=self._handler_id("before-call"))
        self._judge.client_of[client._request_signer] = client
        self._judge.client_of[client._endpoint] = client
        self._clients.add(client)
        client.__dict__[self._judge.key] = True

    # -- handlers ----------------------------------------------------------------------------------------------

    def _before_call(
        self, model: OperationModel, params: dict[str, Any], request_signer: Any, context: dict[str, Any], **_: Any
    ) -> Awaitable[None] | None:
        service = model.service_model.signing_name
        if not self._active or self._judge.waves_through(service, model.name, params, context, request_signer):
            return None
        case = self._judge.review(service, model.name, of_dict(params), context, request_signer)
        return self._settle(case, request_signer)

    def _before_sign(
        self, request: Any, request_signer: Any, operation_name: str, signature_version: Any, **_: Any
    ) -> Awaitable[None] | None:
        presigned = str(signature_version).endswith(_PRESIGNED)
        return self._settle(self._review_signing(request_signer, operation_name, request, presigned), request_signer)

    def _before_send(self, request: Any, **_: Any) -> Awaitable[None] | None:
        # Older versions of botocore drop the ticket on the way here, where no gate hands it on.
        if not self._active or not hasattr(request, "context"):
            return None
        case = self._review_sending(request)
        if case is None:
            self._mark(request)
        return self._settle(case, case.signer if case else None)

    def _settle(self, case: Case | None, signer: Any) -> Awaitable[None] | None:
        if case is None:
            return None
        if inspect.iscoroutinefunction(getattr(signer, "sign", None)):
            # aiobotocore's emitter awaits what a handler returns.
            return aio.settle(self._judge, case)
        self._judge.settle(case)
        return None

    # -- gates -------------------------------------------------------------------------------------------------

    def _gate_api_call(self, original: Any) -> Any:
        # The client's own dict, because asking a weak set costs as much as a gate.
        known = self._judge.key

        def _make_api_call(client: Any, operation_name: str, api_params: Any) -> Any:
            if known not in client.__dict__ and self._active:
                self._remember(client)
            return original(client, operation_name, api_params)

        return _make_api_call

    # A request with a ticket and no seal was harmless when it set out. The gates on its way let it pass at once; the
    # one where it is sent looks at it again.

    def _gate_make_request(self, original: Any) -> Any:
        key = self._judge.key

        def make_request(endpoint: Any, operation_model: OperationModel, request_dict: dict[str, Any]) -> Any:
            context = request_dict.get("context")
            ticket = context.get(key) if context is not None else None
            if ticket is not None and ticket.seal is None:
                return original(endpoint, operation_model, request_dict)
            client = self._judge.client_of.get(endpoint)
            if not self._active or client is None:
                # Whose request it is only the signer knows: signing is where it is decided.
                return original(endpoint, operation_model, request_dict)
            signer, model = client._request_signer, operation_model
            out = of_dict(request_dict)
            case = self._judge.review(model.service_model.signing_name, model.name, out, context, signer)
            waiting = self._settle(case, signer)
            if waiting is not None:
                return aio.after(waiting, lambda: original(endpoint, operation_model, request_dict))
            return original(endpoint, operation_model, request_dict)

        return make_request

    def _gate_sign(self, original: Any) -> Any:
        key = self._judge.key

        def sign(
            signer: Any,
            operation_name: str,
            request: Any,
            region_name: Any = None,
            signing_type: str = "standard",
            *args: Any,
            **kwargs: Any,
        ) -> Any:
            ticket = request.context.get(key)
            if ticket is None or ticket.seal is not None:
                case = self._review_signing(signer, operation_name, request, signing_type != "standard")
                if case is not None:
                    self._judge.settle(case)
            return original(signer, operation_name, request, region_name, signing_type, *args, **kwargs)

        return sign

    def _gate_sign_async(self, original: Any) -> Any:
        key = self._judge.key

        async def sign(
            signer: Any,
            operation_name: str,
            request: Any,
            region_name: Any = None,
            signing_type: str = "standard",
            *args: Any,
            **kwargs: Any,
        ) -> Any:
            ticket = request.context.get(key)
            if ticket is None or ticket.seal is not None:
                case = self._review_signing(signer, operation_name, request, signing_type != "standard")
                if case is not None:
                    await aio.settle(self._judge, case)
            return await original(signer, operation_name, request, region_name, signing_type, *args, **kwargs)

        return sign

    def _gate_add_auth(self, original: Any) -> Any:
        key = self._judge.key

        def add_auth(auth: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            ticket = request.context.get(key)
            if ticket is None or ticket.seal is not None:
                case = self._review_auth(auth, request)
                if case is not None:
                    self._judge.settle(case)
            return original(auth, request, *args, **kwargs)

        return add_auth

    def _gate_prepare(self, original: Any) -> Any:
        if "context" in inspect.signature(AWSPreparedRequest).parameters:
            return original

        def prepare(request: Any) -> Any:
            prepared = original(request)
            if getattr(prepared, "context", None) is None:
                prepared.context = request.context
            return prepared

        return prepare

    def _gate_send(self, original: Any) -> Any:
        def send(session: Any, request: Any) -> Any:
            if self._must_look(request):
                case = self._review_sending(request)
                if case is not None:
                    self._judge.settle(case)
                if self._mark(request):
                    try:
                        return self._pass(original, session, request)
                    finally:
                        self._returned()
            return self._pass(original, session, request)

        return send

    def _gate_send_async(self, original: Any) -> Any:
        async def send(session: Any, request: Any) -> Any:
            if self._must_look(request):
                case = self._review_sending(request)
                if case is not None:
                    await aio.settle(self._judge, case)
                if self._mark(request):
                    try:
                        return await original(session, request)
                    finally:
                        self._returned()
            return await original(session, request)

        return send

    def _pass(self, original: Any, session: Any, request: Any) -> Any:
        if self._tripwire is None:
            return original(session, request)
        with self._tripwire.passing():
            return original(session, request)

    def _gate_spawn(self, original: Any) -> Any:
        return hand_on(original, self._inherited)

    # -- what each place knows of a request ----------------------------------------------------------------------

    def _must_look(self, request: Any) -> bool:
        ticket = self._judge.ticket(getattr(request, "context", None))
        if ticket is not None and self._judge.still_harmless(ticket, request):
            return False
        return self._active

    def _mark(self, request: Any) -> bool:
        """Put the decision's id onto a governed request; False for any other."""
        ticket = self._judge.ticket(getattr(request, "context", None))
        if ticket is None or ticket.decision_id is None:
            return False
        trace.mark(request.headers, ticket.decision_id)
        return True

    def _review_signing(self, signer: Any, operation_name: str, request: Any, presigned: bool) -> Case | None:
        if not self._active:
            return None
        context = request.context
        return self._judge.review(
            signer.signing_name, operation_name, of_request(request), context, signer, presigned=presigned
        )

    def _review_auth(self, auth: Any, request: Any) -> Case | None:
        if not self._active:
            return None
        context = request.context
        service = getattr(auth, "_service_name", None)
        ticket = self._judge.ticket(context)
        default = ticket.operation if ticket is not None else ""
        presigned = any(word in type(auth).__name__ for word in ("Query", "Post"))
        return self._judge.review(service, default, of_request(request), context, auth, presigned=presigned)

    def _review_sending(self, request: Any) -> Case | None:
        out = of_prepared(request)
        context = getattr(request, "context", None)
        ticket = self._judge.ticket(context)
        if ticket is not None:
            return self._judge.review(ticket.service, ticket.operation, out, context, ticket.signer)
        place = scope(out)
        return self._judge.review(place[1] if place else None, "", out, context, None)
