"""What is created at a load balancer must not take the live cluster's users, or send them to the wrong machines."""

from __future__ import annotations

import pytest
from attrs import frozen

from guardrails.resolve.resources import rule_conditions
from tests.calls.test_unknown_holders import attempt

pytestmark = pytest.mark.every(3)

# Users reach the live cluster by address; the other one has a balancer of its own, which is not in use yet.
ADDRESSES = {"sources": ["eip"]}


@frozen
class Side:
    """A cluster of two machines behind a balancer of its own, and its group of Auto Scaling."""

    machines: tuple[str, ...]
    group: str
    listener: str


def side(aws, name, number, **options):
    ec2, elbv2 = aws.client("ec2"), aws.client("elbv2")
    subnets = [aws.create_subnet(f"10.0.{number}.0/24"), aws.create_subnet(f"10.0.{number + 1}.0/24")]
    vpc = ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]["VpcId"]
    cluster = aws.start_cluster(name, 2, subnet=subnets[0], **options)
    balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    made = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)
    group = made["TargetGroups"][0]["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": each} for each in cluster.instance_ids])
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Listeners"][0]["ListenerArn"]
    return Side(cluster.instance_ids, group, listener)


@pytest.fixture
def sides(aws):
    """Blue is live; both have a rule 50 for /api/*."""
    built = side(aws, "blue", 10, addresses=1), side(aws, "green", 20)
    for each in built:
        aws.client("elbv2").create_rule(
            ListenerArn=each.listener, Priority=50, Conditions=[path("/api/*")], Actions=[to(each.group)]
        )
    return built


def path(*values):
    return {"Field": "path-pattern", "Values": [*values]}


def host(*values):
    return {"Field": "host-header", "HostHeaderConfig": {"Values": [*values]}}


def header(name, *values):
    return {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": [*values]}}


def query(**pairs):
    return {
        "Field": "query-string",
        "QueryStringConfig": {"Values": [{"Key": k, "Value": v} for k, v in pairs.items()]},
    }


def source(*values):
    return {"Field": "source-ip", "SourceIpConfig": {"Values": [*values]}}


def to(*groups):
    if len(groups) == 1:
        return {"Type": "forward", "TargetGroupArn": groups[0]}
    rows = [{"TargetGroupArn": group, "Weight": 1} for group in groups]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": rows}}


def answer(status):
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status}}


def rule(listener, priority, actions, *conditions):
    return {"ListenerArn": listener, "Priority": priority, "Actions": actions, "Conditions": [*conditions]}


TAKES = [
    (1, [path("/*")]),
    (99, [path("/*")]),
    (99, [path("*")]),
    (99, [host("*")]),
    (99, [host("www.example.com")]),
    (99, [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}]),
    (99, [source("0.0.0.0/0")]),
    (99, [header("User-Agent", "*Mozilla*")]),
    (99, [header("X-Version", "*")]),
    (1, [path("/api/users")]),
    (1, [path("/a*")]),
    (1, [path("*/users")]),
    (1, [path("/api/*"), header("X-Canary", "yes")]),
    (49, [path("/new/*", "/api/v2")]),
]
LEAVES = [
    (99, [path("/beta/*")]),
    (1, [path("/beta/*")]),
    (51, [path("/api/users")]),
    (99, [path("/*"), header("X-Canary", "yes")]),
    (99, [path("/*"), query(canary="1")]),
    (99, [source("203.0.113.7/32")]),
]


@pytest.mark.cases(12)
@pytest.mark.parametrize(("priority", "conditions"), TAKES)
def test_a_rule_that_takes_users(priority, conditions, sides, aws, install):
    """A rule that comes before one that serves the live cluster, and may match its requests, is denied there only."""
    blue, green = sides
    install(live=ADDRESSES)
    for actions in ([to(green.group)], [answer("503")]):
        new = rule(blue.listener, priority, actions, *conditions)
        assert attempt(aws, "elbv2", "create_rule", new) >= {"live-cluster/traffic"}
        assert attempt(aws, "elbv2", "create_rule", {**new, "ListenerArn": green.listener}) is None


@pytest.mark.parametrize(("priority", "conditions"), LEAVES)
def test_a_rule_that_leaves_users(priority, conditions, sides, aws, install):
    """A rule for a path, header, parameter or network that no other rule names, or after one that has it, arrives."""
    blue, green = sides
    install(live=ADDRESSES)
    assert attempt(aws, "elbv2", "create_rule", rule(blue.listener, priority, [to(green.group)], *conditions)) is None


def test_where_a_new_rule_sends_users(sides, aws, install):
    """To the same cluster: fine, whatever it matches. To a share of others, to nothing, or to an error: denied."""
    blue, green = sides
    vpc = aws.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    empty = aws.client("elbv2").create_target_group(Name="empty", Protocol="HTTP", Port=80, VpcId=vpc)
    empty = empty["TargetGroups"][0]["TargetGroupArn"]
    install(live=ADDRESSES)

    def create(actions, condition):
        return attempt(aws, "elbv2", "create_rule", rule(blue.listener, 1, actions, condition))

    assert create([to(blue.group)], path("/*")) is None
    assert create([to(blue.group, green.group)], path("/*"))
    assert create([to(empty)], path("/beta/*"))
    assert create([answer("503")], path("/beta/*"))
    assert create([answer("404")], path("/beta/*"))
    assert create([answer("403")], path("/wp-admin/*")) is None
    assert create([answer("200")], path("/status")) is None


@pytest.mark.parametrize(
    ("redirect", "arrives"),
    [
        ({"Host": "staging.example.com"}, False),
        ({"Host": "#{host}", "Path": "/new"}, True),
        ({"Protocol": "HTTPS", "Port": "443"}, True),
    ],
)
def test_a_rule_that_redirects(redirect, arrives, sides, aws, install):
    """Users of a path are not sent to another host; to another path or protocol of the same one they may be."""
    blue, green = sides
    install(live=ADDRESSES)
    action = {"Type": "redirect", "RedirectConfig": {**redirect, "StatusCode": "HTTP_301"}}
    new = rule(blue.listener, 1, [action], path("/cart/*"))
    denied = attempt(aws, "elbv2", "create_rule", new)
    assert denied is None if arrives else denied >= {"live-cluster/traffic"}
    assert attempt(aws, "elbv2", "create_rule", {**new, "ListenerArn": green.listener}) is None


HEALTH = """<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
<DescribeTargetHealthResult><TargetHealthDescriptions><member><Target><Id>{}</Id><Port>80</Port></Target>
<TargetHealth><State>{}</State></TargetHealth></member></TargetHealthDescriptions></DescribeTargetHealthResult>
</DescribeTargetHealthResponse>"""


@pytest.mark.parametrize(
    ("state", "target", "arrives"),
    [
        ("healthy", "machine", True),
        ("unused", "machine", True),
        ("initial", "machine", True),
        ("unhealthy", "machine", False),
        ("draining", "machine", False),
        ("unused", "i-0123456789abcdef0", False),
        ("unused", "10.99.0.9", False),
        ("healthy", "10.99.0.9", True),
        ("unused", "arn:aws:lambda:eu-west-1:123456789012:function:f", True),
    ],
)
def test_what_a_new_rule_leads_to(state, target, arrives, sides, aws, install):
    """A path goes to a group in which something runs: a new group is in use by nothing, so its machines are asked."""
    blue, green = sides
    aws.reply("DescribeTargetHealth", HEALTH.format(blue.machines[0] if target == "machine" else target, state))
    install(live=ADDRESSES)
    new = rule(blue.listener, 1, [to(green.group)], path("/beta/*"))
    denied = attempt(aws, "elbv2", "create_rule", new)
    assert denied is None if arrives else denied


def test_a_path_to_machines_that_are_stopped(sides, aws, install):
    """Machines that are stopped answer no one, also those of the same cluster; the running ones get the path."""
    blue, green = sides
    aws.client("ec2").stop_instances(InstanceIds=list(green.machines))
    install(live=ADDRESSES)
    new = rule(blue.listener, 1, [to(green.group)], path("/beta/*"))
    assert attempt(aws, "elbv2", "create_rule", new) >= {"live-cluster/traffic"}
    assert attempt(aws, "elbv2", "create_rule", {**new, "Actions": [to(blue.group)]}) is None


def test_a_listener_that_is_not_found(sides, aws, install):
    """Whose requests a rule takes is unknown where the listener is."""
    blue, green = sides
    install(live=ADDRESSES)
    lost = blue.listener[:-4] + "0000"
    assert attempt(aws, "elbv2", "create_rule", rule(lost, 1, [to(green.group)], path("/*"))) == {
        "live-cluster/unresolved", "None"}  # fmt: skip


def test_a_shared_listener(sides, aws, install):
    """Behind a default answer, a rule for a host that no rule has arrives; one for the live cluster's host does not."""
    blue, green = sides
    elbv2 = aws.client("elbv2")
    elbv2.modify_listener(ListenerArn=blue.listener, DefaultActions=[answer("404")])
    elbv2.create_rule(
        ListenerArn=blue.listener, Priority=60, Conditions=[host("www.example.com")], Actions=[to(blue.group)]
    )
    install(live=ADDRESSES)

    def create(*conditions):
        return attempt(aws, "elbv2", "create_rule", rule(blue.listener, 2, [to(green.group)], *conditions))

    assert create(host("staging.example.com"), path("/web/*")) is None
    assert create(host("WWW.example.com"), path("/web/*"))
    assert create(host("*.example.com"), path("/web/*"))
    # Rule 50 has a path for every host.
    assert create(host("staging.example.com"))


@pytest.fixture
def spare(aws, sides):
    """A new machine of blue; a cluster of two of which one is stopped; one without a tag; a group of each cluster."""
    subnet = aws.create_subnet("10.0.30.0/24")
    autoscaling = aws.client("autoscaling")
    autoscaling.create_launch_configuration(LaunchConfigurationName="c", ImageId="ami-12345678", InstanceType="t3.nano")
    for name in ("blue", "green", "grey"):
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=0, MaxSize=4, DesiredCapacity=0, LaunchConfigurationName="c",
            VPCZoneIdentifier=subnet, Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True}],
        )  # fmt: skip
    (new,) = aws.start_cluster("blue", 1, subnet=subnet).instance_ids
    running, stopped = aws.start_cluster("grey", 2, subnet=subnet).instance_ids
    aws.client("ec2").stop_instances(InstanceIds=[stopped])
    # Green is as large as blue with its new machine.
    aws.start_cluster("green", 1, subnet=subnet)
    image = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
    untagged = aws.client("ec2").run_instances(**image)["Instances"][0]["InstanceId"]
    return {"blue": new, "grey": running, "untagged": untagged, "green": sides[1].machines[0]}


@pytest.mark.parametrize(("who", "arrives"), [("blue", True), ("green", True), ("grey", False), ("untagged", False)])
def test_registering_machines(who, arrives, sides, spare, aws, install):
    """The live cluster's own, and those of a complete cluster, join the live group; half-started ones, green's only."""
    blue, green = sides
    install(live=ADDRESSES)
    targets = [{"Id": spare[who]}]
    denied = attempt(aws, "elbv2", "register_targets", {"TargetGroupArn": blue.group, "Targets": targets})
    assert (denied is None) is arrives, denied
    assert arrives or denied >= {"live-cluster/admit"}
    assert attempt(aws, "elbv2", "register_targets", {"TargetGroupArn": green.group, "Targets": targets}) is None


@pytest.mark.parametrize(("who", "arrives"), [("blue", True), ("green", True), ("grey", False)])
def test_attaching_groups(who, arrives, sides, spare, aws, install):
    """The same for a whole Auto Scaling group, by either operation; the target group of green takes any."""
    blue, green = sides
    install(live=ADDRESSES)
    for method, to_group in (
        ("attach_load_balancer_target_groups", lambda arn: {"TargetGroupARNs": [arn]}),
        ("attach_traffic_sources", lambda arn: {"TrafficSources": [{"Identifier": arn, "Type": "elbv2"}]}),
    ):
        named = {"AutoScalingGroupName": who}
        denied = attempt(aws, "autoscaling", method, {**named, **to_group(blue.group)})
        assert (denied is None) is arrives, (method, denied)
        assert attempt(aws, "autoscaling", method, {**named, **to_group(green.group)}) is None


def test_classic_balancers_and_services(sides, spare, aws, install):
    """Half-started machines do not join a classic balancer of the live cluster, nor do tasks of another ECS cluster."""
    elb, ecs = aws.client("elb"), aws.client("ecs")
    for name, each in zip(("blue", "green"), sides, strict=True):
        listener = {"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 80}
        elb.create_load_balancer(LoadBalancerName=name, Listeners=[listener], AvailabilityZones=["eu-west-1a"])
        machines = [{"InstanceId": machine} for machine in each.machines]
        elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=machines)
        ecs.create_cluster(clusterName=name, tags=[{"key": "Cluster", "value": name}])
    ecs.create_cluster(clusterName="grey", tags=[{"key": "Cluster", "value": "grey"}])
    install(live=ADDRESSES)

    def register(balancer, machine):
        named = {"LoadBalancerName": balancer, "Instances": [{"InstanceId": machine}]}
        return attempt(aws, "elb", "register_instances_with_load_balancer", named)

    assert register("blue", spare["grey"]) >= {"live-cluster/admit"}
    assert register("green", spare["grey"]) is None
    assert register("blue", spare["blue"]) is None

    def serve(cluster, *groups):
        behind = [{"targetGroupArn": group, "containerName": "c", "containerPort": 80} for group in groups]
        named = {"cluster": cluster, "serviceName": "new", "taskDefinition": "t", "loadBalancers": behind}
        return attempt(aws, "ecs", "create_service", named)

    assert serve("grey", sides[0].group) >= {"live-cluster/admit"}
    assert serve("grey", sides[1].group) is None
    assert serve("grey") is None
    assert serve("blue", sides[0].group) is None


@pytest.mark.parametrize(
    ("left", "right", "overlap"),
    [
        ([path("/api/*")], [path("/api/v1/*")], True),
        ([path("/api/*")], [path("/app/*")], False),
        ([path("*.php")], [path("/admin/*")], True),
        ([path("*.php")], [path("*.html")], False),
        ([path("/a?c")], [path("/abc")], True),
        ([path("/a?c")], [path("/abd")], False),
        ([path("/A")], [path("/a")], False),
        ([host("A.example.com")], [host("a.example.com")], True),
        ([path("/a"), host("a.com")], [path("/a"), host("b.com")], False),
        ([path("/a")], [host("b.com")], True),
        ([source("10.0.0.0/8")], [source("10.1.0.0/16")], True),
        ([source("10.0.0.0/8")], [source("192.168.0.0/16", "2001:db8::/32")], False),
        ([query(a="1")], [query(a="2")], True),
        ([{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/x"]}}], [path("/y")], True),
    ],
)
def test_overlapping_conditions(left, right, overlap):
    """Two conditions overlap unless no request can match both; an expression may match anything."""
    both = rule_conditions.read(left), rule_conditions.read(right)
    assert rule_conditions.may_overlap(*both) is overlap
    assert rule_conditions.may_overlap(*reversed(both)) is overlap


@pytest.mark.parametrize(
    ("earlier", "later", "covered"),
    [
        ([path("/api/*")], [path("/api/v1/*")], True),
        ([path("/api/*")], [path("/ap*")], False),
        ([path("/api/*")], [path("/api/*"), host("a.com")], True),
        ([path("/api/*"), host("a.com")], [path("/api/*")], False),
        ([path("/a*c")], [path("/abc")], True),
        ([path("/a*c")], [path("/a*")], False),
        ([source("10.0.0.0/8")], [source("10.1.0.0/16")], True),
        ([source("10.1.0.0/16")], [source("10.0.0.0/8")], False),
    ],
)
def test_covering_conditions(earlier, later, covered):
    """The first covers the second where every request for the second matches the first."""
    assert rule_conditions.covers(rule_conditions.read(earlier), rule_conditions.read(later)) is covered


def test_an_incomplete_condition_is_read():
    """A pair of a query string without its value, which AWS refuses, is read as any value."""
    (read,) = rule_conditions.read([{"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "beta"}]}}])
    assert read.values == ("beta=*",)
