"""After a cutover the machines that were live are kept, whatever they are tagged by then; nothing else is."""

from __future__ import annotations

import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt
from tests.support.places import build

ARN = "arn:aws:ec2:eu-west-1:123456789012:instance/"
# Ways to give machines another cluster tag, or none.
RETAGS = {
    "CreateTags": lambda aws, ids: aws.client("ec2").create_tags(
        Resources=ids, Tags=[{"Key": "Cluster", "Value": "attic"}]
    ),
    "DeleteTags": lambda aws, ids: aws.client("ec2").delete_tags(Resources=ids, Tags=[{"Key": "Cluster"}]),
    "TagResources": lambda aws, ids: aws.client("resourcegroupstaggingapi").tag_resources(
        ResourceARNList=[ARN + name for name in ids], Tags={"Cluster": "attic"}
    ),
    "UntagResources": lambda aws, ids: aws.client("resourcegroupstaggingapi").untag_resources(
        ResourceARNList=[ARN + name for name in ids], TagKeys=["Cluster"]
    ),
}


def rules(aws, method, **params):
    """The rules that denied a call of EC2's, None where it arrived."""
    return attempt(aws, "ec2", method, params)


def cut_over(site):
    """Move blue's addresses to green, with the guard looking on."""
    for address, machine in zip(site.blue.allocation_ids, site.green.instance_ids, strict=True):
        site.ec2.associate_address(AllocationId=address, InstanceId=machine, AllowReassociation=True)


@pytest.fixture
def guarded(install):
    """A guard with a window of ten minutes, for which half a replacement is enough."""

    def make(live=None, **params):
        live = {"live": live} if live else {}
        return install(params={"cutover": {"min_share": 0.5}, "rollback_window_s": 600, **params}, **live)

    return make


@pytest.mark.parametrize("way", RETAGS)
def test_the_window_follows_the_machines(way, site, aws, guarded):
    """A retired machine may be retagged in every way, and is still kept; a machine that was never live may go."""
    spare = aws.start_cluster("spare", 2).instance_ids
    guarded(untagged="allow")
    cut_over(site)
    RETAGS[way](aws, [site.blue.instance_ids[2], spare[0]])
    assert rules(aws, "terminate_instances", InstanceIds=[site.blue.instance_ids[2]]) == {"rollback/window", "None"}
    assert rules(aws, "stop_instances", InstanceIds=[site.blue.instance_ids[2]]) == {"rollback/window", "None"}
    assert rules(aws, "terminate_instances", InstanceIds=[spare[0]]) is None
    assert rules(aws, "terminate_instances", InstanceIds=[spare[1]]) is None


def test_the_window_ends_for_retagged_machines(site, aws, guarded):
    """After the window a retagged machine may go like any other."""
    guarded(rollback_window_s=0)
    cut_over(site)
    RETAGS["CreateTags"](aws, [site.blue.instance_ids[2]])
    assert rules(aws, "terminate_instances", InstanceIds=[site.blue.instance_ids[2]]) is None


def test_machines_retagged_elsewhere(site, aws, guarded):
    """The same where neither the cutover nor the new tag was made through a guard, only seen by one later."""
    guarded()
    assert rules(aws, "terminate_instances", InstanceIds=[site.green.instance_ids[0]]) is None
    guardrails.uninstall()
    cut_over(site)
    RETAGS["CreateTags"](aws, list(site.blue.instance_ids))
    guarded()
    assert rules(aws, "terminate_instances", InstanceIds=list(site.blue.instance_ids)) == {"rollback/window", "None"}


@pytest.mark.parametrize("live", [True, False])
def test_what_hangs_on_a_retagged_machine(live, aws, install):
    """The disk and the group of a retired machine are kept as well, though its tag and the group's have changed."""
    blue, green = build(aws, "blue", "10.1"), build(aws, "green", "10.2")
    install(live={"eip_addresses": [blue.public_ip if live else green.public_ip]})
    assert rules(aws, "terminate_instances", InstanceIds=[(blue if not live else green).machine]) is None
    guardrails.uninstall()
    group = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["blue-asg"])
    (group,) = group["AutoScalingGroups"]
    members = [member["InstanceId"] for member in group["Instances"]]
    RETAGS["CreateTags"](aws, [blue.machine, *members])
    aws.client("autoscaling").create_or_update_tags(Tags=[
        {"ResourceId": "blue-asg", "ResourceType": "auto-scaling-group", "Key": "Cluster", "Value": "attic",
         "PropagateAtLaunch": True}])  # fmt: skip
    install(live={"eip_addresses": [green.public_ip]})
    delete = ("autoscaling", "delete_auto_scaling_group", {"AutoScalingGroupName": "blue-asg", "ForceDelete": True})
    expected = {"rollback/window", "None"} if live else None
    assert attempt(aws, *delete) == expected
    assert rules(aws, "detach_volume", VolumeId=blue.volume) == expected
    assert rules(aws, "delete_volume", VolumeId=blue.volume) == expected


def test_other_resources_that_a_call_named(site, aws, guarded):
    """A retired database is kept though the script gave it another tag first; one that was never live is not."""
    rds = aws.client("rds")
    arns = {}
    for name, cluster in (("blue-db", "blue"), ("spare-db", "spare")):
        made = rds.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
            MasterUsername="user", MasterUserPassword="password", Tags=[{"Key": "Cluster", "Value": cluster}],
        )  # fmt: skip
        arns[name] = made["DBInstance"]["DBInstanceArn"]
    guarded()
    cut_over(site)
    for name, arn in arns.items():
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "Cluster", "Value": "attic"}])
        delete = ("rds", "delete_db_instance", {"DBInstanceIdentifier": name, "SkipFinalSnapshot": True})
        assert attempt(aws, *delete) == ({"rollback/window", "None"} if name == "blue-db" else None), name


@pytest.mark.parametrize("way", RETAGS)
def test_a_live_machine_is_not_retagged(way, site, aws, guarded):
    """A live machine keeps its tag; if somebody has changed it elsewhere, the machine is still kept for a while."""
    guarded(untagged="allow")
    with pytest.raises(guardrails.CallDenied, match="protection/retag"):
        RETAGS[way](aws, [site.blue.instance_ids[2]])
    assert aws.count(way) == 0
    guardrails.uninstall()
    RETAGS[way](aws, [site.blue.instance_ids[2]])
    guarded(untagged="allow")
    assert rules(aws, "terminate_instances", InstanceIds=[site.blue.instance_ids[2]]) == {"rollback/window", "None"}
    assert rules(aws, "terminate_instances", InstanceIds=[site.green.instance_ids[0]]) is None


# -- a pointer that was wrong -----------------------------------------------------------------------------------------


@pytest.fixture
def pointer(tmp_path):
    """The file that names the live cluster."""
    path = tmp_path / "live.txt"
    path.write_text("blue")
    return path


def terminate(aws, cluster):
    """The rules that keep a cluster's machines, None where the call arrives."""
    return rules(aws, "terminate_instances", InstanceIds=list(cluster.instance_ids))


@pytest.mark.parametrize("sources", [["file"], ["eip", "file"]])
def test_a_corrected_pointer_keeps_nothing(sources, site, aws, guarded, pointer):
    """Green, which a pointer named by mistake for a moment, may go; blue, which is live, may not."""
    guarded(live={"sources": sources, "file": str(pointer)})
    for name in ("blue", "green"):
        pointer.write_text(name)
        assert terminate(aws, site.green) == (None if name == "blue" else {"live-cluster/terminate", "None"})
    pointer.write_text("blue")
    assert terminate(aws, site.green) is None
    assert terminate(aws, site.blue) == {"live-cluster/terminate", "None"}


def test_a_pointer_that_moved(site, aws, guarded, pointer):
    """What the pointer named before it moved on is kept, also where nothing but the pointer says what is live."""
    guarded(live={"sources": ["file"], "file": str(pointer)})
    assert terminate(aws, site.green) is None
    pointer.write_text("green")
    assert terminate(aws, site.blue) == {"rollback/window", "None"}


def test_a_pointer_that_came_and_went(site, aws, guarded, pointer):
    """Blue retired at the cutover; that a pointer names it once more for a moment does not end its window."""
    guarded(live={"sources": ["file"], "file": str(pointer)})
    assert terminate(aws, site.green) is None
    for name in ("green", "blue", "green"):
        pointer.write_text(name)
        assert terminate(aws, site.blue)
    assert terminate(aws, site.blue) == {"rollback/window", "None"}
