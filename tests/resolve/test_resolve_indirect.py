"""Targets that carry or reach a cluster indirectly carry its name, in the shapes that AWS documents.

Pure: look-ups are answered from tables, because the simulated AWS lacks many of them.
"""

from __future__ import annotations

import json

import pytest

from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.resolve.resources.registry import Inventory, asks, followups, known_types, plan, targets_of
from guardrails.values import Answer, Call, TargetRef

BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/50dc6c495c0c9188"
LISTENER = BALANCER.replace(":loadbalancer/", ":listener/") + "/f2f7dc8efc522ab2"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/73e2d6bc24d8a067"
ACCELERATOR = "arn:aws:globalaccelerator::1:accelerator/a1"
BUCKET, QUEUE = "arn:aws:s3:::photos", "arn:aws:sqs:eu-west-1:1:jobs"

MACHINE = {
    "InstanceId": "i-1",
    "State": {"Name": "running"},
    "Placement": {"AvailabilityZone": "eu-west-1a", "GroupName": "rack"},
    "VpcId": "vpc-1",
    "SubnetId": "subnet-1",
    "ImageId": "ami-1",
    "KeyName": "ops",
    "IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/web"},
    "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}],
    "PrivateIpAddress": "10.0.0.4",
    "PublicIpAddress": "203.0.113.4",
    "BlockDeviceMappings": [{"Ebs": {"VolumeId": "vol-1"}}],
    "Tags": [
        {"Key": key, "Value": value}
        for key, value in {
            "Cluster": "blue",
            "aws:autoscaling:launchConfigurationName": "lc",
            "aws:ec2launchtemplate:id": "lt-1",
            "aws:cloudformation:stack-name": "site",
            "eks:cluster-name": "k8s",
            "eks:nodegroup-name": "pool",
            "elasticbeanstalk:environment-name": "prod",
        }.items()
    ],
}


def resolve(refs, params=None, *, service="ec2", operation="X", machines=(MACHINE,), **items):
    """The targets by id; `items` are those of the look-ups, by operation."""
    call = Call(service, operation, params or {}, "eu-west-1", "", targets=tuple(refs), effects=("network",))
    given = {
        "DescribeInstances": [{"Instances": list(machines)}],
        "DescribeAddresses": [{"PublicIp": "198.51.100.7", "AllocationId": "eipalloc-1", "InstanceId": "i-1"}],
        "DescribeNodegroup": lambda params: [{"nodegroupName": params["nodegroupName"]}],
        "DescribeTags": [{"ResourceId": "i-1", "Key": "Cluster", "Value": "blue"}],
        **items,
    }

    def answer(lookups):
        assert {lookup.permission for lookup in lookups} <= {lookup.permission for lookup in asks()}
        return {lookup.key(): Answer(tuple(items_of(lookup)), 1.0) for lookup in lookups}

    def items_of(lookup):
        known = given.get(lookup.operation, ())
        return known(lookup.params) if callable(known) else known

    answers = answer([*plan(call, ("Cluster",)), INSTANCES, ADDRESSES])
    while more := [each for each in followups(call, answers, ("Cluster",)) if each.key() not in answers]:
        answers |= answer(more)
    inventory = Inventory(Region.of(answers), answers[ADDRESSES.key()].items, Ownership())
    return {target.id: target for target in targets_of(call, answers, inventory, ("blue",))}


def only(kind, name, params=None, **how):
    """One target, unresolved or not."""
    (target,) = resolve([TargetRef(name, kind)], params, **how).values()
    return target


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("vpc", "vpc-1", "vpc-2"),
        ("security-group", "sg-1", "sg-2"),
        ("security-group", "web", "db"),
        ("ami", "ami-1", "ami-2"),
        ("key-pair", "ops", "dev"),
        ("instance-profile", "web", "db"),
        ("placement-group", "rack", "spread"),
        ("launch-configuration", "lc", "lc-2"),
        ("eks-cluster", "k8s", "k9s"),
        ("eks-nodegroup", "k8s/pool", "k8s/other"),
        ("eb-environment", "prod", "test"),
    ],
)
def test_what_machines_were_launched_from_or_with(kind, name, other):
    """Whatever a live machine uses carries its cluster; the same kind of thing that no machine uses carries none."""
    assert only(kind, name).clusters == ("blue",)
    assert (only(kind, other).resolved, only(kind, other).clusters) == (True, ())


@pytest.mark.parametrize(
    ("kind", "name", "operation", "item"),
    [
        ("internet-gateway", "igw-1", "DescribeInternetGateways", {"Attachments": [{"VpcId": "vpc-1"}]}),
        ("vpn-gateway", "vgw-1", "DescribeVpnGateways", {"VpcAttachments": [{"VpcId": "vpc-1", "State": "attached"}]}),
        ("vpc-peering", "pcx-1", "DescribeVpcPeeringConnections", {"AccepterVpcInfo": {"VpcId": "vpc-1"}}),
        ("vpc-endpoint", "vpce-1", "DescribeVpcEndpoints", {"VpcId": "vpc-9", "SubnetIds": ["subnet-1"]}),
        ("tgw-attachment", "tgw-attach-1", "DescribeTransitGatewayAttachments", {"ResourceId": "vpc-1"}),
        ("security-group-rule", "sgr-1", "DescribeSecurityGroupRules", {"GroupId": "sg-1"}),
        ("instance-profile-association", "iip-1", "DescribeIamInstanceProfileAssociations", {"InstanceId": "i-1"}),
        ("classic-elb", "web", "DescribeLoadBalancers", {"Instances": [{"InstanceId": "i-1"}]}),
    ],
)
def test_what_descriptions_tie_to_machines(kind, name, operation, item):
    """What is tied to a live network or machine carries its cluster; what AWS does not know is unresolved."""
    member = {
        "internet-gateway": "InternetGatewayId",
        "vpn-gateway": "VpnGatewayId",
        "vpc-peering": "VpcPeeringConnectionId",
        "vpc-endpoint": "VpcEndpointId",
        "tgw-attachment": "TransitGatewayAttachmentId",
        "security-group-rule": "SecurityGroupRuleId",
        "instance-profile-association": "AssociationId",
        "classic-elb": "LoadBalancerName",
    }[kind]
    assert only(kind, name, **{operation: [{member: name, **item}]}).clusters == ("blue",)
    elsewhere = {key: "none" if isinstance(value, str) else [] for key, value in item.items()}
    assert only(kind, name, **{operation: [{member: name, **elsewhere}]}).clusters == ()
    assert not only(kind, name, **{operation: []}).resolved


def test_a_launch_template_carries_what_it_launched():
    """A launch template is found by id or name; its own tag counts as well."""
    template = {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web"}
    for name in ("lt-1", "web"):
        assert only("launch-template", name, DescribeLaunchTemplates=[template]).clusters == ("blue",)
    tagged = {**template, "LaunchTemplateId": "lt-2", "Tags": [{"Key": "Cluster", "Value": "green"}]}
    assert only("launch-template", "lt-2", DescribeLaunchTemplates=[tagged]).clusters == ("green",)


def test_a_key_carries_the_volumes_it_encrypts():
    """A KMS key in use by a live machine's volume carries the cluster; one that encrypts nothing hurts nothing."""
    volume = {"VolumeId": "vol-1", "KmsKeyId": "arn:aws:kms:eu-west-1:1:key/k-1"}
    machine = {"ResourceARN": "arn:aws:ec2:eu-west-1:1:instance/i-1", "Tags": [{"Key": "Cluster", "Value": "blue"}]}
    answers = {"DescribeVolumes": [volume], "GetResources": [machine]}
    assert only("kms-key", "k-1", **answers).clusters == ("blue",)
    described = [{"Arn": "arn:aws:kms:eu-west-1:1:key/k-1"}]
    assert only("kms-key", "alias/disks", DescribeKey=described, **answers).clusters == ("blue",)
    unused = only("kms-key", "k-2", **answers)
    assert (unused.resolved, unused.clusters, unused.facts.get("traced")) == (True, (), None)


REGISTERED = [{"Target": {"Id": "i-1"}}]


@pytest.mark.parametrize("registered", [REGISTERED, [{"Target": {"Id": "10.0.0.4"}}]])
def test_target_groups_by_machine_or_address(registered):
    """A target group carries the clusters of what is registered, however it is named."""
    groups = [{"TargetGroupArn": GROUP}]
    target = only("target-group", GROUP, DescribeTargetGroups=groups, DescribeTargetHealth=registered)
    assert (target.resolved, target.clusters) == (True, ("blue",))


@pytest.mark.parametrize("kind", ["instance", "ip"])
def test_an_empty_group_is_confirmed(kind):
    """A group without members is known to have none only where AWS says so of each machine of its network."""
    group = {"TargetGroupArn": GROUP, "TargetType": kind, "VpcId": "vpc-1"}
    other = {**MACHINE, "InstanceId": "i-2", "PrivateIpAddress": "10.0.0.5"}
    confirmed = [
        {"Target": {"Id": name}, "TargetHealth": {"State": "unused", "Reason": "Target.NotRegistered"}}
        for name in (("i-1", "i-2") if kind == "instance" else ("10.0.0.4", "10.0.0.5"))
    ]
    registered = {"Target": confirmed[0]["Target"], "TargetHealth": {"State": "healthy"}}
    for answer, resolved in (
        (confirmed, True),
        ([], False),
        (confirmed[:1], False),
        ([registered, confirmed[1]], False),
    ):
        for name, what in (("target-group", GROUP), ("load-balancer", BALANCER)):
            target = only(
                name, what, machines=(MACHINE, other), DescribeTargetGroups=[group],
                DescribeTargetHealth=lambda params, answer=answer: answer if "Targets" in params else [],
            )  # fmt: skip
            assert (target.resolved, target.clusters) == (resolved, ()), (name, answer)


def test_what_a_group_names_and_the_region_does_not_show():
    """A group that AWS does not know is unknown, and so is one with a machine that the region does not show."""
    assert not only("target-group", GROUP).resolved
    groups, gone = [{"TargetGroupArn": GROUP}], [{"Target": {"Id": "i-gone"}}]
    target = only("target-group", GROUP, DescribeTargetGroups=groups, DescribeTargetHealth=gone)
    assert (target.resolved, target.facts["missing"]) == (False, ["i-gone"])


@pytest.mark.parametrize(
    "action",
    [{"TargetGroupArn": GROUP}, {"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": GROUP, "Weight": 1}]}}],
)
def test_a_balancer_has_the_groups_that_its_listeners_forward_to(action):
    """A balancer whose groups are not shown, though a listener forwards to one, is unknown."""
    listeners = [{"DefaultActions": [{"Type": "forward", **action}]}]
    assert not only("load-balancer", BALANCER, DescribeListeners=listeners).resolved
    assert only("load-balancer", BALANCER, DescribeListeners=[{"DefaultActions": [{"Type": "redirect"}]}]).resolved


@pytest.mark.parametrize("name", [BALANCER, LISTENER, LISTENER.replace(":listener/", ":listener-rule/") + "/9683"])
def test_load_balancers_take_two_rounds(name):
    """A balancer, its listeners and their rules carry what is in the balancer's target groups."""
    answers = {"DescribeTargetGroups": [{"TargetGroupArn": GROUP}], "DescribeTargetHealth": REGISTERED}
    assert only("load-balancer", name, **answers).clusters == ("blue",)
    empty = only("load-balancer", name, DescribeTargetGroups=[], DescribeTags=[{"ResourceArn": BALANCER}])
    assert (empty.resolved, empty.clusters) == (True, ())


def test_what_is_registered_with_a_group():
    """A machine or an address that is taken out carries its cluster; one that is gone carries none."""
    assert only("elb-target", "i-1").clusters == ("blue",)
    assert only("elb-target", "10.0.0.4").clusters == ("blue",)
    assert only("elb-target", "i-gone").clusters == ()


def endpoint(name):
    return {"EndpointDescriptions": [{"EndpointId": name}]}


@pytest.mark.parametrize("name", ["i-1", "eipalloc-1", "subnet-1"])
def test_accelerators_by_their_endpoints(name):
    """Accelerators, listeners and endpoint groups carry the clusters of their machines, addresses and subnets."""
    answers = {"ListListeners": [{"ListenerArn": "l"}], "ListEndpointGroups": [endpoint(name)]}
    assert only("accelerator", ACCELERATOR, **answers).clusters == ("blue",)
    assert only("ga-listener", "l", **answers).clusters == ("blue",)
    assert only("endpoint-group", "g", DescribeEndpointGroup=[endpoint(name)]).clusters == ("blue",)


def test_accelerators_of_other_things_are_not_traced():
    """An endpoint in another region or of another kind is a fact for policy, not "nothing"."""
    target = only("endpoint-group", "g", DescribeEndpointGroup=[endpoint("arn:…:loadbalancer/x")])
    assert (target.clusters, target.facts["traced"]) == ((), False)


def record(name, kind, *values):
    return {"Name": name, "Type": kind, "ResourceRecords": [{"Value": value} for value in values]}


@pytest.mark.parametrize("value", ["203.0.113.4", "198.51.100.7", "10.0.0.4"])
def test_records_by_the_addresses_they_hold(value):
    """A record that points at a machine's public, elastic or private address carries its cluster; so does its zone."""
    records = [record("www.example.com.", "A", value), record("db.example.com.", "A", "192.0.2.1")]
    params = {"HostedZoneId": "/hostedzone/Z1"}
    how = {"service": "route53", "ListResourceRecordSets": records}
    assert only("dns-record", "WWW.example.com A", params, **how).clusters == ("blue",)
    assert only("dns-record", "db.example.com A", params, **how).clusters == ()
    assert only("dns-record", "www.example.com AAAA", params, **how).clusters == ()
    assert only("hosted-zone", "/hostedzone/Z1", **how).clusters == ("blue",)


def test_wildcards_and_aliases():
    """Route 53 writes an asterisk as an octal escape; an alias to what no look-up follows is not traced."""
    records = [
        record("\\052.example.com.", "A", "203.0.113.4"),
        {"Name": "x.com.", "Type": "A", "AliasTarget": {"DNSName": "api.example.net."}},
    ]
    how = {"service": "route53", "ListResourceRecordSets": records}
    params = {"HostedZoneId": "Z1"}
    assert only("dns-record", "*.example.com A", params, **how).clusters == ("blue",)
    assert only("dns-record", "x.com. A", params, **how).facts["traced"] is False


# Ids have a form that names which CloudFormation made up do not have.
IDS = {"i-1": "i-0123456789abcdef0", "subnet-1": "subnet-0123456789abcdef0", "vol-1": "vol-0123456789abcdef0"}
IN_STACK = json.loads(json.dumps(MACHINE).replace('"i-1"', f'"{IDS["i-1"]}"'))
IN_STACK |= {"SubnetId": IDS["subnet-1"], "BlockDeviceMappings": [{"Ebs": {"VolumeId": IDS["vol-1"]}}]}
KNOWN = {
    "DescribeSubnets": [{"SubnetId": IDS["subnet-1"]}],
    "DescribeVolumes": [{"VolumeId": IDS["vol-1"], "Attachments": [{"InstanceId": IDS["i-1"]}]}],
}


def resource(kind, name, logical="R"):
    physical = IDS.get(name, name)
    return {"ResourceType": kind, "PhysicalResourceId": physical, "LogicalResourceId": logical}


@pytest.mark.parametrize(
    "item",
    [
        resource("AWS::EC2::Instance", "i-1"),
        resource("AWS::EC2::Subnet", "subnet-1"),
        resource("AWS::EC2::SecurityGroup", "sg-1"),
        resource("AWS::EC2::Volume", "vol-1"),
        resource("AWS::EKS::Cluster", "k8s"),
    ],
)
def test_stacks_by_their_resources(item):
    """A stack carries the clusters of the machines that its resources are, hold or reach."""
    how = {"machines": (IN_STACK,), **KNOWN}
    assert only("cfn-stack", "other", ListStackResources=[item], **how).clusters == ("blue",)


def test_stacks_by_aws_own_tag():
    """Machines that a stack launched through a group carry its name in a tag that AWS writes."""
    assert only("cfn-stack", "site", ListStackResources=[]).clusters == ("blue",)
    assert not only("cfn-stack", "missing", ListStackResources=[]).resolved


def test_a_stack_of_databases_is_not_traced():
    """Resources that are not tied to machines are a fact for policies."""
    answers = {"DescribeDBInstances": [{"DBInstanceIdentifier": "db"}]}
    target = only("cfn-stack", "data", ListStackResources=[resource("AWS::RDS::DBInstance", "db")], **answers)
    assert (target.clusters, target.facts["traced"]) == ((), False)
    assert target.facts["untraced"] == ["AWS::RDS::DBInstance db"]


def change(action, kind, name, replacement=None, **more):
    return {"ResourceChange": {**resource(kind, name, name), "Action": action, "Replacement": replacement, **more}}


@pytest.mark.parametrize(
    ("item", "clusters"),
    [
        (change("Remove", "AWS::EC2::Instance", "i-1"), ("blue",)),
        (change("Modify", "AWS::EC2::Instance", "i-1", "True"), ("blue",)),
        (change("Modify", "AWS::EC2::Instance", "i-1", "Conditional"), ("blue",)),
        (change("Dynamic", "AWS::EC2::Instance", "i-1"), ("blue",)),
        (change("Modify", "AWS::EC2::Instance", "i-1", "False"), ("blue",)),
        (change("Modify", "AWS::EC2::Instance", "i-1", "False", Scope=["Metadata"]), ()),
        (change("Add", "AWS::EC2::Instance", ""), ()),
    ],
)
def test_change_sets_by_what_they_remove_or_replace(item, clusters):
    """What is added hurts nothing; what may be replaced, or is changed in an unknown way, counts."""
    target = only("cfn-change-set", "cs of site", DescribeChangeSet=[item], machines=(IN_STACK,))
    assert target.clusters == clusters


def test_roles_by_the_profiles_that_have_them():
    """A role carries the machines whose instance profile has it, and one that containers used may be theirs."""
    profile = [{"InstanceProfileName": "web"}]
    assert only("iam-role", "r", service="iam", ListInstanceProfilesForRole=profile).clusters == ("blue",)
    role = {"RoleName": "r", "AssumeRolePolicyDocument": {"Service": "ecs-tasks.amazonaws.com"}}
    assert "traced" not in only("iam-role", "r", service="iam", GetRole=[role]).facts
    used = {**role, "RoleLastUsed": {"LastUsedDate": "2023-10-09"}}
    assert only("iam-role", "r", service="iam", GetRole=[used]).facts["look_at"] == ["the containers that use it"]
    tagged = {**used, "Tags": [{"Key": "Cluster", "Value": "green"}]}
    target = only("iam-role", "r", service="iam", GetRole=[tagged])
    assert (target.clusters, "traced" in target.facts) == (("green",), False)


@pytest.mark.parametrize(
    ("kind", "name", "arn"),
    [
        ("s3-bucket", "photos", BUCKET),
        ("db-proxy", "main", "arn:aws:rds:eu-west-1:1:db-proxy:main"),
        ("dynamodb-table", "users", "arn:aws:dynamodb:eu-west-1:1:table/users"),
        ("efs", "fs-1", "arn:aws:elasticfilesystem:eu-west-1:1:file-system/fs-1"),
        ("ecs-service", "api", "arn:aws:ecs:eu-west-1:1:service/default/api"),
        ("marked", QUEUE, QUEUE),
    ],
)
def test_data_belongs_to_the_cluster_of_its_tag(kind, name, arn):
    """Data belongs to the cluster of its tag, by name or ARN; without the tag it cannot be traced."""
    marked = [{"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": "blue"}]}]
    for written in {name, arn}:
        assert only(kind, written, GetResources=marked).clusters == ("blue",)
    others = [{"ResourceARN": "arn:aws:ec2:eu-west-1:1:instance/i-1", "Tags": [{"Key": "Cluster", "Value": "blue"}]}]
    target = only(kind, name, GetResources=others)
    assert (target.resolved, target.clusters, target.facts["traced"]) == (True, (), False)
    assert target.facts["look_at"]
    assert target.facts["marked"] is False


def test_an_answer_without_any_tag_is_not_believed():
    """Where machines have the cluster tag and the tagging API shows nothing with it, nothing is known to lack it."""
    for kind, name in (("s3-bucket", "photos"), ("tagged", QUEUE)):
        assert not only(kind, name, GetResources=[]).resolved
        assert only(kind, name, GetResources=[], machines=()).resolved


@pytest.mark.parametrize(
    ("kind", "operation", "member", "arn"),
    [
        ("db-instance", "DescribeDBInstances", "DBInstanceIdentifier", "arn:aws:rds:eu-west-1:1:db:main"),
        ("db-cluster", "DescribeDBClusters", "DBClusterIdentifier", "arn:aws:rds:eu-west-1:1:cluster:main"),
        ("db-snapshot", "DescribeDBSnapshots", "DBSnapshotIdentifier", "arn:aws:rds:eu-west-1:1:snapshot:rds:main"),
        ("db-cluster-snapshot", "DescribeDBClusterSnapshots", "DBClusterSnapshotIdentifier",
         "arn:aws:rds:eu-west-1:1:cluster-snapshot:rds:main"),
    ],
)  # fmt: skip
def test_databases_belong_to_the_cluster_of_their_tag(kind, operation, member, arn):
    """By identifier in any case, or by ARN; one without the tag cannot be traced, one that is not shown is unknown."""
    name = arn.split(":", 6)[6]
    tagged, untagged = ({member: name, "TagList": tags} for tags in ([{"Key": "Cluster", "Value": "blue"}], []))
    for written in (name, name.upper(), arn):
        assert only(kind, written, **{operation: [tagged]}).clusters == ("blue",)
    target = only(kind, name, **{operation: [untagged]})
    assert (target.resolved, target.clusters, target.facts["traced"]) == (True, (), False)
    assert target.facts["marked"] is False
    assert not only(kind, name).resolved


@pytest.mark.parametrize(
    ("selector", "clusters", "resolved"),
    [
        (("tag:Cluster", "blue"), ("blue",), True),
        (("tag:Cluster", "green", "blue"), ("blue",), True),
        (("tag:Cluster", "green,blue"), (), True),
        (("tag:Cluster", "green"), (), True),
        (("tag-key", "Cluster"), ("blue",), True),
        (("InstanceIds", "i-1"), ("blue",), True),
        (("InstanceIds", "*"), ("blue",), True),
        (("resource-groups:Name", "all"), (), False),
    ],
)
def test_selectors_mean_machines(selector, clusters, resolved):
    """A selector carries the machines it means; one that only AWS can read is unresolved."""
    (target,) = resolve([TargetRef("shown", "tag-selector", values=selector)]).values()
    assert (target.clusters, target.resolved) == (clusters, resolved)


def test_the_whole_region():
    """A call for every machine carries every cluster."""
    assert only("region", "(the region)").clusters == ("blue",)


def test_an_id_of_another_type_is_named():
    """A volume's id where a machine's should be is unresolved, with a sentence that says so."""
    target = only("instance", "vol-0123456789abcdef0")
    assert not target.resolved
    assert target.facts["mismatch"] == "it is a volume, but this call expects a machine"


def test_batches_over_zones_are_asked_for_their_protection():
    """A few machines in several zones: each is asked whether it is protected. In one zone, or when many: nothing."""

    def machine(number, zone):
        return {**MACHINE, "InstanceId": f"i-{number}", "Placement": {"AvailabilityZone": zone}}

    def protected(*machines):
        refs = [TargetRef(machine["InstanceId"], "instance") for machine in machines]
        targets = resolve(
            refs, operation="TerminateInstances", machines=machines, DescribeInstanceAttribute=[{"Value": True}]
        )
        return [target.protections for target in targets.values()]

    assert protected(machine(1, "a"), machine(2, "b")) == [{"termination": True}] * 2
    assert protected(machine(1, "a"), machine(2, "a")) == [{}] * 2
    assert protected(*(machine(number, "ab"[number % 2]) for number in range(11))) == [{}] * 11


def test_every_type_has_a_resolver_that_survives_nothing():
    """For every type there is a target and no exception when AWS knows nothing.

    Only the parameter that names the live cluster carries it in any case.
    """
    for kind in sorted(known_types() - {"ssm-parameter"}):
        target = only(kind, "nothing", {"HostedZoneId": "Z1"}, machines=())
        assert target.clusters == ()
