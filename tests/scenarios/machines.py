"""Incidents that took the wrong machines."""

from __future__ import annotations

import contextlib

import guardrails
from tests.scenarios.scenario import scenario


def both(aws):
    """Blue is live, with addresses; green is complete beside it."""
    return {"blue": aws.start_cluster("blue", 3, addresses=2), "green": aws.start_cluster("green", 3)}


def blue_hurt(aws, world):
    return aws.running("blue") < 3


def green_gone(aws, world):
    return aws.running("green") == 0


def green_gone_blue_whole(aws, world):
    return aws.running("green") == 0 and aws.running("blue") == 3


@scenario
class WrongCluster:
    incident = "PythonAnywhere 2023-10-09"
    rule = "live-cluster/terminate"
    harmful = ("TerminateInstances",)
    arrange = both
    happened = blue_hurt
    passed = green_gone

    def harm(aws, world):
        aws.client("ec2").terminate_instances(InstanceIds=list(world["blue"].instance_ids))

    def innocent(aws, world):
        aws.client("ec2").terminate_instances(InstanceIds=list(world["green"].instance_ids))


@scenario
class AgentThatGoesOn:
    """It was to change nothing; it is denied, and tries the next thing."""

    incident = "Replit 2025-07"
    rule = "caller/denials"
    config = {"caller": {"kind": "agent"}}
    harmful = ("StopInstances", "TerminateInstances")
    arrange = both
    passed = green_gone

    def harm(aws, world):
        ec2 = aws.client("ec2")
        for machine in world["blue"].instance_ids:
            with contextlib.suppress(guardrails.CallDenied):
                ec2.stop_instances(InstanceIds=[machine])
        ec2.terminate_instances(InstanceIds=list(world["green"].instance_ids))

    def happened(aws, world):
        return aws.running("blue") < 3 or aws.running("green") == 0

    def innocent(aws, world):
        aws.client("ec2").terminate_instances(InstanceIds=list(world["green"].instance_ids))


def _zone(aws, zone):
    reservations = aws.client("ec2").describe_instances(Filters=[{"Name": "availability-zone", "Values": [zone]}])[
        "Reservations"
    ]
    return [machine["InstanceId"] for reservation in reservations for machine in reservation["Instances"]]


@scenario
class WrongZone:
    incident = "DigitalOcean NYC1 2021-06"
    rule = "live-cluster/terminate"
    harmful = ("TerminateInstances",)
    happened = blue_hurt
    passed = green_gone

    def arrange(aws):
        ec2 = aws.client("ec2")
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
        vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(zones[:2])
        ]
        aws.start_cluster("blue", 3, addresses=1, subnet=subnets[0])
        aws.start_cluster("green", 2, subnet=subnets[1])
        return zones

    def harm(aws, zones):
        aws.client("ec2").terminate_instances(InstanceIds=_zone(aws, zones[0]))

    def innocent(aws, zones):
        aws.client("ec2").terminate_instances(InstanceIds=_zone(aws, zones[1]))


@scenario
class SelectorThatMeansAll:
    incident = "Joyent 2014"
    rule = "live-cluster/mixed-batch"
    harmful = ("TerminateInstances",)
    arrange = both
    happened = blue_hurt
    passed = green_gone_blue_whole

    def harm(aws, world):
        # The filter should have had a value.
        aws.resource("ec2").instances.filter(Filters=[]).terminate()

    def innocent(aws, world):
        aws.resource("ec2").instances.filter(Filters=[{"Name": "tag:Cluster", "Values": ["green"]}]).terminate()


@scenario
class EmptyListMeansAll:
    incident = "Google disk-erase"
    rule = "live-cluster/mixed-batch"
    harmful = ("TerminateInstances",)
    arrange = both
    happened = blue_hurt
    passed = green_gone_blue_whole

    def harm(aws, world):
        chosen = [machine for machine in world["green"].instance_ids if machine.startswith("i-zzz")]
        # To DescribeInstances an empty list means no condition.
        aws.resource("ec2").instances.filter(InstanceIds=chosen).terminate()

    def innocent(aws, world):
        chosen = [machine for machine in world["green"].instance_ids if machine.startswith("i-")]
        aws.resource("ec2").instances.filter(InstanceIds=chosen).terminate()


@scenario
class TooManyAtOnce:
    incident = "AWS S3 2017-02-28"
    rule = "remaining/share"
    harmful = ("TerminateInstances",)
    config = {"params": {"remaining": {"clusters": {"index": {"max_share": 0.2}}}}}

    def arrange(aws):
        aws.start_cluster("web", 1, addresses=1)
        return aws.start_cluster("index", 10).instance_ids

    def harm(aws, machines):
        aws.client("ec2").terminate_instances(InstanceIds=list(machines[:7]))

    def happened(aws, machines):
        return aws.running("index") < 8

    def innocent(aws, machines):
        aws.client("ec2").terminate_instances(InstanceIds=list(machines[:2]))

    def passed(aws, machines):
        return aws.running("index") == 8


@scenario
class TooManyOneByOne:
    incident = "AWS S3 2017-02-28"
    rule = "remaining/share"
    harmful = ()
    config = TooManyAtOnce.config
    arrange = TooManyAtOnce.arrange
    happened = TooManyAtOnce.happened
    innocent = TooManyAtOnce.innocent
    passed = TooManyAtOnce.passed

    def harm(aws, machines):
        client = aws.client("ec2")
        for machine in machines[:7]:
            client.terminate_instances(InstanceIds=[machine])


@scenario
class WrongHost:
    incident = "GitLab 2017-01-31"
    rule = "live-cluster/storage"
    harmful = ("DetachVolume", "DeleteVolume")

    def arrange(aws):
        ec2 = aws.client("ec2")
        disks = {}
        for name, addresses in (("primary", 1), ("secondary", 0)):
            (machine,) = aws.start_cluster(name, 1, addresses=addresses).instance_ids
            zone = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]["Placement"]
            disk = ec2.create_volume(Size=1, AvailabilityZone=zone["AvailabilityZone"])["VolumeId"]
            ec2.attach_volume(VolumeId=disk, InstanceId=machine, Device="/dev/sdf")
            disks[name] = {"VolumeId": disk, "InstanceId": machine, "Device": "/dev/sdf"}
        return disks

    def harm(aws, disks):
        aws.client("ec2").detach_volume(**disks["primary"], Force=True)

    def happened(aws, disks):
        return not _attached(aws, disks["primary"])

    def innocent(aws, disks):
        aws.client("ec2").detach_volume(**disks["secondary"], Force=True)

    def passed(aws, disks):
        return not _attached(aws, disks["secondary"])


def _attached(aws, disk):
    return aws.client("ec2").describe_volumes(VolumeIds=[disk["VolumeId"]])["Volumes"][0]["Attachments"]


@scenario
class ImagesInUse:
    incident = "Travis images 2016"
    rule = "live-cluster/storage"
    harmful = ("DeregisterImage",)

    def arrange(aws):
        ec2 = aws.client("ec2")
        (machine,) = aws.start_cluster("builder", 1).instance_ids
        images = {name: ec2.create_image(InstanceId=machine, Name=name)["ImageId"] for name in ("used", "old")}
        started = ec2.run_instances(
            ImageId=images["used"],
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "blue"}]}],
        )["Instances"][0]["InstanceId"]
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.associate_address(AllocationId=address, InstanceId=started)
        return images

    def harm(aws, images):
        aws.client("ec2").deregister_image(ImageId=images["used"])

    def happened(aws, images):
        return images["used"] not in _images(aws)

    def innocent(aws, images):
        aws.client("ec2").deregister_image(ImageId=images["old"])

    def passed(aws, images):
        return images["old"] not in _images(aws)


def _images(aws):
    return {image["ImageId"] for image in aws.client("ec2").describe_images(Owners=["self"])["Images"]}
