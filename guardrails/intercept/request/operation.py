"""Which service a request is for, in the catalogue's words, and which of its operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from attrs import frozen
from botocore.model import ServiceModel

from guardrails.intercept.request.headers import Names
from guardrails.intercept.request.outgoing import Outgoing, action_of, version_of
from guardrails.intercept.request.routes import Routes

Governs = Callable[[str | None, str], bool]
Models = Callable[[str], ServiceModel]
ServiceOf = Callable[[str, str], str]
Owner = Callable[[str], str | None]

_MANY = 1_000
# S3 signs some requests with other names.
_ALIASES = {"s3express": "s3", "s3-object-lambda": "s3"}


@frozen(eq=False)
class Rest:
    """A service with a REST protocol; `governed` are the HTTP methods of its governed operations."""

    routes: Routes
    governed: frozenset[str]


class Services:
    """The services that the guard knows, each by its key, which is None where nobody can tell."""

    def __init__(
        self, governs: Governs, known: frozenset[str], models: Models, service_of: ServiceOf, owner: Owner
    ) -> None:
        self.known = known
        self._governs = governs
        self._models = models
        self._service_of = service_of
        self._owner = owner
        self._keys: dict[tuple[str, str], str] = {}
        self._rest: dict[str, Rest | None] = {}
        self.client_of: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def of_model(self, model: ServiceModel) -> str:
        """The key of the service that a client speaks to."""
        return self._known(model.signing_name, model.api_version)

    def of_request(self, signing_name: str | None, out: Outgoing, signer: Any = None) -> str | None:
        """The key of the service that a request is signed for; a client's own signer knows it best."""
        if signing_name is None:
            return None
        client = self.client_of.get(signer) if signer is not None else None
        if client is not None and client.meta.service_model.signing_name == signing_name:
            return self.of_model(client.meta.service_model)
        return self._known(_ALIASES.get(signing_name, signing_name), version_of(out))

    def _known(self, signing_name: str, version: str) -> str:
        key = self._keys.get((signing_name, version))
        if key is None:
            key = self._service_of(signing_name, version)
            # A version may come from anybody's request: not all of them are kept.
            if len(self._keys) < _MANY:
                self._keys[signing_name, version] = key
        return key

    def concerns(self, service: str | None) -> bool:
        """False for a service of which no call is governed."""
        return service is None or service in self.known

    def governing(self, action: str) -> str:
        """The service whose governed operation this is; without an owner, any that would have it judged."""
        return self._owner(action) or next(name for name in sorted(self.known) if self._governs(name, action))

    def model(self, service: str) -> ServiceModel:
        """The guard's own model of a service: a client's may have been changed."""
        return self._models(service)

    def headers(self, service: str, action: str) -> Names:
        """Those with parameters; none where the operation is unknown, which is then undecodable anyway."""
        try:
            return Names.of(self._models(service).operation_model(action))
        except Exception:
            return Names()

    def rest(self, service: str) -> Rest | None:
        """How to read the requests of a service with a REST protocol; None for another, made once."""
        try:
            return self._rest[service]
        except KeyError:
            self._rest[service] = found = self._read(service)
            return found

    def _read(self, service: str) -> Rest | None:
        if service not in self.known:
            return None
        try:
            routes = Routes.of(self._models(service))
        except Exception:
            # This version of botocore does not know the service. Its harmless calls pass; no other can be read.
            return None
        return None if routes is None else Rest(routes, routes.methods(partial(self._governs, service)))

    def action(self, service: str | None, default: str, out: Outgoing) -> str:
        """The operation that AWS would run; `default` is what botocore calls it."""
        governed = partial(self._governs, service)
        rest = self.rest(service) if service is not None else None
        if rest is None:
            return action_of(default, out, governed)
        if out.method.upper() in rest.governed or governed(default):
            return rest.routes.operation(default, out, governed)
        return default
