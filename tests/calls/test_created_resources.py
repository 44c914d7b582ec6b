"""What Cloud Control creates is judged like the service's own call that creates it: on every type that may take."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_same_act_other_api import fronts
from tests.calls.test_unknown_holders import attempt

REGION = "eu-west-1:123456789012"
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}
ALLOW = json.loads(json.dumps(DENY).replace("Deny", "Allow"))
SIDES = ("blue", "green")
ARNS = ("sqs:{}:{}-queue", "sns:{}:{}-topic", "secretsmanager:{}:secret:{}-secret", "ecs:{}:cluster/{}",
        "elasticfilesystem:{}:file-system/fs-{}", "redshift:{}:cluster:{}-warehouse")  # fmt: skip


@pytest.fixture
def sides(aws, worlds):
    """Blue, which is live, and green, which is not: a balancer, a role, and what carries the tag of each."""
    made = worlds.once("sides", lambda: fronts(aws))
    tagged = [
        {"ResourceARN": f"arn:aws:{arn.format(REGION, name)}", "Tags": [{"Key": "Cluster", "Value": name}]}
        for name in made
        for arn in ARNS
    ]
    # moto's tagging API knows few services.
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": tagged}))
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    for name, side in made.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        ec2.associate_iam_instance_profile(IamInstanceProfile={"Name": name}, InstanceId=side.parts.machine)
    return made


@pytest.fixture
def create(sides, aws, install):
    """The rules that deny a creation, None where it arrives."""
    install(live={"sources": ["eip"], "eip_addresses": [sides["blue"].parts.public_ip]})

    def created(kind, state):
        params = {"TypeName": kind, "DesiredState": json.dumps(state)}
        return attempt(aws, "cloudcontrol", "create_resource", params)

    return created


TAKES = [
    ("AWS::EC2::VPCEndpoint", lambda s: {
        "VpcId": s.vpc, "ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": [s.parts.route_table]}),
    ("AWS::EC2::VPCEndpoint", lambda s: {
        "VpcId": s.vpc, "ServiceName": "com.amazonaws.eu-west-1.sqs", "VpcEndpointType": "Interface"}),
    ("AWS::Route53::HostedZone", lambda s: {"Name": "amazonaws.com", "VPCs": [{"VPCId": s.vpc}]}),
    ("AWS::ServiceDiscovery::PrivateDnsNamespace", lambda s: {"Name": "amazonaws.com", "Vpc": s.vpc}),
    ("AWS::Route53Resolver::ResolverRuleAssociation", lambda s: {"VPCId": s.vpc, "ResolverRuleId": "rslvr-rr-1"}),
    ("AWS::Route53Resolver::FirewallRuleGroupAssociation", lambda s: {
        "VpcId": s.vpc, "FirewallRuleGroupId": "rslvr-frg-1", "Priority": 101}),
    ("AWS::Route53Resolver::ResolverDNSSECConfig", lambda s: {"ResourceId": s.vpc}),
    ("AWS::Route53Profiles::ProfileAssociation", lambda s: {"ResourceId": s.vpc, "ProfileId": "rp-1", "Name": "n"}),
    ("AWS::WAFv2::WebACLAssociation", lambda s: {"ResourceArn": s.balancer, "WebACLArn": "arn:aws:wafv2:acl"}),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", lambda s: {
        "ListenerArn": s.listener, "Priority": 1, "Conditions": [{"Field": "path-pattern", "Values": ["*"]}],
        "Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]}),
    ("AWS::Route53::RecordSetGroup", lambda s: {"HostedZoneId": s.zone, "RecordSets": [
        {"Name": s.host, "Type": "AAAA", "TTL": "60", "ResourceRecords": ["2001:db8::1"]}]}),
    ("AWS::Route53::RecordSet", lambda s: {"HostedZoneName": f"{s.name}.example.", "Name": s.host, "Type": "AAAA",
                                           "ResourceRecords": ["2001:db8::1"]}),
    ("AWS::EFS::FileSystem", lambda s: {"ReplicationConfiguration": {"Destinations": [
        {"FileSystemId": f"fs-{s.name}", "Region": "eu-west-1"}]}}),
    ("AWS::Redshift::ScheduledAction", lambda s: {
        "ScheduledActionName": "x", "TargetAction": {"PauseCluster": {"ClusterIdentifier": f"{s.name}-warehouse"}}}),
]  # fmt: skip


def test_what_takes_something(create, sides):
    """What would hide a name, reroute, block or overwrite something of the live cluster is denied; green's arrives."""
    for kind, state in TAKES:
        assert create(kind, state(sides["blue"])), kind
        assert create(kind, state(sides["green"])) is None, kind


POLICIES = [
    ("AWS::SQS::QueuePolicy", lambda name, policy: {
        "Queues": [f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}-queue"], "PolicyDocument": policy}),
    ("AWS::SQS::QueueInlinePolicy", lambda name, policy: {
        "Queue": f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}-queue", "PolicyDocument": policy}),
    ("AWS::SNS::TopicPolicy", lambda name, policy: {
        "Topics": [f"arn:aws:sns:{REGION}:{name}-topic"], "PolicyDocument": policy}),
    ("AWS::SNS::TopicInlinePolicy", lambda name, policy: {
        "TopicArn": f"arn:aws:sns:{REGION}:{name}-topic", "PolicyDocument": policy}),
    ("AWS::SecretsManager::ResourcePolicy", lambda name, policy: {
        "SecretId": f"arn:aws:secretsmanager:{REGION}:secret:{name}-secret", "ResourcePolicy": policy}),
    ("AWS::IAM::RolePolicy", lambda name, policy: {"RoleName": name, "PolicyName": "p", "PolicyDocument": policy}),
    ("AWS::IAM::Policy", lambda name, policy: {"Roles": [name], "PolicyName": "p", "PolicyDocument": policy}),
    ("AWS::IAM::ManagedPolicy", lambda name, policy: {"Roles": [name], "PolicyDocument": policy}),
]  # fmt: skip


# Their services keep one policy: a new one takes its place, and no look-up says what that allowed.
REPLACED = ("AWS::SQS", "AWS::SNS", "AWS::SecretsManager")


def test_policies_that_deny(create):
    """A policy that denies is refused on what the live cluster uses, as an object and as text; so is one that replaces.

    One more policy of a role that only allows arrives, and any policy of the other cluster's.
    """
    for kind, state in POLICIES:
        denied = create(kind, state("blue", DENY))
        assert denied == create(kind, state("blue", json.dumps(DENY))), kind
        assert denied & {"live-cluster/traffic", "live-cluster/stop"}, kind
        assert (create(kind, state("blue", ALLOW)) is None) is not kind.startswith(REPLACED), kind
        assert create(kind, state("green", DENY)) is None, kind
        assert create(kind, state("green", ALLOW)) is None, kind


ADMITS = [
    ("AWS::ECS::Service", lambda cluster, group: {"Cluster": cluster, "LoadBalancers": [{"TargetGroupArn": group}]}),
    ("AWS::ECS::TaskSet", lambda cluster, group: {
        "Cluster": cluster, "Service": "s", "LoadBalancers": [{"TargetGroupArn": group}]}),
    ("AWS::AutoScaling::AutoScalingGroup", lambda cluster, group: {
        "MinSize": "1", "MaxSize": "1", "TargetGroupARNs": [group],
        "Tags": [{"Key": "Cluster", "Value": cluster, "PropagateAtLaunch": True}]}),
    ("AWS::AutoScaling::AutoScalingGroup", lambda cluster, group: {
        "MinSize": "1", "MaxSize": "1", "TrafficSources": [{"Identifier": group, "Type": "elbv2"}],
        "Tags": [{"Key": "Cluster", "Value": cluster, "PropagateAtLaunch": True}]}),
]  # fmt: skip


def test_who_joins_a_balancer(create, sides):
    """Tasks and machines of another cluster do not join the live balancer; its own do, and anyone joins green's."""
    for kind, state in ADMITS:
        assert "live-cluster/admit" in create(kind, state("small", sides["blue"].group)), kind
        assert create(kind, state("blue", sides["blue"].group)) is None, kind
        assert create(kind, state("green", sides["green"].group)) is None, kind


def test_patches_of_what_is_put_on_others(sides, create, aws):
    """A patch of a policy counts like creating it; where it does not say on what, nothing shows that it is harmless."""
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/{}-queue"
    for kind, identifier, policy, arrives in (
        ("AWS::SQS::QueueInlinePolicy", url.format("blue"), DENY, False),
        ("AWS::SQS::QueueInlinePolicy", url.format("green"), DENY, True),
        ("AWS::SQS::QueuePolicy", "some-policy", DENY, False),
        ("AWS::SQS::QueuePolicy", "some-policy", ALLOW, False),
    ):
        patch = json.dumps([{"op": "replace", "path": "/PolicyDocument", "value": policy}])
        params = {"TypeName": kind, "Identifier": identifier, "PatchDocument": patch}
        rules = attempt(aws, "cloudcontrol", "update_resource", params)
        assert (rules is None) is arrives, (kind, identifier, rules)


def test_types_that_aws_adds(sides, create):
    """A type of tomorrow is judged by what its state names, and by nothing where it names nothing."""
    assert create("AWS::EC2::Brandnew", {"Subnets": [sides["blue"].parts.subnet]})
    assert create("AWS::EC2::Brandnew", {"Subnets": [sides["green"].parts.subnet]}) is None
    assert create("AWS::EC2::Brandnew", {"Name": "x"}) is None
