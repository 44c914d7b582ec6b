"""The hooks in botocore: one event handler that decides, and class-level gates that make sure it was asked.

A decision is made at `before-call`, from the serialized request. It leaves a ticket in the request context, the
dict that botocore carries from there through every retry, so a call is decided once however often it is sent.
The gates:

    BaseClient._make_api_call   gives clients that existed before install() their handler
    Endpoint.make_request       decides where the ticket is missing
    RequestSigner.sign          decides presigned requests, which never see before-call

Registering a handler on a client that another thread is using can be missed by botocore's handler cache; the
gate on make_request is what makes that harmless.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakSet

from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.model import OperationModel, ServiceModel
from botocore.session import Session
from botocore.signers import RequestSigner

from guardrails.errors import CallDenied
from guardrails.intercept.reading import read_call
from guardrails.intercept.wire import action_of
from guardrails.origin import Origin
from guardrails.values import Call

IsCandidate = Callable[[str, str], bool]
Decide = Callable[[Call, Origin], None]
Returned = Callable[[], None]
Models = Callable[[str], ServiceModel]

_GATES: tuple[tuple[type, str], ...] = (
    (BaseClient, "_make_api_call"),
    (Endpoint, "make_request"),
    (RequestSigner, "sign"),
)


class Interceptor:
    """Calls `decide(call, origin)` for every call that `is_candidate(signing_name, operation)` lets through.

    `decide` raises to block. `returned()` is told when a candidate call came back.
    `models(signing_name)` gives the service model of a request that does not come with one.
    """

    def __init__(self, is_candidate: IsCandidate, decide: Decide, returned: Returned, models: Models) -> None:
        self._is_candidate = is_candidate
        self._decide = decide
        self._returned = returned
        self._models = models
        # One ticket per guard: two guards on one client each decide.
        self._ticket = f"guardrails-{id(self):x}"
        self._own: WeakSet[BaseClient] = WeakSet()
        self._clients: WeakSet[BaseClient] = WeakSet()
        self._client_of: WeakKeyDictionary[Any, BaseClient] = WeakKeyDictionary()
        self._emitters: list[Any] = []
        self._originals: list[tuple[type, str, Any]] = []
        # Clients made by an attached session carry copies of its handlers, which nobody can find again.
        self._active = False

    def install(self) -> None:
        """Put the gates into botocore's classes: every client of the process, existing ones too."""
        self._active = True
        if self._originals:
            return
        replacements = (self._gate_api_call, self._gate_make_request, self._gate_sign)
        for (owner, name), make in zip(_GATES, replacements, strict=True):
            original = owner.__dict__[name]
            self._originals.append((owner, name, original))
            setattr(owner, name, make(original))

    def uninstall(self) -> None:
        """Take gates and handlers out again; botocore has its original functions back."""
        self._active = False
        for owner, name, original in self._originals:
            setattr(owner, name, original)
        self._originals.clear()
        for client in list(self._clients):
            self._unregister(client.meta.events)
        self._clients.clear()
        for emitter in self._emitters:
            self._unregister(emitter)
        self._emitters.clear()

    def attach(self, target: Any) -> None:
        """Guard one client, or every client that one session creates from now on (botocore's or boto3's)."""
        self._active = True
        client = getattr(getattr(target, "meta", None), "client", target)
        if isinstance(client, BaseClient):
            self._remember(client)
            client.meta.events.register_last("before-sign", self._before_sign, unique_id=f"{self._ticket}-sign")
            return
        session = getattr(target, "_session", target)
        if not isinstance(session, Session):
            raise TypeError(
                f"attach() takes a botocore client, a boto3 resource or a session, not {type(target).__name__}"
            )
        emitter = session.get_component("event_emitter")
        emitter.register_last("before-call", self._before_call, unique_id=self._ticket)
        emitter.register_last("before-sign", self._before_sign, unique_id=f"{self._ticket}-sign")
        self._emitters.append(emitter)

    def exempt(self, client: BaseClient) -> None:
        """Mark a client of the guard's own: its Describe, Get and List calls are let through unseen."""
        self._own.add(client)
        client.meta.events.register_first("before-call", self._let_lookup_pass, unique_id=f"{self._ticket}-own")

    def read(self, client: Any, operation: str | None, params: Mapping[str, Any]) -> tuple[Call, Origin]:
        """A what-if call of a client (or boto3 resource), serialized and read back as if it were sent.

        None as the operation gives a call without name or parameters, for its origin's sake.
        """
        client = getattr(getattr(client, "meta", None), "client", client)
        if not isinstance(client, BaseClient):
            raise TypeError(f"expected a botocore client or a boto3 resource, not {type(client).__name__}")
        self._client_of[client._request_signer] = client  # type: ignore[attr-defined]
        model = client.meta.service_model
        context = {"client_region": client.meta.region_name, "client_config": client.meta.config}
        origin = self._origin(client._request_signer, client.meta.endpoint_url, context)  # type: ignore[attr-defined]
        if operation is None:
            return Call(model.signing_name, "", {}, origin.region, origin.endpoint_url), origin
        name = client.meta.method_to_api_mapping.get(operation, operation)
        wire = client._serializer.serialize_to_request(dict(params), model.operation_model(name))  # type: ignore[attr-defined]
        return read_call(model.signing_name, name, lambda: model, wire, origin, presigned=False), origin

    def _let_lookup_pass(self, model: OperationModel, context: dict[str, Any], **_: Any) -> None:
        if model.name.startswith(("Describe", "Get", "List")):
            context[self._ticket] = True

    def _unregister(self, emitter: Any) -> None:
        emitter.unregister("before-call", unique_id=self._ticket)
        emitter.unregister("before-sign", unique_id=f"{self._ticket}-sign")

    def _remember(self, client: BaseClient) -> None:
        client.meta.events.register_last("before-call", self._before_call, unique_id=self._ticket)
        self._client_of[client._request_signer] = client  # type: ignore[attr-defined]
        self._client_of[client._endpoint] = client  # type: ignore[attr-defined]
        self._clients.add(client)

    # -- gates -------------------------------------------------------------------------------------------------

    def _gate_api_call(self, original: Any) -> Any:
        @functools.wraps(original)
        def _make_api_call(client: BaseClient, operation_name: str, api_params: Any) -> Any:
            if client not in self._clients and client not in self._own:
                self._remember(client)
            denied = False
            try:
                return original(client, operation_name, api_params)
            except CallDenied:
                denied = True
                raise
            finally:
                if not denied and self._is_candidate(client.meta.service_model.signing_name, operation_name):
                    self._returned()

        return _make_api_call

    def _gate_make_request(self, original: Any) -> Any:
        @functools.wraps(original)
        def make_request(endpoint: Any, operation_model: OperationModel, request_dict: dict[str, Any]) -> Any:
            context = request_dict.get("context")
            if context is None or self._ticket not in context:
                client = self._client_of.get(endpoint)
                signer = getattr(client, "_request_signer", None)
                self._judge(operation_model, request_dict, context, signer, presigned=False)
            return original(endpoint, operation_model, request_dict)

        return make_request

    def _gate_sign(self, original: Any) -> Any:
        @functools.wraps(original)
        def sign(signer: Any, operation_name: str, request: Any, *args: Any, **kwargs: Any) -> Any:
            self._judge_signing(signer, operation_name, request)
            return original(signer, operation_name, request, *args, **kwargs)

        return sign

    # -- handlers ----------------------------------------------------------------------------------------------

    def _before_call(
        self, model: OperationModel, params: dict[str, Any], request_signer: Any, context: dict[str, Any], **_: Any
    ) -> None:
        if self._active and self._ticket not in context:
            self._judge(model, params, context, request_signer, presigned=False)

    def _before_sign(self, request: Any, request_signer: Any, operation_name: str, **_: Any) -> None:
        if self._active:
            self._judge_signing(request_signer, operation_name, request)

    # -- from a request to a Call ------------------------------------------------------------------------------

    def _judge_signing(self, signer: Any, operation_name: str, request: Any) -> None:
        context = request.context
        if self._ticket in context:
            return
        service = signer.signing_name
        action = action_of(operation_name, request.data, request.headers)
        if self._is_candidate(service, action):
            wire = {"url": request.url, "body": request.data}
            self._submit(service, action, lambda: self._models(service), wire, context, signer, presigned=True)
        context[self._ticket] = True

    def _judge(
        self,
        model: OperationModel,
        request_dict: dict[str, Any],
        context: dict[str, Any] | None,
        signer: Any,
        *,
        presigned: bool,
    ) -> None:
        service = model.service_model.signing_name
        action = action_of(model.name, request_dict.get("body"), request_dict.get("headers"))
        if self._is_candidate(service, action):
            self._submit(
                service, action, lambda: model.service_model, request_dict, context, signer, presigned=presigned
            )
        if context is not None:
            context[self._ticket] = True

    def _submit(
        self,
        service: str,
        action: str,
        model: Callable[[], ServiceModel],
        wire: Mapping[str, Any],
        context: Mapping[str, Any] | None,
        signer: Any,
        *,
        presigned: bool,
    ) -> None:
        origin = self._origin(signer, wire.get("url", ""), context or {})
        self._decide(read_call(service, action, model, wire, origin, presigned=presigned), origin)

    def _origin(self, signer: Any, url: str, context: Mapping[str, Any]) -> Origin:
        client = self._client_of.get(signer) if signer is not None else None
        config = context.get("client_config") or (client.meta.config if client is not None else None)
        http = getattr(getattr(client, "_endpoint", None), "http_session", None)
        parts = urlsplit(url)
        return Origin(
            credentials=getattr(signer, "_credentials", None),
            region=str(context.get("client_region") or getattr(signer, "_region_name", "") or ""),
            service=str((getattr(client, "_service_model", None) and client.meta.service_model.service_name) or ""),  # type: ignore[union-attr]
            endpoint_url=f"{parts.scheme}://{parts.netloc}",
            verify=getattr(http, "_verify", None),
            proxies=getattr(config, "proxies", None),
        )
