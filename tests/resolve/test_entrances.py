"""A new entrance must not make the one that users come by count no more: which count depends on which there are."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

import guardrails
from tests.support.balancers import BehindBalancer

HIDDEN = "blue would not be live any more"


@pytest.fixture
def sides(aws):
    """Blue and green, without Elastic IPs."""
    return {name: aws.start_cluster(name, 2) for name in ("blue", "green")}


@pytest.fixture
def internal(aws, sides):
    """Users reach blue through an internal balancer."""
    balancer = BehindBalancer(aws, scheme="internal", name="inside")
    for name, side in sides.items():
        balancer.group(name, side.instance_ids)
    balancer.listener(443, blue=1)
    return balancer


def _listen(elb, balancer, port, **action):
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[action])


def _still_protected(aws, sides):
    """Blue stays, and a machine of green goes."""
    ec2, before = aws.client("ec2"), aws.count("TerminateInstances")
    with pytest.raises(guardrails.CallDenied, match="the live cluster blue"):
        ec2.terminate_instances(InstanceIds=list(sides["blue"].instance_ids))
    assert aws.count("TerminateInstances") == before
    ec2.terminate_instances(InstanceIds=[sides["green"].instance_ids[0]])
    assert aws.count("TerminateInstances") == before + 1


def test_a_listener_from_the_internet(aws, sides, internal, install):
    """Beside an internal balancer it is denied for green, until the live listener is named; for blue it is not."""
    staging, elb = BehindBalancer(aws, name="staging"), aws.client("elbv2")
    install()
    before = aws.count("CreateListener")
    with pytest.raises(guardrails.CallDenied, match=HIDDEN) as caught:
        _listen(elb, staging.arn, 80, Type="forward", TargetGroupArn=internal.groups["green"])
    assert aws.count("CreateListener") == before
    assert "live.listeners" in str(caught.value)
    _listen(elb, staging.arn, 81, Type="forward", TargetGroupArn=internal.groups["blue"])
    assert aws.count("CreateListener") == before + 1
    guardrails.uninstall()
    (listener,) = elb.describe_listeners(LoadBalancerArn=internal.arn)["Listeners"]
    install(live={"sources": ["target-group"], "listeners": [listener["ListenerArn"]]})
    _listen(elb, staging.arn, 80, Type="forward", TargetGroupArn=internal.groups["green"])
    assert aws.count("CreateListener") == before + 2
    _still_protected(aws, sides)


def test_a_listener_by_cloud_control(aws, sides, internal, install):
    """The same listener as a resource of Cloud Control is denied, too; one for blue arrives. Moto has no answer."""
    staging, control = BehindBalancer(aws, name="staging"), aws.client("cloudcontrol")
    install()

    def create(side):
        action = {"Type": "forward", "TargetGroupArn": internal.groups[side]}
        state = {"LoadBalancerArn": staging.arn, "Protocol": "HTTP", "Port": 80, "DefaultActions": [action]}
        kind = "AWS::ElasticLoadBalancingV2::Listener"
        control.create_resource(TypeName=kind, DesiredState=json.dumps(state))

    with pytest.raises(guardrails.CallDenied, match=HIDDEN):
        create("green")
    assert aws.count("CreateResource") == 0
    with pytest.raises(ClientError):
        create("blue")
    assert aws.count("CreateResource") == 1


def test_a_listener_on_a_usual_port(aws, sides, install):
    """Where users come by another port, one on 80 for green is denied; one that redirects to that port is not."""
    balancer, elb = BehindBalancer(aws), aws.client("elbv2")
    for name, side in sides.items():
        balancer.group(name, side.instance_ids)
    balancer.listener(8443, blue=1)
    install()
    before = aws.count("CreateListener")
    with pytest.raises(guardrails.CallDenied, match=HIDDEN):
        _listen(elb, balancer.arn, 80, Type="forward", TargetGroupArn=balancer.groups["green"])
    assert aws.count("CreateListener") == before
    redirect = {"Protocol": "HTTPS", "Port": "8443", "StatusCode": "HTTP_301"}
    _listen(elb, balancer.arn, 80, Type="redirect", RedirectConfig=redirect)
    assert aws.count("CreateListener") == before + 1
    _still_protected(aws, sides)


def test_a_machine_behind_an_empty_entrance(aws, sides, internal, install):
    """The first machine of green behind a balancer from the internet is denied, also with its group; blue's is not."""
    staging, elb = BehindBalancer(aws, name="staging"), aws.client("elbv2")
    group = staging.group("staging", ())
    staging.listener(80, staging=1)
    install()
    before = aws.count("RegisterTargets")
    with pytest.raises(guardrails.CallDenied, match=HIDDEN):
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": sides["green"].instance_ids[0]}])
    assert aws.count("RegisterTargets") == before
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": sides["blue"].instance_ids[0]}])
    assert aws.count("RegisterTargets") == before + 1
    _still_protected(aws, sides)


def test_a_classic_balancer(aws, sides, install):
    """The same for classic balancers, with the source `elb`."""
    elb = aws.client("elb")
    listeners = [{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}]
    for name, scheme in (("inside", "internal"), ("staging", "internet-facing")):
        elb.create_load_balancer(
            LoadBalancerName=name, Listeners=listeners, AvailabilityZones=["eu-west-1a"], Scheme=scheme
        )
    blue, green = ([{"InstanceId": each} for each in sides[name].instance_ids] for name in ("blue", "green"))
    elb.register_instances_with_load_balancer(LoadBalancerName="inside", Instances=blue)
    install(live={"sources": ["elb"]})
    before = aws.count("RegisterInstancesWithLoadBalancer")
    with pytest.raises(guardrails.CallDenied, match=HIDDEN) as caught:
        elb.register_instances_with_load_balancer(LoadBalancerName="staging", Instances=green[:1])
    assert "live.balancers" in str(caught.value)
    assert aws.count("RegisterInstancesWithLoadBalancer") == before
    elb.register_instances_with_load_balancer(LoadBalancerName="staging", Instances=blue[:1])
    assert aws.count("RegisterInstancesWithLoadBalancer") == before + 1
    _still_protected(aws, sides)


def test_beside_a_public_one_it_is_free(aws, sides, install):
    """Where users reach blue from the internet, another listener or member takes nothing out of the evidence."""
    balancer, elb = BehindBalancer(aws), aws.client("elbv2")
    for name, side in sides.items():
        balancer.group(name, side.instance_ids)
    balancer.listener(443, blue=1)
    staging = BehindBalancer(aws, name="staging")
    install()
    before = aws.count("CreateListener")
    _listen(elb, staging.arn, 8080, Type="forward", TargetGroupArn=balancer.groups["green"])
    assert aws.count("CreateListener") == before + 1
