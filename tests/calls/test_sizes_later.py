"""A schedule, a scaling policy or a metadata option that hurts the live cluster later is denied like the act itself."""

from __future__ import annotations

import pytest

from tests.calls.test_unknown_holders import attempt

pytestmark = pytest.mark.every(3)

ARN = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:6d8972f3-efc8-437c-92d1-6270f29a66e7"
ECS = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}


@pytest.fixture
def groups(aws):
    """Groups of two machines, blue and green; blue is live."""
    ec2, autoscaling = aws.client("ec2"), aws.client("autoscaling")
    subnet = aws.create_subnet("10.0.9.0/24")
    autoscaling.create_launch_configuration(LaunchConfigurationName="c", ImageId="ami-12345678", InstanceType="t3.nano")
    for name in ("blue", "green"):
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=1, MaxSize=4, DesiredCapacity=2, LaunchConfigurationName="c",
            VPCZoneIdentifier=subnet, Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True}],
        )  # fmt: skip
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=allocation, InstanceId=aws.machines("blue")[0])
    return autoscaling


def schedule(**sizes):
    return "put_scheduled_update_group_action", {"ScheduledActionName": "night", **sizes}


def batch(*actions):
    named = [{"ScheduledActionName": f"a{number}", **sizes} for number, sizes in enumerate(actions)]
    return "batch_put_scheduled_update_group_action", {"ScheduledUpdateGroupActions": named}


def policy(**content):
    return "put_scaling_policy", {"PolicyName": "p", **content}


def steps(*changes):
    rows = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": change} for change in changes]
    return policy(PolicyType="StepScaling", AdjustmentType="PercentChangeInCapacity", StepAdjustments=rows)


def tracking(**more):
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 50}
    return policy(PolicyType="TargetTrackingScaling", TargetTrackingConfiguration={**metric, **more})


SHRINKS = [
    schedule(MinSize=0, MaxSize=0, DesiredCapacity=0),
    schedule(DesiredCapacity=1),
    schedule(MaxSize=1),
    schedule(MaxSize=0, Recurrence="0 3 * * *"),
    schedule(MinSize=0),
    schedule(MinSize=0, MaxSize=9, Recurrence="0 22 * * *"),
    batch({"DesiredCapacity": 3}, {"MinSize": 0}),
    batch({"DesiredCapacity": 3}, {"MinSize": 0, "DesiredCapacity": 0}),
    policy(AdjustmentType="ChangeInCapacity", ScalingAdjustment=-1),
    policy(AdjustmentType="ExactCapacity", ScalingAdjustment=0),
    steps(1, -20),
    tracking(),
    tracking(DisableScaleIn=False),
]
KEEPS = [
    schedule(MinSize=2, MaxSize=8, DesiredCapacity=6),
    schedule(MinSize=1),
    schedule(DesiredCapacity=2),
    batch({"DesiredCapacity": 3}, {"MaxSize": 9}),
    policy(AdjustmentType="ChangeInCapacity", ScalingAdjustment=2),
    policy(AdjustmentType="ExactCapacity", ScalingAdjustment=2),
    steps(10, 50),
    tracking(DisableScaleIn=True),
    policy(
        PolicyType="PredictiveScaling", PredictiveScalingConfiguration={"MetricSpecifications": [{"TargetValue": 1}]}
    ),
]


@pytest.mark.parametrize(("method", "params"), SHRINKS)
def test_what_shrinks_a_group_later(method, params, groups, aws, install):
    """A schedule below the present size, and a policy that may take machines away, do so to green only."""
    install()
    assert attempt(aws, "autoscaling", method, {"AutoScalingGroupName": "blue", **params}) >= {"live-cluster/scale-in"}
    assert attempt(aws, "autoscaling", method, {"AutoScalingGroupName": "green", **params}) is None


@pytest.mark.parametrize(("method", "params"), KEEPS)
def test_what_keeps_a_group_or_lets_it_grow(method, params, groups, aws, install):
    """A schedule that grows the live group, and a policy that only adds machines, arrive."""
    install()
    assert attempt(aws, "autoscaling", method, {"AutoScalingGroupName": "blue", **params}) is None


def test_a_group_of_minimum_size_cannot_shrink(groups, aws, install):
    """A policy never goes below the minimum: with a minimum of two for two machines, target tracking may be set up."""
    groups.update_auto_scaling_group(AutoScalingGroupName="blue", MinSize=2)
    install()
    method, params = tracking()
    assert attempt(aws, "autoscaling", method, {"AutoScalingGroupName": "blue", **params}) is None


@pytest.mark.parametrize(("least", "arrives"), [(0, False), (1, True), (2, True)])
def test_the_minimum_of_a_group(least, arrives, groups, aws, install):
    """The minimum holds every policy of the live group: it may be raised or repeated, not lowered; green's may."""
    install()
    for name, expected in (("blue", arrives), ("green", True)):
        update = {"AutoScalingGroupName": name, "MinSize": least}
        denied = attempt(aws, "autoscaling", "update_auto_scaling_group", update)
        assert denied is None if expected else denied >= {"live-cluster/scale-in"}, (name, denied)


def test_the_minimum_before_a_policy(groups, aws, install):
    """A policy that the minimum holds arrives, and then the minimum stays: the live group keeps its machines."""
    groups.update_auto_scaling_group(AutoScalingGroupName="blue", MinSize=2)
    install()
    method, params = policy(AdjustmentType="ExactCapacity", ScalingAdjustment=0)
    blue = {"AutoScalingGroupName": "blue"}
    assert attempt(aws, "autoscaling", method, {**blue, **params}) is None
    assert attempt(aws, "autoscaling", "update_auto_scaling_group", {**blue, "MinSize": 0})


@pytest.mark.parametrize("by_arn", [False, True])
def test_executing_a_policy(by_arn, groups, aws, install):
    """ExecutePolicy is judged by what the policy changes; one that the group does not have is denied."""
    arns = {}
    for group in ("blue", "green"):
        for name, change in (("in", -1), ("out", 1)):
            # moto keeps one policy of a name for all groups.
            groups.put_scaling_policy(
                AutoScalingGroupName=group, PolicyName=f"{group}-{name}", AdjustmentType="ChangeInCapacity",
                ScalingAdjustment=change,
            )  # fmt: skip
            arns[group, name] = f"{ARN}:autoScalingGroupName/{group}:policyName/{group}-{name}"
    install()

    def by_name(group, name):
        return {"AutoScalingGroupName": group, "PolicyName": f"{group}-{name}"}

    def execute(group, name):
        named = {"PolicyName": arns[group, name]} if by_arn else by_name(group, name)
        return attempt(aws, "autoscaling", "execute_policy", named)

    assert execute("blue", "in") >= {"live-cluster/scale-in"}
    assert execute("blue", "out") is None
    assert execute("green", "in") is None
    if not by_arn:
        arns["blue", "lost"] = ""
        assert execute("blue", "lost") >= {"live-cluster/scale-in"}


def test_repeating_a_policy(groups, aws, install):
    """A policy that is written again as it is takes nothing away that it did not take before."""
    same = {"AutoScalingGroupName": "blue", "PolicyName": "in", "AdjustmentType": "ChangeInCapacity"}
    groups.put_scaling_policy(ScalingAdjustment=-1, **same)
    install()
    assert attempt(aws, "autoscaling", "put_scaling_policy", {"ScalingAdjustment": -1, **same}) is None
    assert attempt(aws, "autoscaling", "put_scaling_policy", {"ScalingAdjustment": -2, **same})


@pytest.fixture
def services(aws):
    """ECS services of two tasks in clusters that are tagged; the machines of blue are live."""
    ecs, scaling = aws.client("ecs"), aws.client("application-autoscaling")
    aws.start_cluster("blue", 2, addresses=1)
    ecs.register_task_definition(family="t", containerDefinitions=[{"name": "c", "image": "i", "memory": 1}])
    for name in ("blue", "green"):
        ecs.create_cluster(clusterName=name, tags=[{"key": "Cluster", "value": name}])
        ecs.create_service(cluster=name, serviceName="web", taskDefinition="t", desiredCount=2)
        scaling.register_scalable_target(ResourceId=f"service/{name}/web", MinCapacity=1, MaxCapacity=4, **ECS)


def action(**sizes):
    return "put_scheduled_action", {
        "ScheduledActionName": "n",
        "Schedule": "rate(1 day)",
        "ScalableTargetAction": sizes,
    }


def steps_of(*changes):
    rows = [{"ScalingAdjustment": change} for change in changes]
    return "put_scaling_policy", {"PolicyName": "p", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ChangeInCapacity", "StepAdjustments": rows}}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "arrives"),
    [
        (action(MinCapacity=0, MaxCapacity=0), False),
        (action(MaxCapacity=1), False),
        (action(MinCapacity=2, MaxCapacity=9), True),
        (action(MaxCapacity=2), True),
        (steps_of(-1), False),
        (steps_of(1, 2), True),
        (("register_scalable_target", {"MaxCapacity": 1}), False),
        (("register_scalable_target", {"MinCapacity": 1, "MaxCapacity": 4}), True),
        (("register_scalable_target", {"MinCapacity": 2}), True),
        (("register_scalable_target", {"MinCapacity": 0}), False),
        (action(MinCapacity=0), False),
        (action(MinCapacity=1), True),
    ],
)
def test_application_auto_scaling(call, arrives, services, aws, install):
    """A service of the live ECS cluster is not shrunk later, but may grow; green's may do both."""
    install()
    method, params = call
    denied = attempt(aws, "application-autoscaling", method, {"ResourceId": "service/blue/web", **ECS, **params})
    assert (denied is None) is arrives, denied
    assert attempt(aws, "application-autoscaling", method, {"ResourceId": "service/green/web", **ECS, **params}) is None


@pytest.mark.parametrize(
    ("options", "arrives"),
    [
        ({"HttpEndpoint": "disabled"}, False),
        ({"HttpTokens": "required"}, False),
        ({"HttpPutResponseHopLimit": 1}, False),
        ({"HttpEndpoint": "enabled"}, True),
        ({"HttpTokens": "optional"}, True),
        ({"HttpPutResponseHopLimit": 3}, True),
        ({"InstanceMetadataTags": "enabled"}, True),
    ],
)
def test_metadata_of_live_machines(options, arrives, aws, install):
    """A live machine is not cut off its metadata and role; an option that is so already, or opens more, may be set."""
    ec2 = aws.client("ec2")
    present = {"HttpEndpoint": "enabled", "HttpTokens": "optional", "HttpPutResponseHopLimit": 2}
    blue, green = (aws.start_cluster(name, 1, addresses=name == "blue") for name in ("blue", "green"))
    for cluster in (blue, green):
        ec2.modify_instance_metadata_options(InstanceId=cluster.instance_ids[0], **present)
    install()
    method = "modify_instance_metadata_options"
    denied = attempt(aws, "ec2", method, {"InstanceId": blue.instance_ids[0], **options})
    assert (denied is None) is arrives, denied
    assert attempt(aws, "ec2", method, {"InstanceId": green.instance_ids[0], **options}) is None


ENABLED, DISABLED = ({"status": status, "targetCapacity": 90} for status in ("ENABLED", "DISABLED"))


@pytest.mark.parametrize(
    ("name", "scaling", "arrives"),
    [("blue", ENABLED, False), ("blue", {}, True), ("blue", DISABLED, True), ("green", ENABLED, True)],
)
def test_a_capacity_provider(name, scaling, arrives, groups, aws, install):
    """ECS does not get to set the size of the live group; it may start machines in it, and may have the other one."""
    group = groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    install()
    provider = {"autoScalingGroupArn": group["AutoScalingGroupARN"]}
    provider |= {"managedScaling": scaling} if scaling else {}
    denied = attempt(aws, "ecs", "create_capacity_provider", {"name": "p", "autoScalingGroupProvider": provider})
    assert denied is None if arrives else "live-cluster/scale-in" in denied, denied


def test_an_event_window(groups, aws, install, caplog):
    """When AWS may reboot live machines is said as a warning; of other machines, nothing is."""
    install()
    for name, warned in (("blue", True), ("green", False)):
        caplog.clear()
        window = {"InstanceEventWindowId": "iew-0123456789abcdef0"}
        params = {**window, "AssociationTarget": {"InstanceIds": aws.machines(name)}}
        assert attempt(aws, "ec2", "associate_instance_event_window", params) is None
        assert warned is any("live-cluster/indirect" in record.getMessage() for record in caplog.records)
