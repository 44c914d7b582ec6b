"""What CloudFormation's resources are in the terms of the services themselves: a table of types.

Cloud Control names a resource by its type and primary identifier, a stack by its type and physical id. A row of
``cloudformation_types.json`` says what that means:

    id          the properties of the primary identifier, joined by ``|``; the first one is what a stack shows
    targets     {type of target: JMESPath over the properties}
    delete      the operation of the service that deleting the resource comes to; ``create`` and ``update`` likewise
    create_with JMESPath that makes the parameters of ``create`` from the properties, where their names differ
    within      types of resources that this one is a part of: an id that says nothing is judged by those in its stack
    later       true where deleting it harms nothing at once

A type under ``harmless`` is of the same services and can hurt no running cluster. A type of these services that is in
neither list is unknown: AWS has added it since. A type under ``created`` is of another service, and has only what
creating it comes to.
https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import jmespath
from attrs import field

from guardrails.aws import resource_ids
from guardrails.values import TargetRef, frozen

_SCHEMA = 1
# Parameters of the services' own calls that say which zone, cluster or address a name belongs to, by property.
_PLACES = {"HostedZoneId": "HostedZoneId", "Cluster": "cluster", "PrivateIpAddress": "PrivateIpAddress"}


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


@frozen
class ResourceType:
    """A row of the table."""

    id: tuple[str, ...] = field(default="", converter=_names)
    targets: Mapping[str, str] = field(factory=dict)
    delete: str = ""
    create: str = ""
    create_with: str = "@"
    update: str = ""
    within: tuple[str, ...] = field(default=(), converter=tuple)
    later: bool = False


@frozen
class Table:
    """All types: with a row, without one because they are harmless, and the services that the table covers."""

    types: Mapping[str, ResourceType]
    created: Mapping[str, ResourceType]
    harmless: frozenset[str]
    services: frozenset[str]

    def creation(self, kind: str) -> ResourceType | None:
        """The row that says which operation creates a resource of this type, where that may take something."""
        row = self.types.get(kind) or self.created.get(kind)
        return row if row and row.create else None


def read_table(name: str) -> Mapping[str, Any]:
    """One of the tables beside this file. Raises ValueError for another schema."""
    document: Mapping[str, Any] = json.loads(resources.files("guardrails.aws").joinpath(name).read_text("utf-8"))
    if document["schema"] != _SCHEMA:
        raise ValueError(f"{name} does not have schema {_SCHEMA}")
    return document


@cache
def table() -> Table:
    """The table, read when it is first needed. Raises TypeError for an unknown key in it."""
    document = read_table("cloudformation_types.json")
    types, created = (
        {name: ResourceType(**row) for name, row in document[part].items()} for part in ("types", "created")
    )
    harmless = frozenset(document["harmless"])
    return Table(types, created, harmless, frozenset(map(service_of, (*types, *harmless))))


@cache
def _arns() -> Mapping[str, str]:
    arns: Mapping[str, str] = read_table("cloudformation_arns.json")["arns"]
    return arns


def arn_services(kind: str) -> frozenset[str]:
    """The services that ARNs of this type, or of others of its service, may name; none where that is not known."""
    return frozenset(_arns().get(service_of(kind), "").split())


def service_of(kind: str) -> str:
    """``AWS::EC2`` for ``AWS::EC2::EIP``."""
    return kind.rpartition("::")[0]


def properties(row: ResourceType, identifier: str) -> dict[str, Any]:
    """The properties in an identifier: ``A|B``, a JSON object, or the first of several alone."""
    if identifier.startswith("{"):
        try:
            document = json.loads(identifier)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return document
    parts = identifier.split("|")
    if 1 < len(parts) <= len(row.id):
        # The last ones may be left out where they are empty.
        return dict(zip(row.id, parts, strict=False))
    return {row.id[0]: identifier}


def refs(row: ResourceType, values: Mapping[str, Any]) -> tuple[TargetRef, ...]:
    """The targets that these properties name, as far as they do."""
    named = ((jmespath.search(path, values), kind) for kind, path in row.targets.items())
    return tuple(_ref(name, kind) for name, kind in named if isinstance(name, str) and name)


def _ref(name: str, kind: str) -> TargetRef:
    """A physical id may hold more than the id of the resource: ``rtb-0123456789abcdef0~0.0.0.0/0``."""
    if resource_ids.type_of(name) is None:
        inside = [resource for resource, other in resource_ids.in_text(name).items() if other == kind]
        name = inside[0] if len(inside) == 1 else name
    return TargetRef(name, kind)


def readable(ref: TargetRef) -> bool:
    """False where a stack made the id up: it says nothing about the resource."""
    if ref.type == "dns-record":
        return " " in ref.id
    always = resource_ids.TYPES - {"address"}
    return ref.type not in always or resource_ids.type_of(ref.id) is not None


def places(values: Mapping[str, Any]) -> dict[str, str]:
    """Parameters that resolvers look at beside the names of the targets."""
    return {parameter: values[name] for name, parameter in _PLACES.items() if isinstance(values.get(name), str)}
