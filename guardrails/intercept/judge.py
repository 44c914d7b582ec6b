"""Is a request governed, has it been judged as it is now, and if not: have it judged. Knows no hook.

Every gate asks `review`. The answer None lets the request pass; a Case must be settled first, which may block. The
verdict stays with the request as a ticket in its context, the dict that botocore carries from `before-call` through
every attempt, so a call is decided once however often it is sent, and again when somebody changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from attrs import evolve, frozen

from guardrails.intercept.reading import read_call
from guardrails.intercept.request.operation import Governs, Models, Owner, ServiceOf, Services
from guardrails.intercept.request.outgoing import Outgoing, of_dict
from guardrails.intercept.seal import Seal
from guardrails.values import Call, Origin

Decide = Callable[[Call, Origin], str | None]
Context = MutableMapping[str, Any]


class Ticket(NamedTuple):
    """What is known of a request that passed a gate; `seal` and `decision_id` are None while nothing in it is governed.

    `service` is the catalogue's key. `url` and `method` are those of a harmless request where they tell its operation.
    (A tuple, not an attrs class: one is made for every call of the process.)
    """

    service: str
    operation: str
    signer: Any
    seal: Seal | None = None
    decision_id: str | None = None
    url: str = ""
    method: str = ""


@frozen(eq=False)
class Case:
    """A governed request that has not been judged as it is.

    `signer` is what signs it, a RequestSigner or a signature's own class: it has credentials and region.
    """

    service: str
    action: str
    out: Outgoing
    context: Context | None
    signer: Any
    presigned: bool


class Judge:
    """Has every governed request decided on by `decide(call, origin)`, which raises to block.

    It returns the decision's id. `service_of(signing_name, api_version)` gives a service's key, which is what
    `governs(key, operation)` (the key is None where nobody knows it), `services` and `models(key)` speak of; the
    version is "" where nobody knows it. `owner(operation)` is the key of a service that has an operation of this name.
    """

    def __init__(
        self,
        governs: Governs,
        services: frozenset[str],
        decide: Decide,
        models: Models,
        service_of: ServiceOf = lambda signing_name, _: signing_name,
        owner: Owner = lambda _: None,
    ) -> None:
        self._governs = governs
        self._decide = decide
        self.services = Services(governs, services, models, service_of, owner)
        # One ticket per guard: two guards on one client each decide.
        self.key = f"guardrails-{id(self):x}"
        self.client_of = self.services.client_of

    def ticket(self, context: Context | None) -> Ticket | None:
        """The ticket of a request that came past a gate."""
        return context.get(self.key) if context is not None else None

    def waves_through(
        self, service: str, default: str, request: Mapping[str, Any], context: Context, signer: Any
    ) -> bool:
        """True for a request dict of botocore's own making that is plainly not governed.

        Nearly every call of the process comes by here, so it costs next to nothing; `review` does the same with care.
        """
        url = method = ""
        if service in self.services.known:
            rest = self.services.rest(service)
            if rest is not None:
                url, method = request["url"], request["method"]
                if method in rest.governed:
                    # Nearly always what botocore says it is; but a handler of the script may have been here before.
                    default = self.services.action(service, default, of_dict(request))
            else:
                body, headers = request["body"], request["headers"]
                if type(body) is dict:
                    default = body.get("Action", default)
                elif "X-Amz-Target" in headers:
                    default = headers["X-Amz-Target"].rpartition(".")[2]
                elif "smithy-protocol" in headers:
                    url, method = request["url"], request["method"]
                    default = url.rpartition("/")[2]
                if "?" in request["url"]:
                    return False
            if self._governs(service, default):
                return False
        if self.key not in context:
            context[self.key] = Ticket(service, default, signer, None, None, url, method)
        return True

    def still_harmless(self, ticket: Ticket, request: Any) -> bool:
        """True for a prepared request that was harmless and plainly asks for the same; else `review` must look."""
        if ticket.seal is not None:
            return False
        if ticket.service not in self.services.known:
            return True
        if ticket.url:
            # The ticket has it where method and URL tell the operation: REST, and the RPC protocol with CBOR.
            if request.url != ticket.url or request.method != ticket.method:
                return False
            return "X-Amz-Target" not in request.headers or self.services.rest(ticket.service) is not None
        body = request.body
        if "?" in request.url:
            return False
        if type(body) is str:
            return body.startswith(f"Action={ticket.operation}&")
        if type(body) is bytes and body.startswith(b"{"):
            target = request.headers.get("X-Amz-Target")
            return type(target) is bytes and target.endswith(f".{ticket.operation}".encode())
        return False

    def review(
        self,
        service: str | None,
        default: str,
        out: Outgoing,
        context: Context | None,
        signer: Any,
        *,
        presigned: bool = False,
    ) -> Case | None:
        """None when the request may pass: it is not governed, or was judged and is still the same."""
        if not self.services.concerns(service):
            return None
        action = self.services.action(service, default, out)
        if self._governs(service, action):
            return self._unless_sealed(service, action, out, context, signer, presigned=presigned)
        if context is not None and self.key not in context:
            rest = service is not None and self.services.rest(service) is not None
            place = (out.url, out.method) if rest else ("", "")
            context[self.key] = Ticket(service or "", action, signer, None, None, *place)
        return None

    def _unless_sealed(
        self, service: str | None, action: str, out: Outgoing, context: Context | None, signer: Any, *, presigned: bool
    ) -> Case | None:
        ticket = self.ticket(context)
        if ticket is not None:
            if ticket.seal is not None and ticket.seal.holds(out):
                return None
            signer = signer if signer is not None else ticket.signer
        known = service or self.services.governing(action)
        return Case(known, action, out, context, signer, presigned)

    def settle(self, case: Case, credentials: Any = None) -> str | None:
        """Decide; raises CallDenied to block. Returns the decision's id.

        `credentials` are given where the signer's own cannot be read without waiting (aiobotocore).
        """
        # What is judged is a copy: the request may change while it is judged.
        seal = Seal.of(case.service, case.out, self.services.headers(case.service, case.action))
        origin = self.origin(case.signer, case.out.url, case.context or {}, credentials)
        call = read_call(
            case.service,
            case.action,
            lambda: self.services.model(case.service),
            case.out._replace(body=seal.body),
            origin,
            presigned=case.presigned,
        )
        if case.signer is None and not call.undecodable:
            call = evolve(call, undecodable="botocore did not sign it, so nobody knows which account it goes to")
        decision_id = self._decide(call, origin)
        if case.context is not None:
            case.context[self.key] = Ticket(case.service, case.action, case.signer, seal, decision_id)
        return decision_id

    def origin(self, signer: Any, url: str, context: Any, credentials: Any = None) -> Origin:
        """Whose request it is and where it goes."""
        client = self.client_of.get(signer) if signer is not None else None
        config = context.get("client_config") or (client.meta.config if client is not None else None)
        http = getattr(getattr(client, "_endpoint", None), "http_session", None)
        parts = urlsplit(url)
        if credentials is None:
            credentials = getattr(signer, "_credentials", None) or getattr(signer, "credentials", None)
        return Origin(
            credentials=credentials,
            region=str(context.get("client_region") or getattr(signer, "_region_name", "") or ""),
            service=str(client.meta.service_model.service_name) if client is not None else "",
            endpoint_url=f"{parts.scheme}://{parts.netloc}",
            verify=getattr(http, "_verify", None),
            proxies=getattr(config, "proxies", None),
        )
