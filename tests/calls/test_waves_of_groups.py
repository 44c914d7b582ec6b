"""What is made of machines goes in waves as the machines themselves do, by whichever API it is taken away."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

import guardrails
from tests.calls.test_waves import LONG, denied_or_none, outside

pytestmark = pytest.mark.every(3)

CLUSTER = [{"Key": "Cluster", "Value": "workers", "PropagateAtLaunch": True}]
SIZE = {"waves/size"}


def template(size):
    """A stack with one group of this many machines."""
    group = {
        "AutoScalingGroupName": "in-stack", "MinSize": str(size), "MaxSize": str(size), "DesiredCapacity": str(size),
        "AvailabilityZones": ["eu-west-1a"], "LaunchConfigurationName": "c", "Tags": CLUSTER,
    }  # fmt: skip
    return json.dumps({"Resources": {"G": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group}}})


@pytest.fixture
def group(aws, install):
    """A group of ten machines, and a stack with another of four; machines go in waves. Blue is live."""
    aws.start_cluster("blue", 1, addresses=1)
    asg = aws.client("autoscaling")
    asg.create_launch_configuration(LaunchConfigurationName="c", ImageId="ami-12345678", InstanceType="t3.micro")
    aws.client("cloudformation").create_stack(StackName="four", TemplateBody=template(4))
    asg.create_auto_scaling_group(
        AutoScalingGroupName="ten", LaunchConfigurationName="c", MinSize=0, MaxSize=12, DesiredCapacity=10,
        AvailabilityZones=["eu-west-1a"], Tags=CLUSTER,
    )  # fmt: skip
    install(waves="refuse", wave_pause_s=LONG)
    aws.clear()


def test_a_stack_with_a_group(aws, group):
    """Deleting a stack with a group of machines, or updating it to a size of 0, is denied before it is sent."""
    cloudformation = aws.client("cloudformation")
    assert denied_or_none(cloudformation.delete_stack, StackName="four") == SIZE
    assert denied_or_none(cloudformation.update_stack, StackName="four", TemplateBody=template(0)) == SIZE
    assert aws.count("DeleteStack", "UpdateStack") == 0


def test_a_fleet(aws, group):
    """How many machines a fleet has is not known, so it is not ended with them; without them it is."""
    ec2 = aws.client("ec2")
    template = ec2.create_launch_template(
        LaunchTemplateName="t", LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.micro"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    fleet = ec2.create_fleet(
        Type="maintain",
        LaunchTemplateConfigs=[{"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}],
        TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"},
        TagSpecifications=[{"ResourceType": "fleet", "Tags": [{"Key": "Cluster", "Value": "workers"}]}],
    )["FleetId"]
    assert denied_or_none(ec2.delete_fleets, FleetIds=[fleet], TerminateInstances=True) == SIZE
    through = {"TypeName": "AWS::EC2::EC2Fleet", "Identifier": fleet}
    assert denied_or_none(aws.client("cloudcontrol").delete_resource, **through) == SIZE
    assert aws.count("DeleteFleets", "DeleteResource") == 0
    aws.answer("ModifyFleet", 400, "NotSimulated", "not simulated")
    smaller, larger = ({"TotalTargetCapacity": size} for size in (0, 3))
    assert denied_or_none(ec2.modify_fleet, FleetId=fleet, TargetCapacitySpecification=smaller) == SIZE
    with pytest.raises(ClientError, match="NotSimulated"):
        ec2.modify_fleet(FleetId=fleet, TargetCapacitySpecification=larger)
    assert aws.count("ModifyFleet") == 1
    ec2.delete_fleets(FleetIds=[fleet], TerminateInstances=False)
    assert aws.count("DeleteFleets") == 1


def test_a_patch_of_a_size(aws, group):
    """Cloud Control lowers a size as the service's own call does: all at once is denied, one machine passes."""
    aws.answer("UpdateResource", 200, "", "{}")
    update = aws.client("cloudcontrol").update_resource

    def patched(**sizes):
        patch = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in sizes.items()]
        through = {"TypeName": "AWS::AutoScaling::AutoScalingGroup", "Identifier": "ten"}
        return denied_or_none(update, **through, PatchDocument=json.dumps(patch))

    assert patched(DesiredCapacity="0") == SIZE
    assert patched(MaxSize=0, MinSize=0) == SIZE
    assert patched(DesiredCapacity="unknown") == SIZE
    assert aws.count("UpdateResource") == 0
    assert patched(TerminationPolicies=["OldestInstance"]) is None
    assert patched(DesiredCapacity="9") is None
    assert aws.count("UpdateResource") == 2


def test_a_patch_of_a_machine(aws, group):
    """Cloud Control may stop a machine to change it: one is the first wave, the next one is denied; its tags pass."""
    aws.answer("UpdateResource", 200, "", "{}")
    ids, update = list(aws.machines("workers")), aws.client("cloudcontrol").update_resource

    def patched(name, path, value):
        patch = json.dumps([{"op": "replace", "path": path, "value": value}])
        return denied_or_none(update, TypeName="AWS::EC2::Instance", Identifier=name, PatchDocument=patch)

    assert patched(ids[0], "/InstanceType", "t3.large") is None
    assert patched(ids[1], "/InstanceType", "t3.large") == SIZE
    assert patched(ids[1], "/Tags", [{"Key": "Cluster", "Value": "workers"}, {"Key": "Owner", "Value": "ann"}]) is None
    assert aws.count("UpdateResource") == 2


def test_an_environment(aws, group):
    """Terminating an environment of Elastic Beanstalk counts its machines."""
    ids = list(aws.machines("workers"))
    tags = [{"Key": "elasticbeanstalk:environment-name", "Value": "webs"}]
    aws.client("ec2").create_tags(Resources=ids[:2], Tags=tags)
    beanstalk = aws.client("elasticbeanstalk")
    for call in (beanstalk.terminate_environment, beanstalk.rebuild_environment):
        assert denied_or_none(call, EnvironmentName="webs") == SIZE
    assert aws.count("TerminateEnvironment", "RebuildEnvironment") == 0


def test_machines_that_a_service_keeps(aws, group):
    """How many machines a compute environment has is not known, so it is not deleted with them."""
    arn = "arn:aws:batch:eu-west-1:123456789012:compute-environment/jobs"
    row = {"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": "workers"}]}
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": [row]}))
    assert denied_or_none(aws.client("batch").delete_compute_environment, computeEnvironment=arn) == SIZE
    assert aws.count("DeleteComputeEnvironment") == 0


def test_a_refresh(aws, group):
    """A refresh counts the machines that it takes at once: ten of ten are denied, one of ten passes."""
    aws.answer("StartInstanceRefresh", 400, "InstanceRefreshInProgress", "not simulated")
    refresh = aws.client("autoscaling").start_instance_refresh
    for at_once in ({"MinHealthyPercentage": 0}, {"MinHealthyPercentage": 50}):
        assert denied_or_none(refresh, AutoScalingGroupName="ten", Preferences=at_once) == SIZE
    assert aws.count("StartInstanceRefresh") == 0
    with pytest.raises(Exception, match="InstanceRefreshInProgress"):
        refresh(AutoScalingGroupName="ten", Preferences={"MinHealthyPercentage": 90})
    assert aws.count("StartInstanceRefresh") == 1


def test_what_went_before_the_waves(aws, install):
    """Machines of the live side that were taken before it was looked at hide none that fails later."""
    blue, green = aws.start_cluster("blue", 6, addresses=1), aws.start_cluster("green", 12)
    install(waves={"green": "refuse"}, wave_pause_s=0.01)
    ec2 = aws.client("ec2")
    with guardrails.break_glass(reason="INC-1", rules=["live-cluster/stop"]):
        for machine in blue.instance_ids[:3]:
            ec2.reboot_instances(InstanceIds=[machine])
    parts = guardrails.waves(green.instance_ids)
    ec2.terminate_instances(InstanceIds=next(parts))
    for machine in blue.instance_ids[3:5]:
        outside(aws, "StopInstances", machine)
    with pytest.raises(guardrails.CallDenied, match="waves/live-health"):
        ec2.terminate_instances(InstanceIds=next(parts))


def test_the_minimum_of_a_group(aws, group):
    """A minimum takes no machine away now, whether it is raised or lowered: it is no wave."""
    update = aws.client("autoscaling").update_auto_scaling_group
    assert denied_or_none(update, AutoScalingGroupName="ten", MinSize=8) is None
    assert denied_or_none(update, AutoScalingGroupName="ten", MinSize=1) is None
    assert denied_or_none(update, AutoScalingGroupName="ten", MinSize=1, DesiredCapacity=1) == SIZE
    assert aws.count("UpdateAutoScalingGroup") == 2
