"""The machines that a planned RunInstances makes, with their disks and network interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from guardrails.planning.effects import Planned
from guardrails.planning.world import Change, Item
from guardrails.values import Lookup

_IMAGES = Lookup("ec2", "DescribeImages", "Images")
_USUAL = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "DeleteOnTermination": True}}


def tags_of(planned: Planned, kind: str) -> list[Any]:
    """The tags that the request gives to things of this kind."""
    specs = [each for each in planned.params.get("TagSpecifications") or () if each.get("ResourceType") == kind]
    return [tag for each in specs for tag in each.get("Tags") or ()]


def image_of(planned: Planned) -> Item:
    """The image that the machines start from; empty where AWS does not show it."""
    name = planned.params.get("ImageId")
    images = planned.find(_IMAGES.about(ImageIds=[name])) if name else ()
    return images[0] if images else {}


def parts_of(planned: Planned, machine: Item, image: Item, number: int) -> tuple[dict[str, Any], list[Change]]:
    """The disks, the interface and the addresses of a new machine, and the changes that make them."""
    disks, changes = _disks(planned, machine, image)
    # Of ranges that no one has (RFC 2544, RFC 5737), so they are recognised.
    private = f"198.18.{number // 250 % 250}.{number % 250 + 1}"
    attached = {"DeviceIndex": 0, "Status": "attached", "DeleteOnTermination": True}
    face = {
        "NetworkInterfaceId": planned.ids.ec2("NetworkInterface"),
        "PrivateIpAddress": private,
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": private}],
        "SubnetId": machine["SubnetId"],
        "VpcId": machine["VpcId"],
        "Groups": machine["SecurityGroups"],
        "Status": "in-use",
        "Attachment": attached,
    }
    own = {
        **face,
        "Attachment": {**attached, "InstanceId": machine["InstanceId"]},
        "AvailabilityZone": machine["Placement"]["AvailabilityZone"],
        "TagSet": tags_of(planned, "network-interface"),
    }
    changes.append(planned.change("NetworkInterface", str(face["NetworkInterfaceId"]), own))
    parts: dict[str, Any] = {
        "BlockDeviceMappings": disks,
        "RootDeviceName": image.get("RootDeviceName") or (disks[0]["DeviceName"] if disks else ""),
        "NetworkInterfaces": [face],
        "PrivateIpAddress": private,
        "PrivateDnsName": f"ip-{private.replace('.', '-')}.{planned.call.region}.compute.internal",
    }
    return parts, changes


def _disks(planned: Planned, machine: Item, image: Item) -> tuple[list[dict[str, Any]], list[Change]]:
    wanted: dict[str, Mapping[str, Any]] = {}
    for each in [*(image.get("BlockDeviceMappings") or [_USUAL]), *(planned.params.get("BlockDeviceMappings") or ())]:
        name = str(each.get("DeviceName"))
        both = {**((wanted.get(name) or {}).get("Ebs") or {}), **(each.get("Ebs") or {})}
        wanted[name] = {**each, "Ebs": both}
    disks, changes = [], []
    for device, each in wanted.items():
        if "NoDevice" in each or each.get("VirtualName"):
            continue
        ebs, volume = each["Ebs"], planned.ids.ec2("Volume")
        goes = bool(ebs.get("DeleteOnTermination", True))
        state = {"DeleteOnTermination": goes, "AttachTime": datetime.now(UTC)}
        disks.append({"DeviceName": device, "Ebs": {**state, "VolumeId": volume, "Status": "attached"}})
        there = {"VolumeId": volume, "InstanceId": machine["InstanceId"], "Device": device, "State": "attached"}
        item = {
            "VolumeId": volume,
            "Size": ebs.get("VolumeSize", 8),
            "VolumeType": ebs.get("VolumeType", "gp2"),
            "Encrypted": bool(ebs.get("Encrypted", False)),
            "SnapshotId": ebs.get("SnapshotId", ""),
            "State": "in-use",
            "AvailabilityZone": machine["Placement"]["AvailabilityZone"],
            "CreateTime": datetime.now(UTC),
            "Attachments": [{**state, **there}],
            "Tags": tags_of(planned, "volume"),
        }
        changes.append(planned.change("Volume", volume, item))
    return disks, changes


def parts_off(planned: Planned, machines: Mapping[str, Item]) -> list[Change]:
    """Disks and interfaces go with a machine where they are set to."""
    every = list(machines.values())
    disks = [each.get("Ebs") or {} for one in every for each in one.get("BlockDeviceMappings") or ()]
    faces = [each for one in every for each in one.get("NetworkInterfaces") or ()]
    volumes = [each["VolumeId"] for each in disks if each.get("VolumeId") and each.get("DeleteOnTermination")]
    gone = [
        each["NetworkInterfaceId"]
        for each in faces
        if each.get("NetworkInterfaceId") and (each.get("Attachment") or {}).get("DeleteOnTermination")
    ]
    return [
        *(planned.change("Volume", name, None) for name in volumes),
        *(planned.change("NetworkInterface", name, None) for name in gone),
    ]
