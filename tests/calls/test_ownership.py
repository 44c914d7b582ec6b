"""Accounts without a `Cluster` tag: what AWS's own tags and memberships show is protected, what they do not is not."""

from __future__ import annotations

import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt

pytestmark = pytest.mark.every(3)

GROUP = "aws:autoscaling:groupName"
STACK = "aws:cloudformation:stack-name"
TERMINATE, STOP = ("ec2", "terminate_instances"), ("ec2", "stop_instances")


@pytest.fixture
def blue(aws):
    """A live group of six machines; two hold an address."""
    return aws.start_cluster("web-blue", 6, addresses=2, cluster_tag=GROUP, tags={STACK: "blue"})


@pytest.fixture
def green(aws):
    """A group of three machines without an address."""
    return aws.start_cluster("web-green", 3, cluster_tag=GROUP, tags={STACK: "green"})


@pytest.fixture
def box(aws):
    """A developer's machine, with a name and nothing else."""
    return aws.start_cluster("anna", 1, cluster_tag="Name")


def on(aws, operation, *names):
    """The rules that deny this operation on these machines, None where it arrived."""
    return attempt(aws, *operation, {"InstanceIds": [*names]})


def test_the_live_group_stays(aws, install, blue, green):
    """Without any configuration, the whole live group is kept, and the other one may go."""
    install()
    for operation in (TERMINATE, STOP):
        assert on(aws, operation, *blue.instance_ids[2:]) >= {"remaining/share"}
        assert on(aws, operation, *blue.instance_ids) >= {"remaining/minimum", "remaining/share"}
        assert on(aws, operation, *green.instance_ids) is None


def test_single_machines_of_the_live_group(aws, install, blue):
    """Its group starts a machine again: up to a third may go, but none with an address."""
    install()
    for operation in (TERMINATE, STOP):
        assert on(aws, operation, *blue.instance_ids[2:4]) is None
        assert on(aws, operation, *blue.instance_ids[2:5]) >= {"remaining/share"}
        (rule,) = ({"live-cluster/terminate", "live-cluster/stop"}) & on(aws, operation, blue.instance_ids[0])
        assert rule.endswith(operation[1].split("_")[0])


def test_single_calls_add_up(aws, install, blue):
    """Six calls for one machine each take no more than one call for six."""
    install()
    ec2 = aws.client("ec2")
    gone = 0
    for name in blue.instance_ids[2:]:
        try:
            ec2.terminate_instances(InstanceIds=[name])
            gone += 1
        except guardrails.CallDenied as error:
            assert {violation.rule for violation in error.decision.violations} == {"remaining/share"}  # noqa: PT017
    assert (gone, aws.count("TerminateInstances")) == (2, 2)


def test_what_is_not_a_machine_of_the_group(aws, install, blue, green):
    """Addresses, networks, disks and the group itself are kept as a named live cluster's; the other group's are not."""
    ec2 = aws.client("ec2")
    for machine in (blue.instance_ids[3], green.instance_ids[1]):
        ec2.modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": True})
    install()
    machines = {
        machine["InstanceId"]: machine
        for reservation in ec2.describe_instances()["Reservations"]
        for machine in reservation["Instances"]
    }

    def rules(name):
        machine = machines[name]
        (disk,), (interface,) = machine["BlockDeviceMappings"], machine["NetworkInterfaces"]
        yield attempt(aws, "ec2", "detach_volume", {"VolumeId": disk["Ebs"]["VolumeId"]})
        yield attempt(aws, "ec2", "detach_network_interface", {"AttachmentId": interface["Attachment"]["AttachmentId"]})
        flag = {"InstanceId": name, "DisableApiTermination": {"Value": False}}
        yield attempt(aws, "ec2", "modify_instance_attribute", flag)

    assert all(rules(blue.instance_ids[3]))
    assert list(rules(green.instance_ids[1])) == [None, None, None]
    assert attempt(aws, "ec2", "release_address", {"AllocationId": blue.allocation_ids[0]})


def test_groups_themselves(aws, install, blue, green):
    """Deleting or shrinking the live group is denied, also by its name alone; the other one may go."""
    install()
    scaling = aws.client("autoscaling")
    source = {"LaunchConfigurationName": "any", "ImageId": "ami-12c6146b", "InstanceType": "t3.small"}
    scaling.create_launch_configuration(**source)
    for name in ("web-blue", "web-green"):
        group = {"MinSize": 0, "MaxSize": 3, "DesiredCapacity": 1, "AvailabilityZones": ["eu-west-1a"]}
        scaling.create_auto_scaling_group(AutoScalingGroupName=name, LaunchConfigurationName="any", **group)

    def rules(name):
        group = {"AutoScalingGroupName": name}
        yield attempt(aws, "autoscaling", "delete_auto_scaling_group", {**group, "ForceDelete": True})
        yield attempt(aws, "autoscaling", "set_desired_capacity", {**group, "DesiredCapacity": 0})

    terminate, shrink = rules("web-blue")
    assert terminate >= {"live-cluster/terminate"}
    assert shrink >= {"live-cluster/scale-in"}
    assert list(rules("web-green")) == [None, None]


@pytest.mark.parametrize("untagged", ["deny", "allow"])
def test_a_developers_own_box(aws, install, blue, box, untagged):
    """A machine that nothing ties to a cluster is left to the parameter `untagged`, whatever else is inferred."""
    install(params={"untagged": untagged})
    rules = on(aws, STOP, *box.instance_ids)
    assert rules is None if untagged == "allow" else rules >= {"live-cluster/untagged"}


def test_a_bastion_with_an_address(aws, install, blue, box):
    """The only machine with an address is a cluster of one: `untagged = "allow"` does not let it die in silence."""
    bastion = aws.start_cluster("bastion", 1, addresses=1, cluster_tag="Name")
    install(params={"untagged": "allow"})
    assert on(aws, TERMINATE, *bastion.instance_ids) >= {"live-cluster/terminate"}
    assert on(aws, TERMINATE, *box.instance_ids) is None


def test_an_address_that_does_not_count(aws, install, blue):
    """Where only listed addresses count, a machine with another one is left to `untagged`, too."""
    bastion = aws.start_cluster("bastion", 1, addresses=1, cluster_tag="Name")
    install(live={"eip_addresses": [*blue.public_ips]})
    assert on(aws, TERMINATE, *bastion.instance_ids) >= {"live-cluster/untagged"}
    guardrails.uninstall()
    install(live={"eip_addresses": [*blue.public_ips]}, params={"untagged": "allow"})
    assert on(aws, TERMINATE, *bastion.instance_ids) is None


@pytest.mark.parametrize("tag", [GROUP, "Name"])
def test_a_bastion_shows_nothing_about_others(aws, install, green, tag):
    """The address of one machine shows nothing of a group without one: a balancer of either kind may be before it."""
    aws.start_cluster("bastion", 1, addresses=1, cluster_tag=tag)
    install()
    assert on(aws, TERMINATE, *green.instance_ids) >= {"live-cluster/unknown-live"}
    guardrails.uninstall()
    install(live={"sources": ["eip", "target-group", "elb"]})
    assert on(aws, TERMINATE, *green.instance_ids) is None


def test_inferred_clusters_say_nothing_about_tagged_ones(aws, install, blue):
    """Where clusters are tagged, the addresses of a group do not show that a tagged one is not live."""
    install()
    tagged = aws.start_cluster("shop", 2)
    assert on(aws, TERMINATE, *tagged.instance_ids) >= {"live-cluster/unknown-live"}
    guardrails.uninstall()
    aws.start_cluster("front", 1, addresses=1)
    install()
    assert on(aws, TERMINATE, *tagged.instance_ids) is None


def test_a_live_group_beside_a_tagged_machine(aws, install, blue, green):
    """With one tagged machine in the account the live group proves nothing, and the denial says how to let it."""
    tagged = aws.start_cluster("box", 1)
    install()
    with pytest.raises(guardrails.CallDenied, match=r'unless you name it: clusters = { live = \["asg/web-blue"\] }'):
        aws.client("ec2").terminate_instances(InstanceIds=list(green.instance_ids))
    guardrails.uninstall()
    install(clusters={"live": ["asg/web-blue"]})
    assert on(aws, TERMINATE, *blue.instance_ids) >= {"live-cluster/terminate"}
    assert on(aws, TERMINATE, *tagged.instance_ids) is None
    assert on(aws, TERMINATE, *green.instance_ids) is None


def test_an_unknown_live_cluster_stays_unknown(aws, install, green, box):
    """Where no source names a cluster, inferred ones are kept like all others."""
    for sources, rule in ((["eip"], "unknown-live"), (["eip", "target-group"], "nothing-live")):
        install(params={"untagged": "allow"}, live={"sources": sources})
        assert on(aws, TERMINATE, *green.instance_ids) >= {f"live-cluster/{rule}"}
        assert on(aws, TERMINATE, *box.instance_ids) >= {f"live-cluster/{rule}"}
        guardrails.uninstall()


@pytest.mark.parametrize(
    ("params", "one_of_blue", "green_group"),
    [
        ({"inferred": "protect"}, {"live-cluster/terminate"}, None),
        ({"inferred": "ignore"}, {"live-cluster/untagged"}, {"live-cluster/untagged"}),
        ({"inferred": "ignore", "untagged": "allow"}, None, None),
    ],
)
def test_the_parameter(aws, install, blue, green, params, one_of_blue, green_group):
    """`inferred` protects a live group whole, or leaves all such clusters to `untagged`."""
    install(params=params)
    for names, expected in ((blue.instance_ids[3:4], one_of_blue), (green.instance_ids, green_group)):
        rules = on(aws, TERMINATE, *names)
        assert rules is None if expected is None else rules >= expected


def test_groups_put_together(aws, install, blue, green):
    """`clusters` makes one cluster of several groups: it is protected like one that a tag names."""
    workers = aws.start_cluster("worker-blue", 3, cluster_tag=GROUP)
    install()
    assert on(aws, TERMINATE, *workers.instance_ids) is None
    guardrails.uninstall()
    install(clusters={"blue": ["asg/web-blue", "asg/worker-blue"]})
    assert on(aws, TERMINATE, workers.instance_ids[0]) >= {"live-cluster/terminate"}
    assert on(aws, TERMINATE, *green.instance_ids) is None


def test_several_tags(aws, install):
    """Of several tags the first that a machine has counts."""
    first = aws.start_cluster("blue", 2, addresses=1)
    second = aws.start_cluster("blue", 2, cluster_tag="Service")
    outranked = aws.start_cluster("blue", 2, cluster_tag="Service", tags={"Cluster": "green"})
    install(cluster_tags=["Cluster", "Service"])
    for cluster in (first, second):
        assert on(aws, TERMINATE, cluster.instance_ids[-1]) >= {"live-cluster/terminate"}
    assert on(aws, TERMINATE, *outranked.instance_ids) is None


def test_a_table_by_its_stack(aws, install, blue, green):
    """What a stack made belongs to the machines of that stack; that it is not live leaves open who uses it."""
    tables = aws.client("dynamodb")
    keys = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    keys["AttributeDefinitions"] = [{"AttributeName": "id", "AttributeType": "S"}]
    for name in ("blue", "green"):
        tables.create_table(TableName=name, Tags=[{"Key": STACK, "Value": name}], **keys)
    tables.create_table(TableName="own", Tags=[{"Key": "Cluster", "Value": "own"}], **keys)
    install()
    assert attempt(aws, "dynamodb", "delete_table", {"TableName": "blue"}) >= {"live-cluster/storage"}
    assert "live-cluster/storage" not in attempt(aws, "dynamodb", "delete_table", {"TableName": "green"})
    assert attempt(aws, "dynamodb", "delete_table", {"TableName": "own"}) is None


def test_a_database_by_its_stack(aws, install, blue, green):
    """A database that the configuration puts into the other cluster may go; one of the live stack is kept."""
    databases = aws.client("rds")
    for name in ("blue", "green"):
        size = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 20}
        tags = [{"Key": STACK, "Value": name}]
        databases.create_db_instance(
            DBInstanceIdentifier=name, MasterUsername="u", MasterUserPassword="p", Tags=tags, **size
        )
    install(clusters={"green": ["asg/web-green", "stack/green"]})
    delete = {"SkipFinalSnapshot": True}
    rules = attempt(aws, "rds", "delete_db_instance", {"DBInstanceIdentifier": "blue", **delete})
    assert rules >= {"live-cluster/storage"}
    assert attempt(aws, "rds", "delete_db_instance", {"DBInstanceIdentifier": "green", **delete}) is None


def test_only_what_is_healthy_counts(aws, install, blue):
    """With `remaining.of = "healthy"`, machines that fail EC2's checks may go, and the others are counted alone."""
    install(params={"remaining": {"of": "healthy"}})
    statuses = "".join(
        f"<item><instanceId>{name}</instanceId>"
        f"<instanceStatus><status>{word}</status></instanceStatus><systemStatus><status>ok</status></systemStatus></item>"
        for name, word in zip(blue.instance_ids, ("ok", "ok", "ok", "ok", "impaired", "impaired"), strict=True)
    )
    aws.reply(
        "DescribeInstanceStatus",
        f"<DescribeInstanceStatusResponse><instanceStatusSet>{statuses}</instanceStatusSet></DescribeInstanceStatusResponse>",
    )
    assert on(aws, TERMINATE, *blue.instance_ids[4:]) is None
    assert on(aws, TERMINATE, *blue.instance_ids[3:]) is None
    assert on(aws, TERMINATE, *blue.instance_ids[2:4]) == {"remaining/share", "None"}


def test_what_the_group_should_have_counts(aws, install, monkeypatch):
    """With `remaining.of = "desired"`, machines that a group still has to start count as missing."""
    scaling, ec2 = aws.client("autoscaling"), aws.client("ec2")
    source = {"LaunchConfigurationName": "any", "ImageId": "ami-12c6146b", "InstanceType": "t3.small"}
    scaling.create_launch_configuration(**source)
    group = {"MinSize": 0, "MaxSize": 9, "DesiredCapacity": 6, "AvailabilityZones": ["eu-west-1a"]}
    scaling.create_auto_scaling_group(AutoScalingGroupName="web", LaunchConfigurationName="any", **group)
    machines = [each["InstanceId"] for each in scaling.describe_auto_scaling_instances()["AutoScalingInstances"]]
    monkeypatch.setenv("LIVE", "asg/web")
    config = {"live": {"sources": ["env"], "env": "LIVE"}, "state": {"enabled": False}}
    install(**config, params={"remaining": {"of": "desired"}})
    assert on(aws, TERMINATE, *machines[:2]) is None
    assert on(aws, TERMINATE, *machines[:3]) == {"remaining/share", "None"}
    guardrails.uninstall()
    ec2.stop_instances(InstanceIds=machines[4:])
    for of, rules in (("desired", {"remaining/share", "None"}), ("running", None)):
        install(**config, params={"remaining": {"of": of}})
        assert on(aws, TERMINATE, machines[0]) == rules
        guardrails.uninstall()


def test_a_switch_between_groups(aws, install):
    """An address moves to a complete group only; the roles follow, and the old side is kept for a while."""
    blue = aws.start_cluster("web-blue", 3, addresses=1, cluster_tag=GROUP)
    green = aws.start_cluster("web-green", 3, cluster_tag=GROUP)
    small = aws.start_cluster("web-small", 1, cluster_tag=GROUP)
    install(max_fact_age_s=30)
    ec2 = aws.client("ec2")
    move = {"AllocationId": blue.allocation_ids[0], "AllowReassociation": True}
    with pytest.raises(guardrails.CallDenied):
        ec2.associate_address(InstanceId=small.instance_ids[0], **move)
    ec2.associate_address(InstanceId=green.instance_ids[0], **move)
    guardrails.uninstall()
    install()
    assert on(aws, TERMINATE, *green.instance_ids) >= {"remaining/minimum"}
    assert on(aws, TERMINATE, blue.instance_ids[1]) >= {"rollback/window"}
