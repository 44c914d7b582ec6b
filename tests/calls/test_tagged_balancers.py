"""Load balancers whose members are no machines: whose they are, only the tags of the group or the balancer say."""

from __future__ import annotations

import pytest
from attrs import frozen

from guardrails.testing import SimulatedAWS
from tests.calls.test_unknown_holders import attempt
from tests.support.balancers import health
from tests.support.places import build

REFUSED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]
ANY_PATH = [{"Field": "path-pattern", "Values": ["*"]}]
ONE_PATH = [{"Field": "path-pattern", "Values": ["/new"]}]


@frozen
class Front:
    """A balancer with a container's address behind it; `classic` has no members."""

    balancer: str
    group: str
    listener: str
    rule: str
    member: str
    classic: str


def front(aws: SimulatedAWS, name: str, number: int, *, group_tagged: bool = True, balancer_tagged: bool = True):
    """What stands in front of the containers of a cluster: nothing in EC2 shows whose they are."""
    ec2, elb = aws.client("ec2"), aws.client("elbv2")
    tags = [{"Key": "Cluster", "Value": name}]
    vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.{at}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"]
        for at, zone in enumerate("ab")
    ]
    made = elb.create_load_balancer(
        Name=f"{name}{number}", Subnets=[each["SubnetId"] for each in subnets],
        **({"Tags": tags} if balancer_tagged else {}),
    )["LoadBalancers"][0]["LoadBalancerArn"]  # fmt: skip
    group = elb.create_target_group(
        Name=f"{name}{number}", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip",
        **({"Tags": tags} if group_tagged else {}),
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    member = f"10.{number}.1.50"
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": member}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elb.create_listener(LoadBalancerArn=made, Protocol="HTTP", Port=80, DefaultActions=forward)
    arn = listener["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(ListenerArn=arn, Priority=5, Conditions=ONE_PATH, Actions=forward)["Rules"][0]["RuleArn"]
    aws.client("elb").create_load_balancer(
        LoadBalancerName=f"{name}{number}", AvailabilityZones=["eu-west-1a"], Tags=tags,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
    )  # fmt: skip
    return Front(made, group, arn, rule, member, f"{name}{number}")


@pytest.fixture
def guard(aws, install):
    """guard(): from then on, blue is live by the address of a machine beside its containers."""
    parts = build(aws, "blue", "10.1")
    return lambda: install(live={"sources": ["eip"], "eip_addresses": [parts.public_ip]})


CALLS = [
    ("elbv2", "delete_load_balancer", lambda f: {"LoadBalancerArn": f.balancer}),
    ("elbv2", "create_rule", lambda f: {
        "ListenerArn": f.listener, "Priority": 1, "Conditions": ANY_PATH, "Actions": REFUSED}),
    ("elbv2", "create_rule", lambda f: {
        "ListenerArn": f.listener, "Priority": 1, "Conditions": ONE_PATH, "Actions": REFUSED}),
    ("elbv2", "modify_rule", lambda f: {"RuleArn": f.rule, "Actions": REFUSED}),
    ("elbv2", "set_rule_priorities", lambda f: {"RulePriorities": [{"RuleArn": f.rule, "Priority": 7}]}),
    ("elbv2", "deregister_targets", lambda f: {"TargetGroupArn": f.group, "Targets": [{"Id": f.member}]}),
    ("elbv2", "modify_target_group", lambda f: {"TargetGroupArn": f.group, "HealthCheckPath": "/x"}),
    ("elbv2", "delete_target_group", lambda f: {"TargetGroupArn": f.group}),
    ("elbv2", "set_security_groups", lambda f: {"LoadBalancerArn": f.balancer, "SecurityGroups": ["sg-12345678"]}),
]  # fmt: skip
EVIDENCE = [
    ("elbv2", "remove_tags", lambda f: {"ResourceArns": [f.balancer, f.group], "TagKeys": ["Cluster"]}),
    ("elbv2", "remove_tags", lambda f: {"ResourceArns": [f.group], "TagKeys": ["Cluster"]}),
    ("elbv2", "add_tags", lambda f: {"ResourceArns": [f.balancer], "Tags": [{"Key": "Cluster", "Value": "green"}]}),
    ("elb", "delete_load_balancer", lambda f: {"LoadBalancerName": f.classic}),
    ("elb", "remove_tags", lambda f: {"LoadBalancerNames": [f.classic], "Tags": [{"Key": "Cluster"}]}),
]  # fmt: skip


def test_a_balancer_with_the_cluster_tag(aws, guard):
    """Every call that takes users or the tags from a balancer of the live cluster is denied; on green each arrives."""
    blue, green = front(aws, "blue", 9), front(aws, "green", 10)
    guard()
    for service, method, params in (*CALLS, *EVIDENCE):
        assert attempt(aws, service, method, params(blue)), method
    for service, method, params in (*CALLS, *EVIDENCE):
        assert attempt(aws, service, method, params(green)) is None, method


@pytest.mark.parametrize("tagged", ["group_tagged", "balancer_tagged"])
def test_one_of_the_two_tags_is_enough(tagged, aws, guard):
    """A group without a tag is its balancer's, and one with a tag needs none of the balancer."""
    only = {"group_tagged": False, "balancer_tagged": False} | {tagged: True}
    blue, green = front(aws, "blue", 9, **only), front(aws, "green", 10, **only)
    guard()
    for service, method, params in (CALLS[1], CALLS[5]):
        assert attempt(aws, service, method, params(blue)) == {"live-cluster/traffic", "None"}
        assert attempt(aws, service, method, params(green)) is None


def test_nothing_says_whose_it_is(aws, guard):
    """Without tags, whom a balancer serves is unknown; a group on no balancer serves no one."""
    unknown = front(aws, "x", 9, group_tagged=False, balancer_tagged=False)
    guard()
    for service, method, params in (CALLS[1], CALLS[5]):
        assert attempt(aws, service, method, params(unknown)) == {"indirect/untraced", "None"}
    elb = aws.client("elbv2")
    vpc = elb.describe_target_groups(TargetGroupArns=[unknown.group])["TargetGroups"][0]["VpcId"]
    idle = elb.create_target_group(Name="idle", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    group = idle["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.9.1.60"}])
    leave = {"TargetGroupArn": group, "Targets": [{"Id": "10.9.1.60"}]}
    assert attempt(aws, "elbv2", "deregister_targets", leave) is None


def test_a_member_that_gets_no_requests(aws, guard):
    """A stale address beside a healthy one may be taken out of the live group, the healthy one not.

    moto calls all members healthy.
    """
    blue = front(aws, "blue", 9)
    guard()
    states = (("10.9.1.50", "healthy"), ("10.9.1.66", "unhealthy"))
    aws.reply("DescribeTargetHealth", health(states))
    for address, state in states:
        leave = {"TargetGroupArn": blue.group, "Targets": [{"Id": address}]}
        assert (attempt(aws, "elbv2", "deregister_targets", leave) is None) is (state == "unhealthy"), address


def test_rules_for_the_clusters_own_containers(aws, guard):
    """A rule that sends a part of the requests to a tagged group of the same cluster takes them from no one."""
    blue, green = front(aws, "blue", 9), front(aws, "green", 10)
    guard()
    for other, arrives in ((blue, True), (green, False)):
        rule = {"ListenerArn": blue.listener, "Priority": 2, "Conditions": ANY_PATH}
        forward = [{"Type": "forward", "TargetGroupArn": other.group}]
        assert (attempt(aws, "elbv2", "create_rule", {**rule, "Actions": forward}) is None) is arrives
