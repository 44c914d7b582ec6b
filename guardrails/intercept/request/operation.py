"""Which service a request is for, by its key in the catalogue, and which of its operations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from botocore.model import ServiceModel, StructureShape

from guardrails.intercept.request.headers import ParameterHeaders
from guardrails.intercept.request.outgoing import Outgoing, action_of, header, version_of
from guardrails.intercept.request.routes import GovernedRoutes, Routes
from guardrails.values import frozen
from guardrails.waiting.interruptions import fails_by_itself

_MANY = 1_000
# S3 signs some requests under other names.
_ALIASES = {"s3express": "s3", "s3-object-lambda": "s3"}


@frozen(eq=False)
class Rest:
    """A service with a REST protocol, and its governed operations by HTTP method."""

    routes: Routes
    governed: Mapping[str, GovernedRoutes]

    def clear(self, method: str, url: str) -> bool:
        """True for a request that is clearly none of the governed operations."""
        of_method = self.governed.get(method)
        if of_method is None:
            return method in self.routes.methods
        return of_method.clear(url) or not self.routes.may_be(Outgoing(method, url, {}, None), of_method)


class KnownOperations(Protocol):
    """What interception asks the catalogue. A service's key is the catalogue's name for it."""

    @property
    def services(self) -> frozenset[str]:
        """The keys of the services that have governed operations."""
        ...

    def governs(self, service: str | None, operation: str, /) -> bool:
        """True for a governed operation; of any service where the service is unknown (None)."""
        ...

    def joins(self, service: str | None, operation: str, /) -> bool:
        """True for an ungoverned operation after which more may serve, or be used by what serves, than before."""
        ...

    def service_of(self, signing_name: str, api_version: str, /) -> str:
        """The key of a service; the version is "" where it is unknown."""
        ...

    def owner(self, operation: str, /) -> str | None:
        """The key of a service with an operation of this name."""
        ...

    def botocore_service(self, key: str, /) -> str:
        """What botocore calls a service."""
        ...


class ServiceModels(Protocol):
    """Loads botocore's service models, as a session does."""

    def get_service_model(self, service_name: str, /) -> ServiceModel:
        """By botocore's name of the service. Raises botocore's errors."""
        ...


class Services:
    """The services that the guard knows, each by its key, which is None for an unknown service."""

    def __init__(self, catalogue: KnownOperations, models: ServiceModels) -> None:
        self.known = catalogue.services
        self._catalogue = catalogue
        self._models = models
        self._keys: dict[tuple[str, str], str] = {}
        self._rest: dict[str, Rest | None] = {}
        self.client_of: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def of_model(self, model: ServiceModel) -> str:
        """The key of the service that a client speaks to."""
        return self._known(model.signing_name, model.api_version)

    def named(self, model: ServiceModel) -> str | None:
        """The same; None where that fails, so that the name of an operation decides alone."""
        try:
            return self.of_model(model)
        except Exception as error:
            if not fails_by_itself(error, lambda: self.of_model(model)):
                raise
            return None

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
            key = self._catalogue.service_of(signing_name, version)
            # The version comes from the request, so there is no limit to how many there are.
            if len(self._keys) < _MANY:
                self._keys[signing_name, version] = key
        return key

    def concerns(self, service: str | None) -> bool:
        """False for a service without any governed operation."""
        return service is None or service in self.known

    def governing(self, action: str) -> str:
        """The service whose governed operation this is; without an owner, any that governs the name."""
        return self._catalogue.owner(action) or next(
            name for name in sorted(self.known) if self._catalogue.governs(name, action)
        )

    def model(self, service: str) -> ServiceModel:
        """The guard's own model of a service: a client's may have been changed."""
        return self._models.get_service_model(self._catalogue.botocore_service(service))

    def headers(self, service: str, action: str) -> ParameterHeaders:
        """The headers that hold parameters; none for an unknown operation, which is undecodable anyway."""
        try:
            return ParameterHeaders.of(self.model(service).operation_model(action))
        except Exception:
            return ParameterHeaders()

    def rest(self, service: str) -> Rest | None:
        """How to read the requests of a service with a REST protocol; None for another protocol."""
        try:
            return self._rest[service]
        except KeyError:
            self._rest[service] = rest = self._read(service)
            return rest

    def _read(self, service: str) -> Rest | None:
        if service not in self.known:
            return None
        try:
            routes = Routes.of(self.model(service))
        except Exception:
            # This version of botocore does not know the service. Its governed calls are undecodable.
            return None
        return None if routes is None else Rest(routes, routes.governed(partial(self._catalogue.governs, service)))

    def in_body(self, service: str | None, default: str, out: Outgoing) -> bool:
        """Whether it takes the body to say what a request does: an upload can be read only once, and is left alone."""
        form = "form" in header(out.headers, "Content-Type")
        if service is None:
            return form
        operation = self.action(service, default, out)
        governed = self._catalogue.governs(service, operation)
        if self.rest(service) is not None:
            return governed and not self._uploads(service, operation)
        # JSON and CBOR name the operation elsewhere, a form does itself.
        elsewhere = header(out.headers, "X-Amz-Target") or header(out.headers, "smithy-protocol")
        return governed or form or not elsewhere

    def _uploads(self, service: str, operation: str) -> bool:
        """Whether the body is a member of its own, which the guard does not look at."""
        shape: Any = self.model(service).operation_model(operation).input_shape
        holder = shape.serialization.get("payload") if shape is not None else None
        return holder is not None and not isinstance(shape.members[holder], StructureShape)

    def action(self, service: str | None, default: str, out: Outgoing) -> str:
        """The operation that AWS would run; `default` is what botocore calls it."""
        governed = partial(self._catalogue.governs, service)
        rest = self.rest(service) if service is not None else None
        if rest is None:
            # What is known to be harmful comes before what was never reviewed.
            return action_of(
                default, out, lambda name: governed(name) and self._catalogue.owner(name) is not None, governed
            )
        of_method = rest.governed.get(out.method.upper())
        if governed(default) or (of_method and (not default or rest.routes.may_be(out, of_method))):
            return rest.routes.operation(default, out, governed)
        return default
