"""Incidents with launches: no room, too fast, or a missing size."""

from __future__ import annotations

import contextlib

from botocore.exceptions import ClientError

from tests.scenarios.scenario import scenario


@scenario
class SubnetTooSmall:
    incident = "PythonAnywhere 2023-10-09, before"
    rule = "capacity/addresses"
    harmful = ("RunInstances",)

    def arrange(aws):
        # 11 addresses each.
        small, large = aws.create_subnet("10.0.1.0/28"), aws.create_subnet("10.0.2.0/24")
        aws.start_cluster("blue", 8, subnet=small, addresses=2)
        return {"small": small, "large": large}

    def harm(aws, subnets):
        _launch(aws, subnets["small"])

    def happened(aws, subnets):
        # Some got an address: the cluster is half started.
        return 0 < aws.running("green") < 8

    def innocent(aws, subnets):
        _launch(aws, subnets["large"])

    def passed(aws, subnets):
        # The simulation starts MinCount machines where AWS would start all eight.
        return aws.running("green") >= 3


def _launch(aws, subnet):
    # AWS starts as many as get an address, down to MinCount.
    aws.client("ec2").run_instances(
        ImageId="ami-12345678",
        MinCount=3,
        MaxCount=8,
        SubnetId=subnet,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "green"}]}],
    )


@scenario
class BlankSizeMeansNone:
    incident = "UniSuper / Google 2024"
    rule = "live-cluster/scale-in"
    harmful = ("UpdateAutoScalingGroup",)

    def arrange(aws):
        subnet = aws.create_subnet("10.0.3.0/24")
        group(aws, "web-blue", "blue", subnet)
        group(aws, "web-green", "green", subnet)
        live(aws, "blue")
        return ""

    def harm(aws, blank):
        # The size came from an empty form field.
        size = int(blank or 0)
        aws.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName="web-blue", MinSize=size, MaxSize=size, DesiredCapacity=size
        )

    def happened(aws, blank):
        return aws.running("blue") == 0

    def innocent(aws, blank):
        aws.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName="web-green", MinSize=0, MaxSize=0, DesiredCapacity=0
        )

    def passed(aws, blank):
        return aws.running("green") == 0 and aws.running("blue") == 2


def group(aws, name, cluster, subnet):
    """An Auto Scaling group of two machines of a cluster."""
    client = aws.client("autoscaling")
    with contextlib.suppress(ClientError):
        client.create_launch_configuration(
            LaunchConfigurationName="lc", ImageId="ami-12345678", InstanceType="t3.small"
        )
    client.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName="lc",
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=subnet,
        Tags=[{"Key": "Cluster", "Value": cluster, "PropagateAtLaunch": True}],
    )


def live(aws, cluster):
    """Give a cluster an Elastic IP."""
    ec2 = aws.client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=aws.machines(cluster)[0])
