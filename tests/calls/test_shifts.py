"""Users move by records, by targets that join and leave, with Auto Scaling groups, by swapped names: to who serves."""

from __future__ import annotations

import pytest

import guardrails
from tests.calls import test_unknown_holders
from tests.resolve.test_beanstalk import ENVIRONMENTS
from tests.support import rest
from tests.support.balancers import BehindBalancer, health

pytestmark = pytest.mark.every(3)

SWITCH, TRAFFIC, ADMIT = {"live-cluster/switch"}, {"live-cluster/traffic"}, {"live-cluster/admit"}
IN_SERVICE = """<DescribeInstanceHealthResponse><DescribeInstanceHealthResult><InstanceStates>{members}
</InstanceStates></DescribeInstanceHealthResult></DescribeInstanceHealthResponse>"""
MEMBER = "<member><InstanceId>{id}</InstanceId><State>{state}</State></member>"
LIVE = {"sources": ["tag"], "tag": {"key": "Cluster", "value": "blue"}}


def attempt(aws, service, method, params):
    """The rules that denied a call; None where it arrived."""
    return _rules(test_unknown_holders.attempt(aws, service, method, params))


def _rules(rules):
    assert rules is None or "None" in rules, rules  # else the guard could not decide
    return rules and rules - {"None"}


def again(install):
    """The guard with nothing in its memory: AWS answers otherwise from now on."""
    guardrails.uninstall()
    install(live=LIVE)


class Sides:
    """Blue is live; green can take its place, and small cannot."""

    def __init__(self, aws) -> None:
        self.aws = aws
        self.blue = aws.start_cluster("blue", 2, addresses=2)
        self.green = aws.start_cluster("green", 2, addresses=2)
        self.small = aws.start_cluster("small", 1, addresses=1)


class Names(Sides):
    """A zone; `write` changes its records without the guard, `attempt` with it."""

    def __init__(self, aws) -> None:
        super().__init__(aws)
        self.route53 = aws.client("route53")
        self.zone = self.route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]

    def batch(self, *changes):
        changes = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
        return {"HostedZoneId": self.zone.rpartition("/")[2], "ChangeBatch": {"Changes": changes}}

    def write(self, *changes):
        self.route53.change_resource_record_sets(**self.batch(*changes))

    def attempt(self, *changes):
        return _rules(rest.attempt(self.aws, "route53", "change_resource_record_sets", self.batch(*changes)))


def record(kind, values, name="www.example.com", **more):
    return {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": each} for each in values], **more}


def weighted(side, weight):
    return record("A", side.public_ips, SetIdentifier=side.name, Weight=weight)


@pytest.fixture
def names(aws):
    return Names(aws)


def test_addresses_of_a_name(names, install):
    """A name moves to the addresses of a complete cluster, and not to a smaller one, part of it, or an unknown one."""
    blue, green, small = names.blue.public_ips, names.green.public_ips, names.small.public_ips
    names.write(("CREATE", record("A", blue)), ("CREATE", record("A", small, "stage.example.com")))
    install(live=LIVE)
    assert names.attempt(("UPSERT", record("A", small))) == SWITCH
    assert names.attempt(("UPSERT", record("A", green[:1]))) == SWITCH
    assert names.attempt(("UPSERT", record("A", ["203.0.113.9"]))) == TRAFFIC
    assert names.attempt(("DELETE", record("A", blue))) == TRAFFIC
    assert names.attempt(("UPSERT", record("A", green))) is None
    assert names.attempt(("UPSERT", record("A", blue))) is None
    assert names.attempt(("UPSERT", record("A", green, "stage.example.com"))) is None


def test_weights(names, install):
    """A part of the users moves to a complete cluster by weight; to a smaller one not even a part."""
    names.write(*(("CREATE", weighted(side, weight)) for side, weight in
                  ((names.blue, 100), (names.green, 0), (names.small, 0))))  # fmt: skip
    install(live=LIVE)
    for weights in ((100, 10), (90, 100), (0, 1)):
        changes = [("UPSERT", weighted(names.blue, weights[0])), ("UPSERT", weighted(names.small, weights[1]))]
        assert names.attempt(*changes) == SWITCH, weights
    assert names.attempt(("UPSERT", weighted(names.small, 10))) == SWITCH
    assert names.attempt(("UPSERT", weighted(names.blue, 0))) == SWITCH
    for weights in ((90, 10), (1, 99), (0, 100)):
        changes = [("UPSERT", weighted(names.blue, weights[0])), ("UPSERT", weighted(names.green, weights[1]))]
        assert names.attempt(*changes) is None, weights
    assert names.attempt(("UPSERT", weighted(names.green, 10))) is None


def test_through_other_names(names, install):
    """An alias or a CNAME counts as what it leads to, several changes of a batch together."""
    shop = BehindBalancer(names.aws)
    shop.group("green", names.green.instance_ids)
    shop.group("small", names.small.instance_ids)
    shop.listener(80, green=1)
    to_green = shop.elbv2.describe_load_balancers()["LoadBalancers"][0]["DNSName"]
    stage = BehindBalancer(names.aws, name="stage")
    stage.groups = shop.groups
    stage.listener(80, small=1)
    to_small = stage.elbv2.describe_load_balancers(LoadBalancerArns=[stage.arn])["LoadBalancers"][0]["DNSName"]
    old = record("CNAME", ["blue.example.com"])
    names.write(
        ("CREATE", record("A", names.blue.public_ips, "blue.example.com")),
        ("CREATE", old),
        ("CREATE", {**old, "Name": "w2.example.com"}),
    )
    install(live=LIVE)
    alias = {"HostedZoneId": "Z32O12XQLNTSW2", "EvaluateTargetHealth": False}
    for host, expected in ((to_small, SWITCH), ("nobody.example.org", TRAFFIC), (to_green, None)):
        new = {"Name": "www.example.com", "Type": "A", "AliasTarget": {**alias, "DNSName": f"dualstack.{host}."}}
        assert names.attempt(("DELETE", old), ("CREATE", new)) == expected, host
        assert names.attempt(("UPSERT", record("CNAME", [host]))) == expected, host
    names.aws.reply("DescribeTargetHealth", health((each, "unhealthy") for each in names.green.instance_ids))
    again(install)
    assert names.attempt(("UPSERT", record("CNAME", [to_green], "w2.example.com"))) == SWITCH


def test_what_cannot_be_computed(names, install):
    """Other kinds of routing, other records in the batch, and users who would move both ways are refused."""
    blue, green = names.blue.public_ips, names.green.public_ips
    names.write(
        ("CREATE", record("A", blue, SetIdentifier="eu", Region="eu-west-1")),
        ("CREATE", record("A", blue, "a.example.com")),
        ("CREATE", record("A", green, "b.example.com")),
    )
    install(live={"sources": ["eip"]})
    assert names.attempt(("UPSERT", record("A", green, SetIdentifier="eu", Region="eu-west-1"))) == TRAFFIC
    moved = ("UPSERT", record("A", green, "a.example.com"))
    assert names.attempt(moved, ("UPSERT", record("A", blue, "b.example.com"))) == TRAFFIC
    assert names.attempt(moved, ("CREATE", record("TXT", ['"x"'], "a.example.com"))) is None


@pytest.fixture
def shop(aws):
    """Blue is behind port 80; the groups of green and small get nothing yet."""
    sides = Sides(aws)
    balancer = BehindBalancer(aws)
    balancer.group("web", sides.blue.instance_ids)
    balancer.listener(80, web=1)
    sides.web = balancer.groups["web"]
    return sides


def register(shop, side, number=2):
    """What joins the live group, as parameters."""
    return {"TargetGroupArn": shop.web, "Targets": [{"Id": each} for each in side.instance_ids[:number]]}


def test_targets_join_and_leave(shop, install):
    """Green's healthy machines join blue's, then blue's leave: not before, and not while green's are unhealthy."""
    aws = shop.aws
    install(live=LIVE)
    assert attempt(aws, "elbv2", "deregister_targets", register(shop, shop.blue)) == TRAFFIC
    assert attempt(aws, "elbv2", "register_targets", register(shop, shop.small)) == ADMIT
    assert attempt(aws, "elbv2", "register_targets", register(shop, shop.green)) is None
    everyone = (*shop.blue.instance_ids, *shop.green.instance_ids)
    for state, expected in (("initial", SWITCH), ("healthy", None)):
        states = [(each, "healthy" if each in shop.blue.instance_ids else state) for each in everyone]
        aws.reply("DescribeTargetHealth", health(states))
        again(install)
        assert attempt(aws, "elbv2", "deregister_targets", register(shop, shop.blue)) == expected, state
    aws.reply("DescribeTargetHealth", health((each, "healthy") for each in everyone[:3]))
    again(install)
    assert attempt(aws, "elbv2", "deregister_targets", register(shop, shop.blue)) == SWITCH


def test_groups_attach_and_detach(shop, install):
    """The same for an Auto Scaling group's machines, by either call; of a group that has none, nothing is known."""
    aws, autoscaling = shop.aws, shop.aws.client("autoscaling")
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="web", ImageId="ami-12345678", InstanceType="t3.micro"
    )
    zones = ["eu-west-1a"]
    for side in (shop.blue, shop.green, shop.small):
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=side.name, LaunchConfigurationName="web", MinSize=0, MaxSize=9,
            AvailabilityZones=zones,
            Tags=[{"Key": "Cluster", "Value": side.name, "PropagateAtLaunch": True}],
        )  # fmt: skip
        autoscaling.attach_instances(AutoScalingGroupName=side.name, InstanceIds=list(side.instance_ids))
    install(live=LIVE)

    def tried(method, name):
        sources = {"TrafficSources": [{"Identifier": shop.web, "Type": "elbv2"}]}
        groups = sources if method.endswith("traffic_sources") else {"TargetGroupARNs": [shop.web]}
        return attempt(aws, "autoscaling", method, {"AutoScalingGroupName": name, **groups})

    for kind in ("load_balancer_target_groups", "traffic_sources"):
        assert tried(f"attach_{kind}", "small") == ADMIT
        assert tried(f"attach_{kind}", "green") is None
        assert tried(f"detach_{kind}", "blue") == TRAFFIC
    everyone = (*shop.blue.instance_ids, *shop.green.instance_ids)
    for state, expected in (("unhealthy", SWITCH), ("healthy", None)):
        states = [(each, "healthy" if each in shop.blue.instance_ids else state) for each in everyone]
        aws.reply("DescribeTargetHealth", health(states))
        again(install)
        for kind in ("load_balancer_target_groups", "traffic_sources"):
            assert tried(f"detach_{kind}", "blue") == expected, kind


def test_a_classic_balancer(aws, install):
    """The same behind a classic load balancer, machine by machine and with a group. (The health is canned.)"""
    sides, elb = Sides(aws), aws.client("elb")
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    elb.create_load_balancer(LoadBalancerName="web", Listeners=[listener], AvailabilityZones=["eu-west-1a"])
    everyone = (*sides.blue.instance_ids, *sides.green.instance_ids)
    elb.register_instances_with_load_balancer(LoadBalancerName="web", Instances=[{"InstanceId": i} for i in everyone])
    install(live=LIVE)
    calls = {side.name: {"LoadBalancerName": "web", "Instances": [{"InstanceId": i} for i in side.instance_ids]}
             for side in (sides.blue, sides.small)}  # fmt: skip
    assert attempt(aws, "elb", "register_instances_with_load_balancer", calls["small"]) == ADMIT
    for state, expected in (("OutOfService", SWITCH), ("InService", None)):
        states = {each: "InService" if each in sides.blue.instance_ids else state for each in everyone}
        members = "".join(MEMBER.format(id=each, state=value) for each, value in states.items())
        aws.reply("DescribeInstanceHealth", IN_SERVICE.format(members=members))
        again(install)
        assert attempt(aws, "elb", "deregister_instances_from_load_balancer", calls["blue"]) == expected, state


def test_swapped_names(aws, install):
    """Elastic Beanstalk's environments swap names where the other one is ready and green. (Descriptions are canned.)"""
    sides = Sides(aws)
    for side in (sides.blue, sides.green, sides.small):
        tag = {"Key": "elasticbeanstalk:environment-name", "Value": f"shop-{side.name}"}
        aws.client("ec2").create_tags(Resources=list(side.instance_ids), Tags=[tag])

    def swap(name, **state):
        states = {"Status": "Ready", "Health": "Green", **state}
        members = [
            f"<member><EnvironmentName>shop-{each}</EnvironmentName><CNAME>{each}.elasticbeanstalk.com</CNAME>"
            + "".join(f"<{key}>{value}</{key}>" for key, value in states.items()) + "</member>"
            for each in ("blue", "green", "small")
        ]  # fmt: skip
        aws.reply("DescribeEnvironments", ENVIRONMENTS.format(members="".join(members)))
        again(install)
        params = {"SourceEnvironmentName": "shop-blue", "DestinationEnvironmentName": f"shop-{name}"}
        return attempt(aws, "elasticbeanstalk", "swap_environment_cnames", params)

    assert swap("small") == SWITCH
    assert swap("nobody") >= TRAFFIC
    assert swap("green", Health="Red") == SWITCH
    assert swap("green", Status="Updating") == SWITCH
    assert swap("green") is None
