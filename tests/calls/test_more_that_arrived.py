"""What reaches the live cluster through a new group, an alarm, a record, another spelling or an untagging: each beside
its innocent sibling."""

from __future__ import annotations

import pytest

from tests.calls.test_unknown_holders import attempt
from tests.support import rest

pytestmark = pytest.mark.every(3)

TAG = {"Key": "Cluster", "PropagateAtLaunch": True}


@pytest.fixture
def served(aws, places, install):
    """A target group and a classic balancer that send users to a live machine."""
    blue = places["blue"]
    vpc = aws.client("ec2").describe_subnets(SubnetIds=[blue.subnet])["Subnets"][0]["VpcId"]
    elb, classic = aws.client("elbv2"), aws.client("elb")
    group = elb.create_target_group(Name="blue", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": blue.machine}])
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    classic.create_load_balancer(LoadBalancerName="blue", Listeners=[listener], Subnets=[blue.subnet])
    classic.register_instances_with_load_balancer(LoadBalancerName="blue", Instances=[{"InstanceId": blue.machine}])
    install(live={"eip_addresses": [blue.public_ip]})
    return group["TargetGroupArn"]


JOINS = [
    lambda group: {"TargetGroupARNs": [group]},
    lambda group: {"TrafficSources": [{"Identifier": group, "Type": "elbv2"}]},
    lambda group: {"LoadBalancerNames": ["blue"]},
    lambda group: {"TrafficSources": [{"Identifier": "blue", "Type": "elb"}]},
]


@pytest.mark.parametrize("joins", JOINS)
def test_groups_that_join_a_live_balancer(joins, served, places, aws):
    """A new group joins the live balancer only with the live cluster's tag; without a balancer it is free."""
    new = {"MinSize": 0, "MaxSize": 1, "LaunchConfigurationName": "green", "VPCZoneIdentifier": places["green"].subnet}

    def create(name, tags, **more):
        params = {"AutoScalingGroupName": name, "Tags": tags, **new, **more}
        return attempt(aws, "autoscaling", "create_auto_scaling_group", params)

    assert create("a", [{**TAG, "Value": "small"}], **joins(served)) >= {"live-cluster/admit"}
    assert create("b", [], **joins(served)) >= {"live-cluster/admit"}
    kept = [{**TAG, "Value": "blue", "PropagateAtLaunch": False}]
    assert create("c", kept, **joins(served)) >= {"live-cluster/admit"}
    assert create("d", [{**TAG, "Value": "blue"}], **joins(served)) is None
    assert create("e", [{**TAG, "Value": "small"}]) is None


ACTIONS = ["AlarmActions", "OKActions", "InsufficientDataActions"]


@pytest.fixture
def policies(aws, places, install):
    """A policy of each group that sets it to no machine, and one of the live group that adds a machine."""
    scaling = aws.client("autoscaling")

    def policy(group, name, kind, change):
        scaling.put_scaling_policy(
            AutoScalingGroupName=group, PolicyName=name, AdjustmentType=kind, ScalingAdjustment=change
        )
        return next(
            each["PolicyARN"]
            for each in scaling.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
            if each["PolicyName"] == name
        )

    made = {
        "zero": policy("blue-asg", "zero", "ExactCapacity", 0),
        "more": policy("blue-asg", "more", "ChangeInCapacity", 1),
        "green": policy("green-asg", "zero", "ExactCapacity", 0),
    }
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return made


@pytest.mark.parametrize("member", ACTIONS)
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("put_metric_alarm", {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 0,
                              "MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Sum"}),
        ("put_composite_alarm", {"AlarmRule": "TRUE"}),
    ],
)  # fmt: skip
def test_alarms_that_execute_a_policy(method, params, member, policies, aws):
    """An alarm may not execute a policy that shrinks the live group; one that adds machines may, and green's."""

    def put(*actions):
        return attempt(aws, "cloudwatch", method, {"AlarmName": "a", **params, member: [*actions]})

    assert put(policies["zero"]) >= {"live-cluster/scale-in"}
    assert put(policies["green"]) is None
    assert put("arn:aws:sns:eu-west-1:123456789012:topic", policies["zero"]) >= {"live-cluster/scale-in"}
    assert put(policies["more"]) is None
    assert put(policies["green"]) is None
    assert put("arn:aws:sns:eu-west-1:123456789012:topic", policies["zero"]) >= {"live-cluster/scale-in"}
    assert put(policies["more"]) is None
    assert put(policies["green"]) is None
    assert put("arn:aws:sns:eu-west-1:123456789012:topic") is None


def test_alarms_that_execute_a_policy_of_a_service(places, aws, install):
    """The same for Application Auto Scaling: a policy that takes tasks of the live service away is not executed."""
    scaling, ecs = aws.client("application-autoscaling"), aws.client("ecs")
    made = {}
    for name in ("blue", "green"):
        ecs.create_cluster(clusterName=name, tags=[{"key": "Cluster", "value": name}])
        service = {"ServiceNamespace": "ecs", "ResourceId": f"service/{name}/web",
                   "ScalableDimension": "ecs:service:DesiredCount"}  # fmt: skip
        ecs.register_task_definition(family="web", containerDefinitions=[{"name": "c", "image": "i", "memory": 1}])
        ecs.create_service(cluster=name, serviceName="web", taskDefinition="web", desiredCount=2)
        scaling.register_scalable_target(**service, MinCapacity=1, MaxCapacity=4)
        for change in (-1, 1):
            steps = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": change}]}
            made[name, change] = scaling.put_scaling_policy(
                PolicyName=f"by{change}", PolicyType="StepScaling", **service, StepScalingPolicyConfiguration=steps
            )["PolicyARN"]
    install(live={"eip_addresses": [places["blue"].public_ip]})

    def put(policy):
        params = {"AlarmName": "a", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1,
                  "AlarmActions": [policy]}  # fmt: skip
        return attempt(aws, "cloudwatch", "put_metric_alarm", params)

    assert put(made["blue", -1]) >= {"live-cluster/scale-in"}
    assert put(made["blue", -1] + "-unknown") >= {"live-cluster/scale-in"}
    assert put(made["blue", 1]) is None
    assert put(made["green", -1]) is None


@pytest.fixture
def zones(aws, places, install):
    """A zone of each cluster: www, a wildcard, and what has nothing to do with it."""
    route53, made = aws.client("route53"), {}
    for name, place in places.items():
        made[name] = route53.create_hosted_zone(Name="e.org", CallerReference=name)["HostedZone"]["Id"]
        for label in ("www", "*.w", "api.b.w"):
            route53.change_resource_record_sets(**record(made[name], "CREATE", f"{label}.e.org", "A", place.public_ip))
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return made


def record(zone, action, name, kind, value):
    content = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    return {"HostedZoneId": zone, "ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": content}]}}


OUTRANKS = [
    ("UPSERT", "e.org", "NS", "ns.evil.org"),
    ("UPSERT", "e.org", "SOA", "ns.evil.org h.e.org 1 7200 900 1209600 86400"),
    ("CREATE", "www.e.org", "AAAA", "2001:db8::1"),
    ("UPSERT", "www.e.org", "AAAA", "2001:db8::1"),
    ("CREATE", "www.e.org", "HTTPS", "0 other.org"),
    ("CREATE", "www.e.org", "HTTPS", "1 . ipv4hint=192.0.2.1"),
    ("CREATE", "www.e.org", "NS", "ns.evil.org"),
    ("CREATE", "www.e.org", "DS", "1 13 2 00"),
    ("CREATE", "e.org", "CAA", '0 issue "none.org"'),
    ("CREATE", "a.w.e.org", "TXT", '"x"'),
    ("CREATE", "_acme-challenge.a.w.e.org", "TXT", '"x"'),
    ("CREATE", "a.w.e.org", "MX", "10 mail.e.org"),
]
BESIDE = [
    ("CREATE", "www.e.org", "TXT", '"x"'),
    ("CREATE", "www.e.org", "HTTPS", "1 . alpn=h2"),
    ("CREATE", "e.org", "CAA", '0 iodef "mailto:a@e.org"'),
    ("CREATE", "_acme-challenge.w.e.org", "TXT", '"x"'),
    ("CREATE", "_acme-challenge.www.e.org", "TXT", '"x"'),
    ("CREATE", "a.b.w.e.org", "TXT", '"x"'),
    ("CREATE", "new.e.org", "AAAA", "2001:db8::1"),
    ("CREATE", "new.e.org", "CAA", '0 issue "none.org"'),
]


@pytest.mark.parametrize("change", OUTRANKS)
def test_records_that_outrank_the_live_ones(change, zones, aws):
    """Names that the live cluster is reached by are not taken over, hidden or kept from it; green's may be."""
    calls = {name: record(zone, *change) for name, zone in zones.items()}
    assert rest.attempt(aws, "route53", "change_resource_record_sets", calls["blue"]) >= {"live-cluster/traffic"}
    assert rest.attempt(aws, "route53", "change_resource_record_sets", calls["green"]) is None


@pytest.mark.parametrize("change", BESIDE)
def test_records_that_stand_beside_the_live_ones(change, zones, aws):
    """Proofs, descriptions, names of their own, and what points back at the live name arrive."""
    call = record(zones["blue"], *change)
    assert rest.attempt(aws, "route53", "change_resource_record_sets", call) is None


def test_an_alias_for_ipv6_beside_the_one_for_ipv4(zones, aws, install, places):
    """AAAA to the balancer that A leads to arrives; to another one it takes the users who have IPv6."""

    def alias(kind, name):
        target = {"HostedZoneId": "Z32O12XQLNTSW2", "DNSName": name, "EvaluateTargetHealth": False}
        content = {"Name": "lb.e.org", "Type": kind, "AliasTarget": target}
        change = {"Action": "CREATE", "ResourceRecordSet": content}
        return {"HostedZoneId": zones["blue"], "ChangeBatch": {"Changes": [change]}}

    aws.client("route53").change_resource_record_sets(**alias("A", "x.eu-west-1.elb.amazonaws.com"))
    other = alias("AAAA", "y.eu-west-1.elb.amazonaws.com")
    assert rest.attempt(aws, "route53", "change_resource_record_sets", other) is not None
    same = alias("AAAA", "dualstack.x.eu-west-1.elb.amazonaws.com.")
    assert rest.attempt(aws, "route53", "change_resource_record_sets", same) is None
