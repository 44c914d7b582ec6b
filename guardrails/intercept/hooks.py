"""Where botocore calls the judge: event handlers that have a call decided on, and gates that make sure of it.

A decision is made at `before-call`, from the serialized request. botocore's handler cache can miss a handler that is
registered on a client while another thread uses it, and handlers can be removed. The gates make that harmless: each
checks that the passing request is the one that was decided on, and has it decided on if not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any
from weakref import WeakSet

from botocore.client import BaseClient
from botocore.model import OperationModel
from botocore.session import Session

from guardrails.aws import call_syntax
from guardrails.intercept import aio, endpoint, wrappers
from guardrails.intercept.gates import Gate, Gates
from guardrails.intercept.glance import GovernedNames
from guardrails.intercept.judge import Judge
from guardrails.intercept.reading import read_call
from guardrails.intercept.request.outgoing import of_dict
from guardrails.intercept.tripwire import Tripwire
from guardrails.values import Call, Origin

_EVENTS = ("before-call", "before-sign", "before-send")
# How signature versions end whose signature goes into a URL or a form, which someone else may send.
_PRESIGNED = ("-query", "-presign-post")


class Interceptor:
    """Puts a judge into botocore.

    `children` are the gates that hand the guard on to processes that this one starts. The `tripwire`, if any, learns
    which requests came through the gates.
    """

    def __init__(self, judge: Judge, children: Mapping[str, Gate], tripwire: Tripwire | None = None) -> None:
        self._judge = judge
        self._tripwire = tripwire
        self._gates = Gates({**self._wrappers(), **children})
        self._clients: WeakSet[Any] = WeakSet()
        self._emitters: list[Any] = []
        self._installed = False

    def _wrappers(self) -> Mapping[str, Gate]:
        judge = self._judge
        return {
            "api_call": partial(wrappers.api_call, judge, self._remember, self._listen),
            "api_call_async": partial(wrappers.api_call_async, judge, self._listen),
            "make_request": partial(endpoint.make_request, judge),
            "sign": partial(wrappers.sign, judge),
            "sign_async": partial(wrappers.sign_async, judge),
            "add_auth": partial(wrappers.add_auth, judge),
            "prepare": wrappers.prepare,
            "send": partial(wrappers.send, judge, self._tripwire),
            "send_async": partial(wrappers.send_async, judge),
        }

    def install(self) -> None:
        """Guard every client of the process, existing ones too. Raises ConfigError where a gate does not fit."""
        if self._installed:
            return
        self._judge.active = self._installed = True
        if self._tripwire is not None:
            self._tripwire.arm()
        try:
            self._gates.install()
        except BaseException:
            self.uninstall()
            raise

    def uninstall(self) -> None:
        """Take gates and handlers out again, and give botocore its original functions back."""
        # Some stay: clients of an attached session carry copies of its handlers, which cannot be found again, and a
        # gate that another library has wrapped cannot be taken out. They do nothing from here on.
        self._judge.active = self._installed = False
        if self._tripwire is not None:
            self._tripwire.disarm()
        self._gates.uninstall()
        for client in list(self._clients):
            self._unregister(client.meta.events)
            client.__dict__.pop(self._judge.key, None)
            client._endpoint.__dict__.pop(self._judge.key, None)
        self._clients.clear()
        for emitter in self._emitters:
            self._unregister(emitter)
        self._emitters.clear()

    def displaced(self) -> list[str]:
        """The functions of botocore whose gate another library has wrapped or replaced."""
        return self._gates.displaced()

    def attach(self, target: Any) -> None:
        """Guard one client, or every client that one session creates from now on (botocore's or boto3's).

        Only calls that raise botocore's events are decided on. The gates, which see every call, belong to `install`.
        """
        client = getattr(getattr(target, "meta", None), "client", target)
        session = getattr(target, "_session", target)
        if isinstance(client, BaseClient):
            self._listen(client)
            emitter: Any = client.meta.events
        elif isinstance(session, Session):
            emitter = session.get_component("event_emitter")
            self._emitters.append(emitter)
        else:
            raise TypeError(f"attach() takes a botocore client, boto3 resource or session, not {type(target).__name__}")
        self._judge.active = True
        for event, handler in zip(_EVENTS, (self._before_call, self._before_sign, self._before_send), strict=True):
            emitter.register_last(event, handler, unique_id=self._handler_id(event))

    def read(self, client: Any, operation: str | None, params: Mapping[str, Any]) -> tuple[Call, Origin]:
        """A what-if call of a client (or boto3 resource), serialized and read back as if it were sent.

        With None as the operation, a call without name or parameters, for the sake of its origin. Raises ConfigError
        for an unknown operation, botocore's ParamValidationError for parameters that botocore would refuse.
        """
        client = getattr(getattr(client, "meta", None), "client", client)
        if not isinstance(client, BaseClient):
            raise TypeError(f"expected a botocore client or boto3 resource, not {type(client).__name__}")
        signer: Any = client._request_signer  # type: ignore[attr-defined]
        self._judge.client_of[signer] = client
        model = client.meta.service_model
        service = self._judge.services.of_model(model)
        context = {"client_region": client.meta.region_name, "client_config": client.meta.config}
        origin = self._judge.origin(signer, client.meta.endpoint_url, context)
        if operation is None:
            return Call(service, "", {}, origin.region, origin.endpoint_url), origin
        name = call_syntax.operation(client, operation)
        wire = client._serializer.serialize_to_request(dict(params), model.operation_model(name))  # type: ignore[attr-defined]
        return read_call(service, name, lambda: model, of_dict(wire), origin, presigned=False), origin

    def _handler_id(self, event: str) -> str:
        return f"{self._judge.key}-{event}"

    def _unregister(self, emitter: Any) -> None:
        for event in _EVENTS:
            emitter.unregister(event, unique_id=self._handler_id(event))

    def _remember(self, client: Any) -> GovernedNames:
        signer = client._request_signer
        self._judge.client_of[signer] = client
        self._judge.client_of[client._endpoint] = client
        self._clients.add(client)
        # As their own attributes, because asking a weak set costs as much as a gate.
        setattr(client._endpoint, self._judge.key, signer)
        service = self._judge.services.named(client.meta.service_model)
        governed = client.__dict__[self._judge.key] = GovernedNames(self._judge.catalogue, service)
        return governed

    def _listen(self, client: Any) -> None:
        governed = client.__dict__.get(self._judge.key)
        if governed is None:
            governed = self._remember(client)
        events: Any = client.meta.events
        events.register_last("before-call", self._before_call, unique_id=self._handler_id("before-call"))
        governed.listening = True

    # -- event handlers ------------------------------------------------------------------------------------------

    def _before_call(
        self, model: OperationModel, params: dict[str, Any], request_signer: Any, context: dict[str, Any], **_: Any
    ) -> Awaitable[None] | None:
        judge = self._judge
        if not judge.active:
            return None
        if judge.clearly_ungoverned(model, params, context, request_signer):
            return None
        return aio.decide(judge, judge.review(model, params, context, request_signer))

    def _before_sign(
        self, request: Any, request_signer: Any, operation_name: str, signature_version: Any, **_: Any
    ) -> Awaitable[None] | None:
        presigned = str(signature_version).endswith(_PRESIGNED)
        pending = self._judge.review_signing(request_signer, operation_name, request, presigned=presigned)
        return aio.decide(self._judge, pending)

    def _before_send(self, request: Any, **_: Any) -> Awaitable[None] | None:
        # Older versions of botocore drop the ticket on the way here, where no gate hands it on.
        if not hasattr(request, "context"):
            return None
        pending = self._judge.review_sending(request)
        if pending is None:
            self._judge.mark(request)
        return aio.decide(self._judge, pending)
