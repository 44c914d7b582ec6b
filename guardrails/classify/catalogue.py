"""Look up which operations are governed, and what is known about each.

Every service that can hurt a running cluster has a file in ``operations/``, which is read when the service is first
called. ``long_tail.json`` covers other services for users who want them judged as well: only operations that name what
they end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from guardrails.classify import load
from guardrails.classify.entry import CatalogueEntry, Service

# Services that share a signing name; the last one is meant where a request does not name its version.
_SHARED = {
    "apigateway": ("apigatewayv2", "apigateway"),
    "elasticloadbalancing": ("elb", "elbv2"),
    "es": ("es", "opensearch"),
    "s3": ("s3control", "s3"),
}


def _sharing(rows: Mapping[str, Mapping[str, Any]], keys: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """The services that share each signing name; what was there first comes last.

    No service need have the signing name itself as its key: those that sign as ``lex`` have others.
    """
    shared: dict[str, tuple[str, ...]] = {**_SHARED}
    for key, row in rows.items():
        name = row.get("signs")
        if name:
            shared[name] = (key, *shared.get(name, (name,) if name in keys else ()))
    return shared


class Catalogue:
    """Every service by its key; a service's file is read when it is first looked up.

    With `long_tail`, operations of some 250 other services that end a resource are governed as well, by the cluster
    tag of what they name. They were selected by AWS's own access level (Write) and not reviewed one by one.
    """

    def __init__(self, *, long_tail: bool = False) -> None:
        # Listed once: a call to any other service must cost two dict look-ups and no access to files.
        self._long_tail = load.long_tail() if long_tail else {}
        self._reviewed = load.keys()
        self._keys = self._reviewed | frozenset(self._long_tail)
        self._shared = _sharing(self._long_tail, self._keys)
        self._loaded: dict[str, Service] = {}

    @property
    def services(self) -> frozenset[str]:
        """The keys of the services that are known here."""
        return self._keys

    def service_of(self, signing_name: str, api_version: str) -> str:
        """The key of a service: ``elb`` or ``elbv2`` by the version of the API, otherwise the signing name itself."""
        sharing = self._shared.get(signing_name)
        if sharing is None:
            return signing_name
        return next((key for key in sharing if self.service(key).api_version == api_version), sharing[-1])

    def lookup(self, service: str, operation: str) -> CatalogueEntry | None:
        """The entry of ``("ec2", "TerminateInstances")``, or None for an ungoverned operation."""
        if service not in self._keys:
            return None
        return self.service(service).entry(operation)

    def governs(self, service: str | None, operation: str) -> bool:
        """True for a governed operation. Where the service is unknown (None), one of any service counts."""
        loaded = self._loaded.get(service or "")
        if loaded is not None:
            return loaded.governs(operation)
        if service is None:
            # Only operations with an entry: an unreviewed name may belong to any other service.
            return self.owner(operation) is not None
        return service in self._keys and self.service(service).governs(operation)

    def joins(self, service: str | None, operation: str) -> bool:
        """True for an ungoverned operation after which more may serve, or be used by what serves, than before."""
        return service in self._keys and self.service(str(service)).joins(operation)

    def tells_region(self, service: str) -> bool:
        """False where one endpoint serves all regions, so that a call does not say where the machines are."""
        return service not in self._keys or self.service(service).regional

    def owner(self, operation: str) -> str | None:
        """The first service that has an entry for an operation of this name; None if none has."""
        return next((key for key in sorted(self._keys) if operation in self.service(key).operations), None)

    def botocore_service(self, key: str) -> str:
        """What botocore calls a service: ``resourcegroupstaggingapi`` for ``tagging``."""
        return self.service(key).service

    def service(self, key: str) -> Service:
        """A service by its key. Raises KeyError for an unknown one."""
        if key not in self._keys:
            raise KeyError(key)
        if key not in self._loaded:
            # Two threads may both read the file: they get equal values, and either may stay.
            self._loaded[key] = self._read(key)
        return self._loaded[key]

    def _read(self, key: str) -> Service:
        row = self._long_tail.get(key)
        if row is None:
            return load.service(key)
        tail = load.long_tail_service(key, row)
        if key not in self._reviewed:
            return tail
        reviewed = load.service(key)
        return evolve(reviewed, operations={**tail.operations, **reviewed.operations})
