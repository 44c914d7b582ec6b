"""The networks of the stand-in for EC2 (stand_in.py): interfaces, route tables, NAT gateways and subnets.

Each subnet has a route table, each VPC a main one and a NAT gateway in its first subnet, to which all tables lead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from tests.benchmarks.stand_in_machines import address, interface_id, machine_id, place_of

Document = tuple[bytes, Mapping[str, Sequence[str]]]


class Networks:
    """The networks of so many machines: each list as documents with what AWS's filters find them by."""

    def __init__(self, machines: int) -> None:
        self._machines = machines
        places = [place_of(number) for number in range(machines)]
        self.zones = {subnet: zone for subnet, _, zone in places}
        self.vpcs = {subnet: vpc for subnet, vpc, _ in places}
        self._lists: dict[str, tuple[str, list[Document]]] = {}

    def found(self, operation: str, filters: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, list[bytes]]:
        """The element that a list is in, and the items that all filters find. Raises KeyError for another operation."""
        make: Mapping[str, tuple[str, Callable[[], list[Document]]]] = {
            "DescribeNetworkInterfaces": ("networkInterfaceSet", self._interfaces),
            "DescribeRouteTables": ("routeTableSet", self._tables),
            "DescribeNatGateways": ("natGatewaySet", self._gateways),
            "DescribeSubnets": ("subnetSet", self._subnets),
        }
        element, documents = make[operation]
        if operation not in self._lists:
            self._lists[operation] = element, documents()
        wanted = [(name, {*values}) for name, values in filters]
        items = self._lists[operation][1]
        return element, [text for text, own in items if all(values & {*own[name]} for name, values in wanted)]

    def _interfaces(self) -> list[Document]:
        return [_interface(number) for number in range(self._machines)]

    def _tables(self) -> list[Document]:
        tables = [_table(f"rtb-{subnet[7:]}", vpc, subnet) for subnet, vpc in self.vpcs.items()]
        return tables + [_table(f"rtb-{vpc[4:]}", vpc, None) for vpc in sorted({*self.vpcs.values()})]

    def _gateways(self) -> list[Document]:
        first: dict[str, str] = defaultdict(str)
        for subnet, vpc in self.vpcs.items():
            first[vpc] = first[vpc] or subnet
        return [
            _item(
                f"<natGatewayId>nat-{vpc[4:]}</natGatewayId><subnetId>{subnet}</subnetId><vpcId>{vpc}</vpcId>"
                "<state>available</state><natGatewayAddressSet/><tagSet/>",
                {"vpc-id": [vpc], "nat-gateway-id": [f"nat-{vpc[4:]}"]},
            )
            for vpc, subnet in first.items()
        ]

    def _subnets(self) -> list[Document]:
        return [
            _item(
                f"<subnetId>{subnet}</subnetId><vpcId>{vpc}</vpcId><state>available</state><ownerId>123456789012</ownerId>"
                f"<availabilityZone>{self.zones[subnet]}</availabilityZone><cidrBlock>10.0.0.0/24</cidrBlock><tagSet/>"
                "<availableIpAddressCount>5</availableIpAddressCount>",
                {"subnet-id": [subnet], "vpc-id": [vpc]},
            )
            for subnet, vpc in self.vpcs.items()
        ]


def _item(inside: str, values: Mapping[str, Sequence[str]]) -> Document:
    return f"<item>{inside}</item>".encode(), values


def _interface(number: int) -> Document:
    ip, name, (subnet, vpc, zone) = address(number), interface_id(number), place_of(number)
    attachment = f"eni-attach-{number:017x}"
    return _item(
        f"<networkInterfaceId>{name}</networkInterfaceId><subnetId>{subnet}</subnetId><vpcId>{vpc}</vpcId>"
        f"<availabilityZone>{zone}</availabilityZone><description/><ownerId>123456789012</ownerId>"
        "<requesterManaged>false</requesterManaged><status>in-use</status><macAddress>0a:00:00:00:00:01</macAddress>"
        f"<privateIpAddress>{ip}</privateIpAddress><sourceDestCheck>true</sourceDestCheck><groupSet><item>"
        "<groupId>sg-0123456789abcdef0</groupId><groupName>web</groupName></item></groupSet>"
        f"<attachment><attachmentId>{attachment}</attachmentId><instanceId>{machine_id(number)}</instanceId>"
        "<instanceOwnerId>123456789012</instanceOwnerId><deviceIndex>0</deviceIndex><status>attached</status>"
        "<attachTime>2026-10-01T12:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></attachment>"
        f"<tagSet/><privateIpAddressesSet><item><privateIpAddress>{ip}</privateIpAddress><primary>true</primary></item>"
        "</privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType>",
        {
            "network-interface-id": [name],
            "attachment.attachment-id": [attachment],
            "subnet-id": [subnet],
            "vpc-id": [vpc],
            "addresses.private-ip-address": [ip],
        },
    )


def _table(name: str, vpc: str, subnet: str | None) -> Document:
    """The table of a subnet; without one, the main table of the VPC."""
    association = f"rtbassoc-{name[4:]}"
    kind = f"<subnetId>{subnet}</subnetId><main>false</main>" if subnet else "<main>true</main>"
    return _item(
        f"<routeTableId>{name}</routeTableId><vpcId>{vpc}</vpcId><associationSet><item>"
        f"<routeTableAssociationId>{association}</routeTableAssociationId><routeTableId>{name}</routeTableId>{kind}"
        "</item></associationSet><routeSet><item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock>"
        f"<natGatewayId>nat-{vpc[4:]}</natGatewayId><state>active</state></item></routeSet><tagSet/>",
        {
            "route-table-id": [name],
            "association.route-table-association-id": [association],
            "vpc-id": [vpc],
            "route.instance-id": [],
        },
    )
