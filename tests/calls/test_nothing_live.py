"""Places where nothing is live: an image builder's region, a new account. A person decides, unless configured."""

from __future__ import annotations

import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt
from tests.support.balancers import BehindBalancer


@pytest.fixture
def builder(aws):
    """A machine without a cluster tag, in a region without an address or a load balancer."""
    (machine,) = aws.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
    return {"InstanceIds": [machine["InstanceId"]]}


@pytest.fixture
def guarded(install, tmp_path):
    """guarded(nothing_live=…, **config): a guard whose memory is new with this test."""

    def make(nothing_live: str | None = None, **config: object) -> guardrails.Guard:
        params = {} if nothing_live is None else {"params": {"nothing_live": nothing_live}}
        return install(**{"state": {"path": str(tmp_path / "state.db")}, **params, **config})

    return make


@pytest.mark.parametrize(
    ("nothing_live", "rules"),
    [
        (None, {"live-cluster/nothing-live"}),
        ("confirm", {"live-cluster/nothing-live"}),
        ("allow", None),
        ("deny", {"live-cluster/unknown-live", "live-cluster/untagged"}),
    ],
)
def test_a_machine_of_an_image_builder(nothing_live, rules, builder, aws, guarded):
    """Where nothing is live, a person is asked; the parameter lets the call pass or denies it."""
    guarded(nothing_live)
    denied = attempt(aws, "ec2", "terminate_instances", builder)
    assert denied == (None if rules is None else rules | {"None"})


def test_other_things_where_nothing_is_live(aws, guarded):
    """The same holds for a bucket and for a machine with a cluster tag."""
    machines = {"InstanceIds": list(aws.start_cluster("old", 2).instance_ids)}
    bucket = {"Bucket": "old-things"}
    aws.client("s3").create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    calls = [("ec2", "stop_instances", machines), ("s3", "delete_bucket", bucket)]
    for nothing_live, denied in ((None, {"live-cluster/nothing-live", "None"}), ("allow", None)):
        guarded(nothing_live)
        assert [attempt(aws, *call) for call in calls] == [denied] * 2
        guardrails.uninstall()


def test_the_way_forward(builder, aws, guarded):
    """The message says what was looked at, and how to let such calls pass."""
    guarded()
    with pytest.raises(guardrails.CallDenied) as caught:
        aws.client("ec2").terminate_instances(**builder)
    said = str(caught.value)
    assert "No source finds anything live here, now or lately (eip: no Elastic IP found; target-group: no load" in said
    assert 'set nothing_live = "allow" under [params]' in said


def test_where_something_was_live(builder, aws, guarded):
    """A region in which a cluster was live has something to lose, even if it shows nothing now."""
    blue = aws.start_cluster("blue", 1, addresses=1)
    guarded("allow")
    assert attempt(aws, "ec2", "stop_instances", {"InstanceIds": list(blue.instance_ids)}) >= {"live-cluster/stop"}
    guardrails.uninstall()
    aws.client("ec2").disassociate_address(PublicIp=blue.public_ips[0])
    aws.client("ec2").release_address(AllocationId=blue.allocation_ids[0])
    guarded("allow")
    for machine in (builder, {"InstanceIds": list(blue.instance_ids)}):
        assert attempt(aws, "ec2", "terminate_instances", machine) >= {"live-cluster/unknown-live"}


@pytest.mark.parametrize(
    "config",
    [
        {"live": {"sources": ["eip"]}},
        {"live": {"sources": ["eip", "target-group", "env"], "env": "NOT_SET"}},
        {"state": {"enabled": False}},
    ],
    ids=["balancers are not looked at", "a pointer names nothing", "nothing is remembered"],
)
def test_sources_that_do_not_see_all(config, builder, aws, guarded):
    """Where a source is left out, names nothing without being silent, or nothing is remembered, it stays a denial."""
    guarded("allow", **config)
    assert attempt(aws, "ec2", "terminate_instances", builder) >= {"live-cluster/unknown-live"}


def test_a_balancer_with_somebodys_machines(builder, aws, guarded):
    """A load balancer that sends requests to machines without a cluster is something live."""
    balancer = BehindBalancer(aws)
    balancer.group("web", builder["InstanceIds"])
    balancer.listener(80, web=1)
    guarded("allow")
    assert attempt(aws, "ec2", "terminate_instances", builder) >= {"live-cluster/unknown-live"}


def test_a_source_that_could_not_look(builder, aws, guarded):
    """Without a source's permission it is not known, and the message names the permission and the other way."""
    aws.answer("DescribeTargetGroups", 403, "AccessDenied", "not authorized")
    guarded("allow")
    (said,) = attempt(aws, "ec2", "terminate_instances", builder)
    assert (
        "allow the IAM action elasticloadbalancing:DescribeTargetGroups, or leave target-group out of [live] sources"
        in said
    )
    guardrails.uninstall()
    aws.start_cluster("blue", 1, addresses=1)
    green = aws.start_cluster("green", 1)
    guarded(live={"sources": ["eip"]})
    assert attempt(aws, "ec2", "terminate_instances", {"InstanceIds": list(green.instance_ids)}) is None


def test_the_live_cluster_is_shown_again(aws, guarded):
    """After its machines are gone, idle addresses go to its new ones; nothing else is given, moved or released."""
    blue, green = aws.start_cluster("blue", 2, addresses=2), aws.start_cluster("green", 2, addresses=1)
    ec2 = aws.client("ec2")
    ec2.terminate_instances(InstanceIds=list(blue.instance_ids))
    for address in blue.public_ips:
        ec2.disassociate_address(PublicIp=address)
    new = aws.start_cluster("blue", 2).instance_ids
    guarded(live={"eip_addresses": list(blue.public_ips)})
    idle, with_one = blue.allocation_ids[0], green.instance_ids[0]
    harm = [
        ("release_address", {"AllocationId": idle}),
        ("associate_address", {"AllocationId": idle, "InstanceId": with_one}),
        ("associate_address", {"AllocationId": green.allocation_ids[0], "InstanceId": new[0]}),
        ("terminate_instances", {"InstanceIds": list(green.instance_ids)}),
    ]
    for operation, params in harm:
        assert attempt(aws, "ec2", operation, params) >= {"live-cluster/unknown-live"}, operation
    for allocation, machine in zip(blue.allocation_ids, new, strict=True):
        aws.repair()
        ec2.associate_address(AllocationId=allocation, InstanceId=machine)
    denied = attempt(aws, "ec2", "terminate_instances", {"InstanceIds": [new[0]]})
    assert "live-cluster/terminate" in denied
