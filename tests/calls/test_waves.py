"""Machines go in waves where the configuration says so: at first a few, then more, while the live cluster holds."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request

import pytest

import guardrails

pytestmark = pytest.mark.every(3)

# Longer than a test takes, and three of it are within `state.window_s`.
LONG = 1_000
LOOP = re.compile(r"`(for batch in [^`]*)`")


@pytest.fixture
def fleet(aws):
    """Blue is live by an address, with three machines; green, 40 machines, is to go."""
    blue, green = aws.start_cluster("blue", 3, addresses=1), aws.start_cluster("green", 40)
    aws.clear()
    return blue, list(green.instance_ids)


def denied(call, *args, **params):
    """The rules that denied a call and its message."""
    with pytest.raises(guardrails.CallDenied) as caught:
        call(*args, **params)
    return {violation.rule for violation in caught.value.decision.violations}, str(caught.value)


def arrived(aws, operation):
    """How many machines each request of this operation named, in order of arrival."""
    return [
        len([name for name in request.params if name.startswith("InstanceId")])
        for request in aws.requests
        if request.operation == operation
    ]


def test_off_by_default(aws, fleet, install):
    """Ending a half-started cluster stays one easy call."""
    install()
    aws.client("ec2").terminate_instances(InstanceIds=fleet[1])
    assert arrived(aws, "TerminateInstances") == [40]


def test_the_message_is_a_way_that_works(aws, fleet, install):
    """With `refuse`, a call beyond one machine is denied; the loop in its message ends the cluster."""
    install(waves="refuse", wave_pause_s=0.01)
    ec2, ids = aws.client("ec2"), fleet[1]
    rules, message = denied(ec2.terminate_instances, InstanceIds=ids)
    assert rules == {"waves/size"}
    assert "40 machines of green" in message
    assert aws.count("TerminateInstances") == 0
    loop = LOOP.search(message)[1]
    exec(loop, {"guardrails": guardrails, "ids": ids, "ec2": ec2})
    assert arrived(aws, "TerminateInstances") == [1, 5, 25, 9]
    assert aws.running("green") == 0
    assert aws.running("blue") == 3


def test_many_calls_are_one(aws, fleet, install):
    """Calls for one machine each count together: the second within the pause is denied, and says when it may go."""
    install(waves="refuse", wave_pause_s=LONG)
    ec2, ids = aws.client("ec2"), fleet[1]
    ec2.terminate_instances(InstanceIds=ids[:1])
    for name in ids[1:3]:
        rules, message = denied(ec2.terminate_instances, InstanceIds=[name])
        assert rules == {"waves/size"}
        assert "The next wave may begin in" in message
    assert denied(ec2.stop_instances, InstanceIds=ids[1:2])[0] == {"waves/size"}
    assert denied(ec2.reboot_instances, InstanceIds=ids[1:2])[0] == {"waves/size"}
    assert arrived(aws, "TerminateInstances") == [1]


def test_the_same_machine_again(aws, fleet, install):
    """A call that is repeated takes nothing more, and passes."""
    install(waves="refuse", wave_pause_s=LONG)
    ec2 = aws.client("ec2")
    for _ in range(3):
        ec2.terminate_instances(InstanceIds=fleet[1][:1])
    assert arrived(aws, "TerminateInstances") == [1, 1, 1]


def test_by_cluster(aws, fleet, install):
    """A cluster may have waves while others go at once."""
    red = aws.start_cluster("red", 3)
    install(waves={"green": "refuse"})
    ec2 = aws.client("ec2")
    ec2.terminate_instances(InstanceIds=list(red.instance_ids))
    assert denied(ec2.terminate_instances, InstanceIds=fleet[1][:2])[0] == {"waves/size"}
    assert arrived(aws, "TerminateInstances") == [3]


def test_a_falling_live_side(aws, fleet, install):
    """Once the live cluster has fewer healthy machines than before, the next wave is denied; back again, it passes."""
    install(waves="refuse", wave_pause_s=0.01)
    blue, ids = fleet
    ec2, batches = aws.client("ec2"), guardrails.waves(ids)
    ec2.terminate_instances(InstanceIds=next(batches))
    outside(aws, "StopInstances", blue.instance_ids[2])
    batch = next(batches)
    rules, message = denied(ec2.terminate_instances, InstanceIds=batch)
    assert rules == {"waves/live-health"}
    assert "blue has 2 healthy machines (3 before)" in message
    outside(aws, "StartInstances", blue.instance_ids[2])
    guardrails.uninstall()  # with the facts that it has from a moment ago
    install(waves="refuse", wave_pause_s=0.01)
    ec2.terminate_instances(InstanceIds=batch)
    assert arrived(aws, "TerminateInstances") == [1, 5]


def test_an_unknown_live_side(aws, fleet, install):
    """Without the permission to look at the status checks, no wave goes, and the message names the permission."""
    install(waves="refuse")
    aws.answer("DescribeInstanceStatus", 403, "UnauthorizedOperation", "no")
    _, message = denied(aws.client("ec2").terminate_instances, InstanceIds=fleet[1][:1])
    assert "ec2:DescribeInstanceStatus" in message
    assert aws.count("TerminateInstances") == 0


def test_what_goes_already_takes_nothing(aws, fleet, install):
    """Ending all machines again, which are on their way already, passes; those of a cluster that is gone as well."""
    install(waves="refuse", wave_pause_s=0.01)
    ec2, ids = aws.client("ec2"), fleet[1]
    for batch in guardrails.waves(ids):
        ec2.terminate_instances(InstanceIds=batch)
    ec2.terminate_instances(InstanceIds=ids)
    assert arrived(aws, "TerminateInstances") == [1, 5, 25, 9, 40]


def test_a_cluster_that_is_started_again(aws, fleet, install):
    """A new cluster of the same name begins with the first wave, and then goes on with the second."""
    install(waves="refuse", wave_pause_s=0.01)
    ec2 = aws.client("ec2")
    for batch in guardrails.waves(fleet[1]):
        ec2.terminate_instances(InstanceIds=batch)
    # AWS gives the time of a start in whole seconds.
    time.sleep(1.01 - time.time() % 1)
    ids = list(aws.start_cluster("green", 8).instance_ids)
    aws.clear()
    assert denied(ec2.terminate_instances, InstanceIds=ids)[0] == {"waves/size"}
    for batch in guardrails.waves(ids):
        ec2.terminate_instances(InstanceIds=batch)
    assert arrived(aws, "TerminateInstances") == [1, 5, 2]


def test_one_machine_at_a_time_by_its_group(aws, fleet, install):
    """An operation for one machine only counts as well, and the loop in the message calls it for each machine."""
    install(waves="refuse", wave_pause_s=LONG)
    asg, ids = aws.client("autoscaling"), fleet[1]
    aws.client("ec2").terminate_instances(InstanceIds=ids[:1])
    params = {"InstanceId": ids[1], "ShouldDecrementDesiredCapacity": True}
    rules, message = denied(asg.terminate_instance_in_auto_scaling_group, **params)
    assert rules == {"waves/size"}
    way = "autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=each, ShouldDecrementDesiredCapacity=True)"
    assert f"for batch in guardrails.waves(ids): [{way} for each in batch]" in message


def test_a_stack_with_machines(aws, fleet, install):
    """A stack that holds a machine counts the machines of it, and one with a group of them all of the cluster."""
    template = {"Resources": {
        name: {"Type": "AWS::EC2::Instance", "Properties": {
            "ImageId": "ami-12345678", "Tags": [{"Key": "Cluster", "Value": "red"}]}}
        for name in ("A", "B")}}  # fmt: skip
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="red", TemplateBody=json.dumps(template))
    install(waves="refuse", wave_pause_s=0.01)
    rules, message = denied(cloudformation.delete_stack, StackName="red")
    assert rules == {"waves/size"}
    assert "2 machines of red" in message
    ids, ec2 = list(aws.machines("red")), aws.client("ec2")
    exec(LOOP.search(message)[1], {"guardrails": guardrails, "ids": ids, "ec2": ec2})
    cloudformation.delete_stack(StackName="red")
    assert aws.count("DeleteStack") == 1


def test_without_a_memory(install):
    """Without a memory nothing could be counted, so the configuration is refused, with the way."""
    with pytest.raises(guardrails.ConfigError, match=r"state.enabled.* is false, and `waves` needs the memory"):
        install(waves="refuse", state={"enabled": False})


def test_live_without_machines(aws, fleet, install):
    """A live cluster that has no machines here, such as one of functions, does not hold waves up."""
    install(waves="refuse", live={"sources": ["env"], "env": "LIVE_NOW"}, wave_pause_s=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVE_NOW", "functions")
        found = denied_or_none(aws.client("ec2").terminate_instances, InstanceIds=fleet[1][:1])
    assert "waves/live-health" not in (found or ())


def denied_or_none(call, **params):
    """The rules that denied a call; None where it was sent."""
    try:
        call(**params)
    except guardrails.CallDenied as error:
        return {violation.rule for violation in error.decision.violations}
    return None


def test_reads_and_launches_pass(aws, fleet, install):
    """With waves on, what takes no machine away is as before."""
    install(waves="refuse")
    ec2 = aws.client("ec2")
    image = ec2.describe_instances(InstanceIds=fleet[1][:1])["Reservations"][0]["Instances"][0]["ImageId"]
    ec2.run_instances(ImageId=image, MinCount=9, MaxCount=9, InstanceType="t3.micro")
    ec2.start_instances(InstanceIds=fleet[1])
    ec2.create_tags(Resources=fleet[1], Tags=[{"Key": "Owner", "Value": "ann"}])
    assert aws.count("RunInstances", "StartInstances", "CreateTags") == 3


def test_a_size_is_lowered_in_steps(aws, fleet, install):
    """A group may lose as many machines at once as a wave; deleting it with its machines at once is denied."""
    ec2, asg = aws.client("ec2"), aws.client("autoscaling")
    machine = ec2.describe_instances(InstanceIds=fleet[1][:1])["Reservations"][0]["Instances"][0]
    asg.create_launch_configuration(LaunchConfigurationName="c", ImageId=machine["ImageId"], InstanceType="t3.micro")
    asg.create_auto_scaling_group(
        AutoScalingGroupName="workers", LaunchConfigurationName="c", MinSize=0, MaxSize=9, DesiredCapacity=8,
        VPCZoneIdentifier=machine["SubnetId"],
        Tags=[{"Key": "Cluster", "Value": "workers", "PropagateAtLaunch": True}],
    )  # fmt: skip
    install(waves="refuse", wave_pause_s=LONG)
    too_much = (
        (asg.set_desired_capacity, {"DesiredCapacity": 6}),
        (asg.update_auto_scaling_group, {"MaxSize": 2}),
        (asg.delete_auto_scaling_group, {"ForceDelete": True}),
    )
    for call, size in too_much:
        assert denied(call, AutoScalingGroupName="workers", **size)[0] == {"waves/size"}
    asg.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=8)
    asg.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=7)
    rules, message = denied(asg.set_desired_capacity, AutoScalingGroupName="workers", DesiredCapacity=6)
    assert rules == {"waves/size"}
    assert "Lower the size in steps" in message
    assert aws.count("SetDesiredCapacity") == 2


def outside(aws, action, machine):
    """A call of someone else, whom no guard sees."""
    form = {"Action": action, "Version": "2016-11-15", "InstanceId.1": machine}
    scope = "AWS4-HMAC-SHA256 Credential=key/20231009/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0"
    request = urllib.request.Request(aws.endpoint_url, urllib.parse.urlencode(form).encode(), {"Authorization": scope})
    urllib.request.urlopen(request).close()
