"""Where botocore asks the judge: event handlers that decide, and gates that make sure they were asked.

A decision is made at `before-call`, from the serialized request. Registering a handler on a client that another thread
is using can be missed by botocore's handler cache, and handlers can be removed; the gates are what makes that
harmless. Each of them checks that what passes is what was judged, and has it judged where it was not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakSet

from botocore.client import BaseClient
from botocore.model import OperationModel
from botocore.session import Session

from guardrails.intercept.checks import Checks
from guardrails.intercept.gates import Gates
from guardrails.intercept.judge import Judge
from guardrails.intercept.reading import read_call
from guardrails.intercept.request.outgoing import of_dict
from guardrails.intercept.tripwire import Tripwire
from guardrails.intercept.wrappers import Replacements
from guardrails.values import Call, Origin

Returned = Callable[[str | None, int | None], None]
Spawn = Callable[[Any], Any]

_EVENTS = ("before-call", "before-sign", "before-send")
# Ends of the signature versions whose signature goes into a URL or a form, for somebody else to send.
_PRESIGNED = ("-query", "-presign-post")


class Interceptor:
    """Puts a judge into botocore.

    `returned(decision_id, status)` is told when a governed request has come back, or failed (no status).
    `spawn` is the gate that hands the guard on to processes started by multiprocessing. A
    `tripwire` is told what passed the gates.
    """

    def __init__(self, judge: Judge, returned: Returned, spawn: Spawn, tripwire: Tripwire | None = None) -> None:
        self._judge = judge
        self._checks = Checks(judge)
        self._tripwire = tripwire
        self._gates = Gates(Replacements(self._checks, self._remember, returned, spawn, tripwire).by_kind())
        self._clients: WeakSet[Any] = WeakSet()
        self._emitters: list[Any] = []
        self._installed = False

    def install(self) -> None:
        """Guard every client of the process, existing ones too. Raises ConfigError where a gate has no place."""
        if self._installed:
            return
        self._checks.active = self._installed = True
        if self._tripwire is not None:
            self._tripwire.arm()
        try:
            self._gates.put()
        except BaseException:
            self.uninstall()
            raise

    def uninstall(self) -> None:
        """Take gates and handlers out again; botocore has its original functions back."""
        # Clients made by an attached session carry copies of its handlers, which nobody can find again; and somebody
        # may stand before a gate, which then cannot be taken out. They are inert from here on.
        self._checks.active = self._installed = False
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

    def displaced(self) -> list[str]:
        """The functions of botocore in front of whose gate somebody else stands."""
        return self._gates.displaced()

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
        self._checks.active = True
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
        service = self._judge.services.of_model(model)
        context = {"client_region": client.meta.region_name, "client_config": client.meta.config}
        origin = self._judge.origin(signer, client.meta.endpoint_url, context)
        if operation is None:
            return Call(service, "", {}, origin.region, origin.endpoint_url), origin
        name = client.meta.method_to_api_mapping.get(operation, operation)
        wire = client._serializer.serialize_to_request(dict(params), model.operation_model(name))  # type: ignore[attr-defined]
        return read_call(service, name, lambda: model, of_dict(wire), origin, presigned=False), origin

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
        return self._checks.settle(self._checks.calling(model, params, request_signer, context), request_signer)

    def _before_sign(
        self, request: Any, request_signer: Any, operation_name: str, signature_version: Any, **_: Any
    ) -> Awaitable[None] | None:
        presigned = str(signature_version).endswith(_PRESIGNED)
        case = self._checks.signing(request_signer, operation_name, request, presigned=presigned)
        return self._checks.settle(case, request_signer)

    def _before_send(self, request: Any, **_: Any) -> Awaitable[None] | None:
        # Older versions of botocore drop the ticket on the way here, where no gate hands it on.
        if not self._checks.active or not hasattr(request, "context"):
            return None
        case = self._checks.sending(request)
        if case is None:
            self._checks.mark(request)
            return None
        return self._checks.settle(case, case.signer)
