"""A machine as a rebuild needs it: the parameters it would be launched with, and what it was part of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field

from guardrails.values import EMPTY, frozen

Item = Mapping[str, Any]
# A launch without one of these may start another machine than the one that was lost.
NEEDED = {"ImageId": "image", "InstanceType": "type", "SubnetId": "subnet"}
USER_DATA = "user data"
VOLUMES = "volumes"
GROUP_TAG = "aws:autoscaling:groupName"
ALIVE = ("pending", "running", "stopping", "stopped")


@frozen
class Machine:
    """A machine and how to launch another like it.

    `launch` has parameters of RunInstances. `missing` names what could not be seen; without it the new machine would be
    another one. `targets` are (ARN of a target group, port, instance or ip), port 0 for the group's own; `elastic_ips`
    are (allocation id, address). `group` is the Auto Scaling group that starts it, "" without one.
    `not_restored` names settings that a new machine lacks.
    """

    id: str
    cluster: str
    state: str
    zone: str
    vpc: str
    launch: Mapping[str, Any]
    tags: Mapping[str, str] = EMPTY
    volumes: tuple[Mapping[str, Any], ...] = ()
    private_ips: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    elastic_ips: tuple[tuple[str, str], ...] = ()
    targets: tuple[tuple[str, int, str], ...] = ()
    group: str = ""
    template: tuple[str, str] = ("", "")
    missing: tuple[str, ...] = field(default=())
    launched_at: float = 0.0
    not_restored: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The instance type."""
        return str(self.launch.get("InstanceType") or "")

    @property
    def subnet(self) -> str:
        """The subnet that it was in."""
        return str(self.launch.get("SubnetId") or "")

    @property
    def alive(self) -> bool:
        """True while it is there, running or stopped."""
        return self.state in ALIVE

    @property
    def name(self) -> str:
        """Its Name tag, else its id."""
        return self.tags.get("Name") or self.id


def launch_of(instance: Item, volumes: Mapping[str, Item]) -> tuple[dict[str, Any], list[str]]:
    """The parameters of RunInstances for another machine like this one, and what of them is missing."""
    # After a termination AWS describes the type, image, key and zone for about an hour, but no subnet and no disks.
    groups = [group["GroupId"] for group in instance.get("SecurityGroups") or ()]
    profile = (instance.get("IamInstanceProfile") or {}).get("Arn")
    wanted = {
        "ImageId": instance.get("ImageId"),
        "InstanceType": instance.get("InstanceType"),
        "KeyName": instance.get("KeyName"),
        "SubnetId": instance.get("SubnetId"),
        "SecurityGroupIds": groups,
        "IamInstanceProfile": {"Arn": profile} if profile else None,
        "EbsOptimized": instance.get("EbsOptimized") or None,
        "Placement": _placement(instance.get("Placement") or {}),
        "MetadataOptions": _metadata(instance.get("MetadataOptions") or {}),
        "Monitoring": {"Enabled": True} if (instance.get("Monitoring") or {}).get("State") == "enabled" else None,
        "InstanceMarketOptions": {"MarketType": "spot"} if instance.get("InstanceLifecycle") == "spot" else None,
        "BlockDeviceMappings": [*_disks(instance, volumes)],
    }  # fmt: skip
    launch = {name: value for name, value in wanted.items() if value}
    missing = [what for name, what in NEEDED.items() if name not in launch]
    if "SubnetId" not in launch:
        missing.append("security groups")
    disks = instance.get("BlockDeviceMappings") or ()
    if len(launch.get("BlockDeviceMappings", ())) < len(disks) or (
        not disks and instance.get("RootDeviceType") == "ebs"
    ):
        missing.append(VOLUMES)
    return launch, missing


def not_restored(instance: Item) -> tuple[str, ...]:
    """The settings of a machine that a launch with `launch_of` does not give."""
    interfaces = instance.get("NetworkInterfaces") or ()
    placement = instance.get("Placement") or {}
    found = {
        "source/destination check off": instance.get("SourceDestCheck") is False
        or any(each.get("SourceDestCheck") is False for each in interfaces),
        "hibernation": (instance.get("HibernationOptions") or {}).get("Configured"),
        "Nitro enclave": (instance.get("EnclaveOptions") or {}).get("Enabled"),
        "automatic recovery off": (instance.get("MaintenanceOptions") or {}).get("AutoRecovery") == "disabled",
        "IPv6 address": any(each.get("Ipv6Addresses") for each in interfaces),
        "second private address": any(len(each.get("PrivateIpAddresses") or ()) > 1 for each in interfaces),
        "license configuration": instance.get("Licenses"),
        "dedicated host": placement.get("HostId"),
        "partition of the placement group": placement.get("PartitionNumber"),
    }
    return tuple(name for name, set_ in found.items() if set_)


def _placement(placement: Item) -> dict[str, Any]:
    names = ("GroupName", "Tenancy")
    return {name: placement[name] for name in names if placement.get(name) not in (None, "", "default")}


def _metadata(options: Item) -> dict[str, Any]:
    names = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags")
    return {name: options[name] for name in names if options.get(name)}


def _disks(instance: Item, volumes: Mapping[str, Item]) -> Iterable[dict[str, Any]]:
    for disk in instance.get("BlockDeviceMappings") or ():
        volume = volumes.get((disk.get("Ebs") or {}).get("VolumeId", ""))
        if volume is None:
            continue
        ebs = {
            "VolumeSize": volume.get("Size"),
            "VolumeType": volume.get("VolumeType"),
            "Iops": volume.get("Iops") if volume.get("VolumeType") in ("io1", "io2", "gp3") else None,
            "Throughput": volume.get("Throughput") if volume.get("VolumeType") == "gp3" else None,
            "Encrypted": volume.get("Encrypted") or None,
            "KmsKeyId": volume.get("KmsKeyId"),
            # The image has the snapshot of the root disk.
            "SnapshotId": None if disk["DeviceName"] == instance.get("RootDeviceName") else volume.get("SnapshotId"),
            "DeleteOnTermination": (disk.get("Ebs") or {}).get("DeleteOnTermination"),
        }
        yield {
            "DeviceName": disk["DeviceName"],
            "Ebs": {name: value for name, value in ebs.items() if value not in (None, "")},
        }


def volumes_of(instance: Item) -> tuple[dict[str, Any], ...]:
    """The disks that are attached, with whether each is deleted with the machine."""
    return tuple(
        {
            "id": (disk.get("Ebs") or {}).get("VolumeId"),
            "device": disk.get("DeviceName"),
            "deleted_with_machine": (disk.get("Ebs") or {}).get("DeleteOnTermination"),
        }
        for disk in instance.get("BlockDeviceMappings") or ()
    )
