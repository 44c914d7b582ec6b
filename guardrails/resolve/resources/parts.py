"""Parts that calls name by an id of their own: a look-up says what they are a part of.

Few people tag them. Without a tag of its own, such a part is its whole's: a mapping that feeds a function is the
function's and the queue's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.values import Call, Lookup, frozen


@frozen
class Part:
    """How to ask about a part: the look-up's `argument` takes its id, or a list of it; `wholes` are members it answers.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html and its like of the other services.
    """

    lookup: Lookup
    argument: str
    wholes: tuple[str, ...]
    in_a_list: bool = False

    def about(self, id_: str) -> Lookup:
        """The look-up for one part."""
        return self.lookup.about(**{self.argument: [id_] if self.in_a_list else id_})

    def wholes_of(self, items: Sequence[Mapping[str, Any]]) -> list[str]:
        """The ARNs and ids of what it is a part of."""
        found = [str(item[member]) for item in items for member in self.wholes if item.get(member)]
        # The ARN of a table's stream begins with the table's.
        return [text.partition("/stream/")[0] if ":dynamodb:" in text else text for text in found]


_ENDPOINT = ("VpcEndpointIds", ("DomainArn",), True)
_SERVICE_ASSOCIATION = "serviceNetworkServiceAssociationIdentifier"
_VPC_ASSOCIATION = "serviceNetworkVpcAssociationIdentifier"
_NOT_FOUND = ("ResourceNotFoundException",)
# By service and parameter.
_PARTS: Mapping[tuple[str, str], Part] = {
    ("lambda", "UUID"): Part(
        Lookup("lambda", "GetEventSourceMapping", "@", empty_on=_NOT_FOUND), "UUID", ("FunctionArn", "EventSourceArn")
    ),
    ("vpc-lattice", _SERVICE_ASSOCIATION): Part(
        Lookup("vpc-lattice", "GetServiceNetworkServiceAssociation", "@", empty_on=_NOT_FOUND),
        _SERVICE_ASSOCIATION,
        ("serviceArn", "serviceNetworkArn"),
    ),
    ("vpc-lattice", _VPC_ASSOCIATION): Part(
        Lookup("vpc-lattice", "GetServiceNetworkVpcAssociation", "@", empty_on=_NOT_FOUND),
        _VPC_ASSOCIATION,
        ("serviceNetworkArn",),
    ),
    ("fsx", "VolumeId"): Part(
        Lookup("fsx", "DescribeVolumes", "Volumes", empty_on=("VolumeNotFound",)), "VolumeIds", ("FileSystemId",), True
    ),
    ("fsx", "StorageVirtualMachineId"): Part(
        Lookup(
            "fsx",
            "DescribeStorageVirtualMachines",
            "StorageVirtualMachines",
            empty_on=("StorageVirtualMachineNotFound",),
        ),
        "StorageVirtualMachineIds",
        ("FileSystemId",),
        True,
    ),
    ("directconnect", "virtualInterfaceId"): Part(
        Lookup("directconnect", "DescribeVirtualInterfaces", "virtualInterfaces"),
        "virtualInterfaceId",
        ("connectionId", "directConnectGatewayId"),
    ),
    ("opensearch", "VpcEndpointId"): Part(Lookup("opensearch", "DescribeVpcEndpoints", "VpcEndpoints"), *_ENDPOINT),
    ("es", "VpcEndpointId"): Part(Lookup("es", "DescribeVpcEndpoints", "VpcEndpoints"), *_ENDPOINT),
}
# What the caller must be allowed to ask.
ASKS = tuple({part.lookup.permission: part.lookup for part in _PARTS.values()}.values())


def part_of(name: str, call: Call) -> Part | None:
    """How to ask about what the call names so; None where it is no such part."""
    some = (_PARTS.get((call.service, parameter)) for parameter, value in call.params.items() if value == name)
    return next((part for part in some if part), None)
