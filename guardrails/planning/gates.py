"""Where a plan meets botocore: gates outside of the guard's own, for as long as the plan lasts.

A client's call that may change something is answered where it would go to the endpoint, below every event handler. A
read goes on. Whatever else reaches a signer or the network, such as a presigned or hand-made request, leaves only if it
certainly reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from guardrails.aws.endpoints import is_aws
from guardrails.aws.uninstrumented import OWN
from guardrails.intercept.gates import PATCH_POINTS, Gate
from guardrails.intercept.judge import Judge
from guardrails.intercept.request.outgoing import Outgoing, credential_scope, header, of_prepared, of_request
from guardrails.intercept.seal import Seal
from guardrails.intercept.ticket import PASSED

# Inside a client's call: what botocore presigns there, as for CopySnapshot, is a part of it.
_in_call: ContextVar[bool] = ContextVar("guardrails_plan_call", default=False)


class Handler(Protocol):
    """What happens to a call; of a plan, or of an approved plan that is being run."""

    active: bool
    judge: Judge

    def kind(self, service: str | None, operation: str, /) -> str:
        """``read``, ``change`` or ``unknown``."""
        ...

    def handle(self, call: Outbound, original: Callable[..., Any], /) -> Any:
        """A call of a client: send it with `original(request_dict)`, or return (http, parsed). May block."""
        ...

    def refused(self, service: str | None, operation: str, out: Outgoing, how: str, /) -> Exception:
        """The exception for a request that no client made as an ordinary call."""
        ...


class Outbound:
    """A client's call at the endpoint."""

    __slots__ = ("credentials", "endpoint", "model", "request", "signer")

    def __init__(self, endpoint: Any, model: Any, request: dict[str, Any], signer: Any) -> None:
        self.endpoint, self.model, self.request, self.signer = endpoint, model, request, signer
        self.credentials: Any = None


def gates(handler: Handler) -> Mapping[str, Gate]:
    """A gate for every kind of PATCH_POINTS; those that need none return the function itself."""
    own: dict[str, Gate] = {
        "api_call": partial(_api_call, handler),
        "api_call_async": partial(_api_call_async, handler),
        "make_request": partial(_make_request, handler),
        "sign": partial(_sign, handler),
        "sign_async": partial(_sign_async, handler),
        "add_auth": partial(_add_auth, handler),
        "send": partial(_send, handler),
        "send_async": partial(_send_async, handler),
    }
    return {kind: own.get(kind, _itself) for kind in PATCH_POINTS.values()}


def pass_on(handler: Handler, call: Outbound, service: str, operation: str, out: Outgoing) -> None:
    """Let this request through the gates that follow, in this form only."""
    seal = Seal.of(service, out, handler.judge.services.headers(service, operation))
    call.request.setdefault("context", {})[PASSED] = seal


def _itself(original: Any) -> Any:
    return original


def _api_call(_handler: Handler, original: Any) -> Any:
    def _make_api_call(client: Any, operation_name: str, api_params: Any) -> Any:
        token = _in_call.set(True)
        try:
            return original(client, operation_name, api_params)
        finally:
            _in_call.reset(token)

    return _make_api_call


def _api_call_async(_handler: Handler, original: Any) -> Any:
    async def _make_api_call(client: Any, operation_name: str, api_params: Any) -> Any:
        token = _in_call.set(True)
        try:
            return await original(client, operation_name, api_params)
        finally:
            _in_call.reset(token)

    return _make_api_call


def _make_request(handler: Handler, original: Any) -> Any:
    def make_request(endpoint: Any, operation_model: Any, request_dict: dict[str, Any]) -> Any:
        if not handler.active:
            return original(endpoint, operation_model, request_dict)
        client = handler.judge.client_of.get(endpoint)
        signer = client._request_signer if client is not None else None
        call = Outbound(endpoint, operation_model, request_dict, signer)
        send = partial(original, endpoint, operation_model)
        if inspect.iscoroutinefunction(endpoint._send_request):
            return _in_thread(handler, call, send)
        return handler.handle(call, send)

    return make_request


async def _in_thread(handler: Handler, call: Outbound, send: Callable[..., Any]) -> Any:
    """A client of aiobotocore: the decision is made in a thread, and what is sent is awaited here."""
    asyncio = import_module("asyncio")
    credentials = getattr(call.signer, "_credentials", None)
    if credentials is not None:
        frozen = credentials.get_frozen_credentials()
        call.credentials = await frozen if inspect.isawaitable(frozen) else frozen
    loop = asyncio.get_running_loop()

    def wait(request: dict[str, Any]) -> Any:
        async def sent() -> Any:
            return await send(request)

        return asyncio.run_coroutine_threadsafe(sent(), loop).result()

    return await asyncio.to_thread(handler.handle, call, wait)


def _checked(handler: Handler, signer: Any, operation: str, request: Any, *, presigned: bool) -> None:
    """Raise for a request that is about to be signed and is no read, unless it was let through already."""
    context = request.context
    if not handler.active or PASSED in context or (presigned and _in_call.get()):
        return
    out = of_request(request)
    services = handler.judge.services
    service = services.of_request(signer.signing_name, out, signer)
    name = services.action(service, operation, out)
    client = services.client_of.get(signer)
    # The guard's own clients keep its log and memory; what they say of a plan is decided elsewhere.
    own = client is not None and OWN in vars(client)
    if not own and handler.kind(service, name) != "read":
        raise handler.refused(service, name, out, f"a {'presigned' if presigned else 'hand-made'} {name} request")
    context[PASSED] = Seal.of(service or "", out, services.headers(service or "", name))


def _sign(handler: Handler, original: Any) -> Any:
    def sign(signer: Any, operation_name: str, request: Any, *args: Any, **kwargs: Any) -> Any:
        _checked(handler, signer, operation_name, request, presigned=_presigns(*args, **kwargs))
        return original(signer, operation_name, request, *args, **kwargs)

    return sign


def _sign_async(handler: Handler, original: Any) -> Any:
    async def sign(signer: Any, operation_name: str, request: Any, *args: Any, **kwargs: Any) -> Any:
        _checked(handler, signer, operation_name, request, presigned=_presigns(*args, **kwargs))
        return await original(signer, operation_name, request, *args, **kwargs)

    return sign


def _presigns(_region_name: Any = None, signing_type: str = "standard", *_: Any, **__: Any) -> bool:
    return signing_type != "standard"


def _add_auth(handler: Handler, original: Any) -> Any:
    def add_auth(auth: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if handler.active and PASSED not in request.context and not _in_call.get():
            _hand_made(handler, getattr(auth, "_service_name", None), of_request(request))
        return original(auth, request, *args, **kwargs)

    return add_auth


def _hand_made(handler: Handler, signing_name: str | None, out: Outgoing) -> None:
    services = handler.judge.services
    service = services.of_request(signing_name, out)
    name = services.action(service, "", out)
    rest = services.rest(service) if service is not None and service in services.known else None
    reads = rest is not None and out.method.upper() in ("GET", "HEAD") and not name
    if not reads and handler.kind(service, name) != "read":
        raise handler.refused(service, name, out, f"a hand-made {name or out.method} request")


def _let_out(handler: Handler, request: Any) -> None:
    """Raise for a request that is about to leave and was not let through in this form."""
    if not handler.active:
        return
    out, context = of_prepared(request), getattr(request, "context", None) or {}
    seal = context.get(PASSED)
    if seal is not None and seal.holds(out):
        return
    scope = credential_scope(out)
    if seal is None and scope is None and not is_aws(_host(out.url)):
        # Where libraries get their credentials: the metadata of a machine or a container.
        return
    if scope is None and seal is None and _asks_only(out):
        return
    _hand_made(handler, scope[1] if scope else None, out)


def _asks_only(out: Outgoing) -> bool:
    """Whether this is an unsigned GET or HEAD without an operation: a public page, such as AWS's address ranges."""
    signed = header(out.headers, "Authorization") or any(each in out.url for each in ("Signature=", "Action="))
    return out.method.upper() in ("GET", "HEAD") and not signed


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0]


def _send(handler: Handler, original: Any) -> Any:
    def send(session: Any, request: Any) -> Any:
        _let_out(handler, request)
        return original(session, request)

    return send


def _send_async(handler: Handler, original: Any) -> Any:
    async def send(session: Any, request: Any) -> Any:
        _let_out(handler, request)
        return await original(session, request)

    return send
