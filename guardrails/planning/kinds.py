"""What a service's reads list, by the service model: which member of an answer has which kind of thing, by which id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.model import OperationModel, ServiceModel

from guardrails.values import frozen

# The noun and the id of lists whose name does not say them.
_SPECIAL = {
    ("ec2", "Addresses"): ("Address", "AllocationId"),
    ("ec2", "SecurityGroups"): ("SecurityGroup", "GroupId"),
    ("ec2", "KeyPairs"): ("KeyPair", "KeyName"),
    ("ec2", "Reservations"): ("Instance", "InstanceId"),
    ("ec2", "InstanceStatuses"): ("InstanceStatus", "InstanceId"),
    ("elb", "LoadBalancerDescriptions"): ("LoadBalancer", "LoadBalancerName"),
}
MAKES = ("Create", "Allocate", "Run", "Copy", "Register", "Request", "Import", "Restore", "Launch", "Purchase")
ENDS = ("Delete", "Terminate", "Release", "Deregister", "Remove", "Cancel")
CHANGES = ("Modify", "Update", "Set", "Put")
_VERB = re.compile(r"[A-Z][a-z]+")


@frozen
class Listing:
    """A list in the answer of a read: its member, what it lists, and which key of an item is its id."""

    member: str
    noun: str
    key: str


def listings(model: ServiceModel, service: str, operation: str) -> tuple[Listing, ...]:
    """What the answer of this operation lists."""
    shape: Any = model.operation_model(operation).output_shape
    return tuple(_listings(shape, service)) if shape is not None else ()


def _listings(shape: Any, service: str) -> Iterator[Listing]:
    for name, member in shape.members.items():
        if member.type_name != "list" or member.member.type_name != "structure":
            continue
        if (service, name) in _SPECIAL:
            yield Listing(name, *_SPECIAL[service, name])
        elif key := _key(_singular(name), member.member.members):
            yield Listing(name, _singular(name), key)


def noun_of(operation: str) -> tuple[str, str]:
    """Verb and noun: ``("Delete", "Volume")`` for ``DeleteVolume`` and ``DeleteVolumes``."""
    verb = _VERB.match(operation)
    return (verb[0], _singular(operation[verb.end() :])) if verb else ("", operation)


def reader(model: ServiceModel, service: str, noun: str) -> tuple[OperationModel, Listing] | None:
    """The operation that describes things of this kind, and where they are in its answer."""
    for operation in model.operation_names:
        if operation.startswith(("Describe", "List")):
            for listing in listings(model, service, operation):
                if listing.noun == noun and noun_of(operation)[1] == noun:
                    return model.operation_model(operation), listing
    return None


def _key(noun: str, members: Any) -> str:
    named = {name.lower(): name for name in members}
    wanted = (f"{noun}Id", f"{noun}Identifier", f"{noun}Arn", f"{noun}Name", "Id", "Arn", "Name")
    return next((named[each.lower()] for each in wanted if each.lower() in named), "")


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    if plural.endswith(("sses", "ches", "xes")):
        return plural[:-2]
    return plural[:-1] if plural.endswith("s") and not plural.endswith(("ss", "us")) else plural
