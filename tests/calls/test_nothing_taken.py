"""Calls that take nothing from the live cluster arrive, and without a warning; their harmful siblings do not."""

from __future__ import annotations

import json
import re

import pytest
from attrs import frozen

import guardrails
from tests.calls import test_new_network_and_names as names
from tests.calls.test_unknown_holders import attempt
from tests.calls.test_updates import judge
from tests.support.places import build

pytestmark = pytest.mark.every(3)

BLUE, GREEN = ([{"Key": "Cluster", "Value": name}] for name in ("blue", "green"))


@frozen
class Network:
    """Blue, which is live, and a network with nothing in it."""

    blue: object
    vpc: str
    live_vpc: str


@pytest.fixture
def network(aws, install):
    """Networks of blue and of nobody, with the guard installed."""
    ec2 = aws.client("ec2")
    blue = build(aws, "blue", "10.1")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    (subnet,) = ec2.describe_subnets(SubnetIds=[blue.subnet])["Subnets"]
    install(live={"eip_addresses": [blue.public_ip]})
    return Network(blue, vpc, subnet["VpcId"])


@pytest.mark.parametrize("options", ["default", "the live network's"])
def test_dhcp_options_are_only_read(options, network, aws):
    """An empty network gets any DHCP options, those of the live network included; the live network gets none."""
    ec2 = aws.client("ec2")
    if options != "default":
        made = ec2.create_dhcp_options(DhcpConfigurations=[{"Key": "domain-name", "Values": ["example.org"]}])
        options = made["DhcpOptions"]["DhcpOptionsId"]
    guardrails.uninstall()
    ec2.associate_dhcp_options(VpcId=network.live_vpc, DhcpOptionsId=options)
    guardrails.install({"live": {"eip_addresses": [network.blue.public_ip]}, "max_fact_age_s": 60})
    judge(aws, "ec2", "associate_dhcp_options", {}, (
        [{"VpcId": network.vpc, "DhcpOptionsId": options}],
        [{"VpcId": network.live_vpc, "DhcpOptionsId": "dopt-12345678"}],
    ))  # fmt: skip


def test_security_groups_that_stay(network, aws):
    """The groups that a live machine or interface has, and one more, arrive; fewer or others do not."""
    (reservation,) = aws.client("ec2").describe_instances(InstanceIds=[network.blue.machine])["Reservations"]
    groups = [group["GroupId"] for group in reservation["Instances"][0]["NetworkInterfaces"][0]["Groups"]]
    cases = [{"Groups": groups}, {"Groups": [*groups, "sg-12345678"]}], [{"Groups": ["sg-12345678"]}]
    judge(aws, "ec2", "modify_instance_attribute", {"InstanceId": network.blue.machine}, cases)
    judge(aws, "ec2", "modify_network_interface_attribute", {"NetworkInterfaceId": network.blue.eni}, cases)


def test_a_route_that_is_there(network, aws):
    """A route that the live table has already arrives; a narrower one to somewhere else does not."""
    same = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": network.blue.nat}
    other = {"DestinationCidrBlock": "0.0.0.0/1", "NatGatewayId": "nat-0123456789abcdef0"}
    judge(aws, "ec2", "create_route", {"RouteTableId": network.blue.route_table}, ([same], [other]))


@pytest.mark.parametrize("side", ["ingress", "egress"])
def test_a_rule_that_is_not_there(side, network, aws):
    """Revoking a rule for a port that no rule of the live group names arrives; for a port of a rule it does not."""
    ec2 = aws.client("ec2")
    (reservation,) = ec2.describe_instances(InstanceIds=[network.blue.machine])["Reservations"]
    group = reservation["Instances"][0]["NetworkInterfaces"][0]["Groups"][0]["GroupId"]

    def rule(port, protocol="tcp"):
        anyone = [{"CidrIp": "0.0.0.0/0"}]
        return {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": anyone}

    guardrails.uninstall()
    getattr(ec2, f"authorize_security_group_{side}")(GroupId=group, IpPermissions=[rule(80)])
    guardrails.install({"live": {"eip_addresses": [network.blue.public_ip]}, "max_fact_age_s": 60})
    judge(aws, "ec2", f"revoke_security_group_{side}", {"GroupId": group}, (
        [{"IpPermissions": [rule(81)]}],
        [{"IpPermissions": [rule(80)]}, {"IpPermissions": [rule(81), rule(80)]}, {"IpPermissions": [rule(81, "6")]}],
    ))  # fmt: skip


def balancer(aws, blue):
    """A load balancer in front of blue, tagged with it."""
    client = aws.client("elbv2")
    (subnet,) = aws.client("ec2").describe_subnets(SubnetIds=[blue.subnet])["Subnets"]
    made = client.create_load_balancer(Name="front", Type="network", Subnets=[blue.subnet], Tags=BLUE)
    name = made["LoadBalancers"][0]["LoadBalancerArn"]
    group = client.create_target_group(Name="front", Protocol="TCP", Port=80, VpcId=subnet["VpcId"], Tags=BLUE)
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    client.register_targets(TargetGroupArn=arn, Targets=[{"Id": blue.machine}])
    forward = [{"Type": "forward", "TargetGroupArn": arn}]
    client.create_listener(LoadBalancerArn=name, Protocol="TCP", Port=80, DefaultActions=forward)
    return name, arn


def test_the_tag_it_has(aws, install):
    """A live balancer, group, classic balancer or bucket may get the cluster tag that it has; no other cluster's."""
    blue = build(aws, "blue", "10.1")
    name, group = balancer(aws, blue)
    listener = {"Protocol": "tcp", "LoadBalancerPort": 80, "InstancePort": 80}
    classic = aws.client("elb")
    classic.create_load_balancer(LoadBalancerName="old", Listeners=[listener], Subnets=[blue.subnet])
    classic.register_instances_with_load_balancer(LoadBalancerName="old", Instances=[{"InstanceId": blue.machine}])
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_tagging(Bucket="files", Tagging={"TagSet": BLUE})
    install(live={"eip_addresses": [blue.public_ip], "tag": {"key": "Live", "value": "true"}})
    cases = [{"Tags": BLUE}], [{"Tags": GREEN}]
    for arn in (name, group):
        judge(aws, "elbv2", "add_tags", {"ResourceArns": [arn]}, cases)
    judge(aws, "elb", "add_tags", {"LoadBalancerNames": ["old"]}, cases)
    other = {"Key": "Owner", "Value": "somebody"}
    judge(aws, "s3", "put_bucket_tagging", {"Bucket": "files"}, (
        [{"Tagging": {"TagSet": BLUE}}, {"Tagging": {"TagSet": [*BLUE, other]}}],
        [{"Tagging": {"TagSet": tags}} for tags in (GREEN, [other], [])],
    ))  # fmt: skip


@pytest.fixture
def warned(aws, caplog):
    """warned(service, method, **params): the rules that warned of a call that arrived."""

    def rules(service, method, **params):
        caplog.clear()
        trial = names.rest.attempt if service == "s3" else attempt
        assert trial(aws, service, method, params) is None, caplog.text
        return {*re.findall(r"Rule ([a-z/-]+):", caplog.text)}

    return rules


def test_a_bucket_as_it_is(site, aws, install, warned):
    """Repeating what the live cluster's bucket has brings no warning; something else does."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_tagging(Bucket="files", Tagging={"TagSet": BLUE})

    def cors(origin):
        return {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": [origin]}]}}

    def page(name):
        return {"WebsiteConfiguration": {"IndexDocument": {"Suffix": name}}}

    def owner(name):
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": name}]}}

    queue = {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:q", "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_cors(Bucket="files", **cors("*"))
    s3.put_bucket_website(Bucket="files", **page("index.html"))
    s3.put_bucket_ownership_controls(Bucket="files", **owner("ObjectWriter"))
    install()
    for method, same, other in (
        ("put_bucket_cors", cors("*"), cors("https://example.org")),
        ("put_bucket_website", page("index.html"), page("other.html")),
        ("put_bucket_ownership_controls", owner("ObjectWriter"), owner("BucketOwnerEnforced")),
        ("put_bucket_acl", {"ACL": "private"}, {"ACL": "public-read"}),
        ("put_bucket_notification_configuration", {"NotificationConfiguration": {}},
         {"NotificationConfiguration": {"QueueConfigurations": [queue]}}),
    ):  # fmt: skip
        assert warned("s3", method, Bucket="files", **same) == set(), method
        assert "live-cluster/indirect" in warned("s3", method, Bucket="files", **other), method


def test_a_group_that_loses_nothing(site, aws, install, warned, caplog):
    """Holding back terminations, and resuming what is not suspended, brings no warning; else a look-up is named."""
    autoscaling = aws.client("autoscaling")
    autoscaling.create_launch_configuration(LaunchConfigurationName="l", ImageId="ami-12345678", InstanceType="t3.nano")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="web", MinSize=0, MaxSize=3, LaunchConfigurationName="l", VPCZoneIdentifier=site.subnet,
        Tags=[{**BLUE[0], "PropagateAtLaunch": True}],
    )  # fmt: skip
    autoscaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    install()

    def rules(method, *processes):
        given = {"ScalingProcesses": [*processes]} if processes else {}
        return warned("autoscaling", method, AutoScalingGroupName="web", **given)

    harm = {"live-cluster/indirect"}
    assert rules("suspend_processes", "Terminate") == rules("suspend_processes", "AZRebalance", "Terminate") == set()
    assert rules("suspend_processes", "Launch") == rules("suspend_processes", "Terminate", "Launch") == harm
    assert rules("suspend_processes") == harm
    assert "Look at it with autoscaling:DescribeAutoScalingGroups." in caplog.text
    assert rules("resume_processes", "Terminate") == set()
    assert rules("resume_processes", "AZRebalance") == rules("resume_processes") == harm
    assert rules("cancel_instance_refresh") == set()


def document(effect):
    statement = {"Effect": effect, "Action": "s3:GetObject", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_role_that_gets_more(site, aws, install, warned):
    """A policy of AWS's or an own one that only allows brings no warning; one that takes anything away is refused."""
    iam = aws.client("iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument="{}", Tags=BLUE)
    iam.put_role_policy(RoleName="web", PolicyName="old", PolicyDocument=document("Allow"))
    install()
    role = {"RoleName": "web"}
    managed, unknown = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "arn:aws:iam::123456789012:policy/unknown"
    assert warned("iam", "attach_role_policy", PolicyArn=managed, **role) == set()
    assert "live-cluster/stop" in attempt(aws, "iam", "attach_role_policy", {"PolicyArn": unknown, **role})
    allow = {**role, "PolicyDocument": document("Allow")}
    assert warned("iam", "put_role_policy", PolicyName="new", **allow) == set()
    narrower = {**role, "PolicyName": "old", "PolicyDocument": document("Allow").replace("s3:GetObject", "s3:List*")}
    assert "live-cluster/stop" in attempt(aws, "iam", "put_role_policy", narrower)
    escaped = {
        **role,
        "PolicyName": "new",
        "PolicyDocument": document("Allow").replace('Allow"', '\\u0044eny","Sid":"Allow"'),
    }
    assert "live-cluster/stop" in attempt(aws, "iam", "put_role_policy", escaped)
    denial = {**role, "PolicyName": "new", "PolicyDocument": document("Deny")}
    assert attempt(aws, "iam", "put_role_policy", denial)
    assert attempt(aws, "iam", "attach_role_policy", {**role, "PolicyArn": "arn:aws:iam::aws:policy/AWSDenyAll"})


def test_a_database_cluster_of_the_same_name(site, aws, install):
    """A refused call on blue's database leaves green's database cluster of the same name free to go; blue's stays."""
    rds = aws.client("rds")
    login = {"MasterUsername": "root", "MasterUserPassword": "secret-1"}
    rds.create_db_instance(
        DBInstanceIdentifier="web",
        Engine="mysql",
        AllocatedStorage=20,
        DBInstanceClass="db.t3.small",
        Tags=BLUE,
        **login,
    )
    rds.create_db_cluster(DBClusterIdentifier="web", Engine="aurora-mysql", Tags=GREEN, **login)
    install()
    database = {"DBInstanceIdentifier": "web", "SkipFinalSnapshot": True}
    assert attempt(aws, "rds", "delete_db_instance", database)
    cluster = {"DBClusterIdentifier": "web", "SkipFinalSnapshot": True}
    assert attempt(aws, "rds", "delete_db_cluster", cluster) is None
    name = "arn:aws:rds:eu-west-1:123456789012:db:web"
    assert attempt(aws, "rds", "remove_tags_from_resource", {"ResourceName": name, "TagKeys": ["Cluster"]})


@pytest.mark.parametrize("action", ["CREATE", "UPSERT"])
def test_a_record_without_weight(action, site, aws, install):
    """A new record of weight 0 beside the live one takes no users; one with a weight does, as does lowering its own."""
    route53 = aws.client("route53")
    zone = route53.create_hosted_zone(Name="example.org", CallerReference="a")["HostedZone"]["Id"]
    own = {"value": site.blue.public_ips[0], "SetIdentifier": "blue"}
    route53.change_resource_record_sets(**names.changed(zone, "CREATE", "www.example.org", Weight=10, **own))
    install()

    def change(act, **more):
        params = names.changed(zone, act, "www.example.org", **more)
        return names.rest.attempt(aws, "route53", "change_resource_record_sets", params)

    assert change(action, SetIdentifier="green", Weight=0) is None
    assert "live-cluster/traffic" in change(action, SetIdentifier="red", Weight=1)
    assert "live-cluster/traffic" in change("UPSERT", **own, Weight=0)


def test_a_rolling_restart(site, aws, install):
    """Stop and start, one machine after the other, goes through a whole cluster; without the start, a third may stop.

    Stopping a machine once more takes no further one.
    """
    machines = aws.start_cluster("workers", 6).instance_ids
    install(params={"test_runs": "allow", "remaining": {"clusters": {"workers": {}}}})
    ec2 = aws.client("ec2")
    for machine in machines:
        ec2.stop_instances(InstanceIds=[machine])
        ec2.start_instances(InstanceIds=[machine])
    assert (aws.count("StopInstances"), aws.count("StartInstances")) == (6, 6)
    for machine in (*machines[:2], machines[0]):
        ec2.stop_instances(InstanceIds=[machine])
    assert aws.count("StopInstances") == 9
    for method in ("reboot_instances", "stop_instances"):
        assert attempt(aws, "ec2", method, {"InstanceIds": [machines[2]]}) == {"remaining/share", "None"}
