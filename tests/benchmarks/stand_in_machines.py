"""The machines of the stand-in for EC2 (stand_in.py): as AWS describes them, and what its filters find them by."""

from __future__ import annotations

import fnmatch
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")


class UnknownFilter(Exception):
    """AWS refuses a filter that it does not know."""


def machine_id(number: int) -> str:
    """The id of a machine."""
    return f"i-{number:017x}"


def interface_id(number: int) -> str:
    """The id of its network interface."""
    return f"eni-{number:017x}"


def address(number: int) -> str:
    """Its private address."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def place_of(number: int) -> tuple[str, str, str]:
    """Its subnet, VPC and zone: 250 machines are in a subnet, and 6 subnets in a VPC."""
    return f"subnet-{number // 750}-{number % len(ZONES)}", f"vpc-{number // 1500}", ZONES[number % len(ZONES)]


def tags_of(number: int, size: int) -> Mapping[str, str]:
    """Its tags: `size` machines in turn are in one cluster, and c0 is the live one."""
    return {"Name": f"web-{number}", "Cluster": f"c{number // size}", "Team": "shop", "Env": "prod", "Owner": "ops"}


def _machine(number: int, size: int) -> str:
    ip, (subnet, vpc, zone) = address(number), place_of(number)
    pairs = tags_of(number, size).items()
    tags = "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in pairs)
    disks = "".join(
        f"<item><deviceName>/dev/xvd{letter}</deviceName><ebs><volumeId>vol-{letter}{number:016x}</volumeId>"
        "<status>attached</status><attachTime>2026-10-01T12:00:01.000Z</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination></ebs></item>"
        for letter in "ab"
    )
    group = "<groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>web</groupName></item></groupSet>"
    interface = (
        f"<item><networkInterfaceId>{interface_id(number)}</networkInterfaceId><subnetId>{subnet}</subnetId>"
        f"<vpcId>{vpc}</vpcId><description/><ownerId>123456789012</ownerId><status>in-use</status>"
        f"<macAddress>0a:00:00:00:00:01</macAddress><privateIpAddress>{ip}</privateIpAddress>"
        f"<privateDnsName>ip.eu-west-1.compute.internal</privateDnsName><sourceDestCheck>true</sourceDestCheck>{group}"
        f"<attachment><attachmentId>eni-attach-{number:017x}</attachmentId><deviceIndex>0</deviceIndex>"
        "<networkCardIndex>0</networkCardIndex><status>attached</status>"
        "<attachTime>2026-10-01T12:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></attachment>"
        f"<privateIpAddressesSet><item><privateIpAddress>{ip}</privateIpAddress><primary>true</primary></item>"
        "</privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType></item>"
    )
    return (
        f"<item><reservationId>r-{number:017x}</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet>"
        f"<item><instanceId>{machine_id(number)}</instanceId><imageId>ami-0abcdef1234567890</imageId><instanceState>"
        "<code>16</code><name>running</name></instanceState>"
        "<privateDnsName>ip.eu-west-1.compute.internal</privateDnsName><dnsName/><reason/><keyName>ops</keyName>"
        "<amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>m5.large</instanceType>"
        f"<launchTime>2026-10-01T12:00:00.000Z</launchTime><placement><availabilityZone>{zone}</availabilityZone>"
        "<groupName/><tenancy>default</tenancy></placement><monitoring><state>disabled</state></monitoring>"
        f"<subnetId>{subnet}</subnetId><vpcId>{vpc}</vpcId><privateIpAddress>{ip}</privateIpAddress>"
        f"<sourceDestCheck>true</sourceDestCheck>{group}<architecture>x86_64</architecture>"
        "<rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>"
        f"<blockDeviceMapping>{disks}</blockDeviceMapping><virtualizationType>hvm</virtualizationType>"
        f"<clientToken>fleet-0123</clientToken><tagSet>{tags}</tagSet><hypervisor>xen</hypervisor>"
        f"<networkInterfaceSet>{interface}</networkInterfaceSet><ebsOptimized>false</ebsOptimized>"
        "<enaSupport>true</enaSupport><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore>"
        "</cpuOptions><metadataOptions><state>applied</state><httpTokens>required</httpTokens>"
        "<httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>"
        "<enclaveOptions><enabled>false</enabled></enclaveOptions><bootMode>uefi-preferred</bootMode>"
        "<platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation>"
        "<usageOperationUpdateTime>2026-10-01T12:00:00.000Z</usageOperationUpdateTime>"
        "<maintenanceOptions><autoRecovery>default</autoRecovery></maintenanceOptions></item></instancesSet></item>"
    )


class Machines:
    """`total` machines in clusters of `size`."""

    def __init__(self, total: int, size: int) -> None:
        self.size = size
        self.documents = [_machine(number, size).encode() for number in range(total)]
        # As in AWS, a list has no order that means anything.
        self._shuffled = random.Random(20).sample(range(total), total)
        self._indexes: dict[str, dict[str, list[int]]] = {}

    def found(self, filters: Iterable[tuple[str, Sequence[str]]]) -> Sequence[int]:
        """The numbers of the machines that every filter matches with one of its values. Raises UnknownFilter."""
        left: set[int] | None = None
        for name, values in filters:
            index = self._index(name)
            matched = {number for value in values for number in _matching(index, value)}
            left = matched if left is None else left & matched
        return self._shuffled if left is None else sorted(left)

    def _index(self, name: str) -> Mapping[str, list[int]]:
        if name not in self._indexes:
            index: dict[str, list[int]] = defaultdict(list)
            for number in range(len(self.documents)):
                for value in _values(number, self.size, name):
                    index[value].append(number)
            self._indexes[name] = index
        return self._indexes[name]


def _matching(index: Mapping[str, list[int]], value: str) -> Iterable[int]:
    if "*" not in value and "?" not in value:
        return index.get(value, ())
    return [number for found in fnmatch.filter(index, value) for number in index[found]]


def _values(number: int, size: int, name: str) -> Sequence[str]:
    """What a machine has for a filter."""
    tags, (subnet, vpc, zone) = tags_of(number, size), place_of(number)
    if name.startswith("tag:"):
        return [tags[name[4:]]] if name[4:] in tags else []
    simple = {
        "instance-id": machine_id(number),
        "instance-state-name": "running",
        "private-ip-address": address(number),
        "network-interface.addresses.private-ip-address": address(number),
        "network-interface.network-interface-id": interface_id(number),
        "subnet-id": subnet,
        "network-interface.subnet-id": subnet,
        "vpc-id": vpc,
        "availability-zone": zone,
        "instance.group-id": "sg-0123456789abcdef0",
        "instance.group-name": "web",
        "image-id": "ami-0abcdef1234567890",
        "owner-id": "123456789012",
    }
    if name in simple:
        return [simple[name]]
    several = {
        "tag-key": list(tags),
        "block-device-mapping.volume-id": [f"vol-{letter}{number:016x}" for letter in "ab"],
        # No machine but the first has a public address.
        "ip-address": ["203.0.113.1"] if number == 0 else [],
        "network-interface.addresses.association.public-ip": ["203.0.113.1"] if number == 0 else [],
    }
    if name not in several:
        raise UnknownFilter(name)
    return several[name]
