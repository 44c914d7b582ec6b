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
    ("lambda", "Configuration"): ("Function", "FunctionName"),
}
MAKES = ("Create", "Allocate", "Run", "Copy", "Register", "Request", "Import", "Restore", "Launch", "Purchase")
ENDS = ("Delete", "Terminate", "Release", "Deregister", "Remove", "Cancel")
CHANGES = ("Modify", "Update", "Set", "Put")
_VERB = re.compile(r"[A-Z][a-z]+")


@frozen
class Listing:
    """A list in the answer of a read, or one thing if `single`: its member, what is in it, and the key of its id."""

    member: str
    noun: str
    key: str
    single: bool = False


def listings(model: ServiceModel, service: str, operation: str) -> tuple[Listing, ...]:
    """What the answer of this operation lists."""
    return tuple(_listings(model.operation_model(operation), service))


def _listings(operation: OperationModel, service: str) -> Iterator[Listing]:
    shape: Any = operation.output_shape
    asked: Any = operation.input_shape
    named = frozenset(name.lower() for name in asked.members) if asked is not None else frozenset()
    for name, member in shape.members.items() if shape is not None else ():
        single = member.type_name == "structure"
        if not single and not (member.type_name == "list" and member.member.type_name == "structure"):
            continue
        members = member.members if single else member.member.members
        noun = f"{name[:1].upper()}{name[1:]}" if single else _singular(name)
        if (service, name) in _SPECIAL:
            yield Listing(name, *_SPECIAL[service, name], single)
        elif single and noun != noun_of(operation.name)[1]:
            continue
        elif key := _key(noun, members, named):
            yield Listing(name, noun, key, single)


def noun_of(operation: str) -> tuple[str, str]:
    """Verb and noun: ``("Delete", "Volume")`` for ``DeleteVolume`` and ``DeleteVolumes``."""
    verb = _VERB.match(operation)
    return (verb[0], _singular(operation[verb.end() :])) if verb else ("", operation)


def reader(model: ServiceModel, service: str, noun: str) -> tuple[OperationModel, Listing] | None:
    """The operation that describes things of this kind, and where they are in its answer."""
    for operation in model.operation_names:
        if operation.startswith(("Describe", "List", "Get")):
            for listing in listings(model, service, operation):
                if listing.noun == noun and noun_of(operation)[1] == noun:
                    return model.operation_model(operation), listing
    return None


def _key(noun: str, members: Any, asked: frozenset[str]) -> str:
    """The member that is the id: preferably one by which the read asks."""
    own = {name.lower(): name for name in members}
    wanted = [
        each.lower() for each in (f"{noun}Id", f"{noun}Identifier", f"{noun}Arn", f"{noun}Name", "Id", "Arn", "Name")
    ]
    found = [own[each] for each in wanted if each in own]
    return next((each for each in found if {each.lower(), f"{each.lower()}s"} & asked), found[0] if found else "")


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    if plural.endswith(("sses", "ches", "xes")):
        return plural[:-2]
    return plural[:-1] if plural.endswith("s") and not plural.endswith(("ss", "us")) else plural
