"""Stacks as a whole: nested ones, long ones, what cannot be followed, change sets and stack sets."""

from __future__ import annotations

import json
import warnings

import pytest

import guardrails
from tests.calls.test_same_act_other_api import HEAD, delete, listing, sides
from tests.calls.test_unknown_holders import attempt

pytestmark = pytest.mark.every(3)

__all__ = ["sides"]

STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack"
TOPICS = [("AWS::SNS::Topic", f"arn:aws:sns:eu-west-1:123456789012:t{number}") for number in range(3)]


@pytest.fixture
def templates(sides, aws):
    """make(name, resources): a stack of moto's own, from a template."""

    def make(name, resources):
        body = {"Resources": {key: {"Type": kind, "Properties": more} for key, (kind, more) in resources.items()}}
        aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(body))
        aws.clear()

    return make


def machine(cluster):
    tags = [{"Key": "Cluster", "Value": cluster}]
    return "AWS::EC2::Instance", {"ImageId": "ami-12345678", "InstanceType": "t3.small", "Tags": tags}


def gone(aws, name):
    return attempt(aws, "cloudformation", "delete_stack", {"StackName": name})


def test_stacks_of_more_than_a_hundred_resources(sides, templates, aws):
    """The live machine at the end of a long stack is seen; a stack as long without one may go."""
    topics = {f"T{number:03}": ("AWS::SNS::Topic", {}) for number in range(120)}
    for cluster in sides:
        templates(f"long-{cluster}", {**topics, "Z": machine(cluster)})
    for cluster, arrives in (("blue", False), ("green", True)):
        assert (gone(aws, f"long-{cluster}") is None) is arrives


def test_stacks_within_stacks(sides, aws, templates):
    """What a nested stack holds counts."""
    client = aws.client("cloudformation")
    for name in sides:
        templates(f"inner-{name}", {"M": machine(name), "T": ("AWS::SNS::Topic", {})})
    for name, arrives in (("blue", False), ("green", True)):
        inner = client.describe_stacks(StackName=f"inner-{name}")["Stacks"][0]["StackId"]
        aws.reply("ListStackResources", listing(("AWS::CloudFormation::Stack", inner), TOPICS[0]), times=1)
        assert (gone(aws, f"outer-{name}") is None) is arrives


def test_a_stack_that_contains_itself(sides, aws):
    """Following ends somewhere: what is deeper than any stack in use counts as not followed."""
    assert delete(aws, f"{STACK}/x/1", ("AWS::CloudFormation::Stack", f"{STACK}/x/1")) == {"indirect/unread", "None"}


@pytest.mark.parametrize("resources", [TOPICS, [*TOPICS, ("AWS::IAM::Role", "own")], [("Custom::Thing", "x")]])
def test_stacks_that_have_nothing_to_do_with_machines(resources, sides, aws):
    """A stack of topics, a role of its own or a custom resource goes without a warning, also while nothing is live."""
    aws.client("iam").create_role(RoleName="own", AssumeRolePolicyDocument="{}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert delete(aws, "topics", *resources) is None


def test_nothing_is_live(aws, install):
    """While no cluster is known to be live, a stack of topics may go, and one with an address may not."""
    install()
    address = aws.client("ec2").allocate_address(Domain="vpc")["PublicIp"]
    assert delete(aws, "topics", *TOPICS) is None
    assert "live-cluster/unknown-live" in delete(aws, "address", ("AWS::EC2::EIP", address))


UNREADABLE = [
    ("AWS::EC2::Route", "site-Route-1ABCDEFGHIJKL", ("AWS::EC2::RouteTable", lambda s: s.parts.route_table)),
    ("AWS::EC2::VPCGatewayAttachment", "site-Attach-1ABCDEF", ("AWS::EC2::VPC", lambda s: s.vpc)),
    ("AWS::EC2::NetworkAclEntry", "site-Entry-1ABCDEF", ("AWS::EC2::NetworkAcl", lambda s: s.parts.acl)),
    ("AWS::Route53::RecordSetGroup", "site-Records-1ABC", ("AWS::Route53::HostedZone", lambda s: s.zone)),
    ("AWS::EC2::EIP", "203.0.113.99", None),
    ("AWS::EC2::Instance", "i-0123456789abcdef0", None),
    ("AWS::Route53::RecordSet", "www.nowhere.example", None),
]


@pytest.mark.parametrize(("kind", "name", "parent"), UNREADABLE)
def test_what_cannot_be_followed(kind, name, parent, sides, aws):
    """A name that says nothing, or that AWS does not know, is denied; beside its parent it is judged by that one."""
    green = ("AWS::EC2::Instance", sides["green"].parts.machine)
    assert delete(aws, "alone", (kind, name)) == {"indirect/unread", "None"}
    assert "indirect/unread" in delete(aws, "mixed", green, (kind, name))
    for side, arrives in (("blue", False), ("green", True)) if parent else ():
        inside = delete(aws, f"in-{side}", (parent[0], parent[1](sides[side])), (kind, name))
        assert (inside is None) is arrives


def test_what_is_not_there_any_more(sides, aws):
    """Resources that are deleted already, or that were never made, do not count."""
    live = ("AWS::EC2::Instance", sides["blue"].parts.machine)
    aws.reply("ListStackResources", listing(live, status="DELETE_COMPLETE"))
    assert gone(aws, "deleted") is None
    aws.reply("ListStackResources", listing(("AWS::EC2::Instance", ""), status="CREATE_FAILED"))
    assert gone(aws, "failed") is None


def test_what_is_retained(sides, aws):
    """RetainResources keeps what it names: the live machine may stay behind."""
    live = ("AWS::EC2::Instance", sides["blue"].parts.machine)
    aws.reply("ListStackResources", listing(live, TOPICS[0]))
    for kept, arrives in ((["R0"], True), (["R1"], False)):
        params = {"StackName": f"kept-{kept[0]}", "RetainResources": kept}
        assert (attempt(aws, "cloudformation", "delete_stack", params) is None) is arrives


def test_a_denial_names_the_part(sides, aws):
    """A database without the cluster tag is denied by type and name, also beside a machine of green."""
    green = ("AWS::EC2::Instance", sides["green"].parts.machine)
    aws.reply("ListStackResources", listing(green, ("AWS::RDS::DBInstance", "nobodys")))
    with pytest.raises(guardrails.CallDenied, match="indirect/untraced") as denied:
        aws.client("cloudformation").delete_stack(StackName="data")
    assert "AWS::RDS::DBInstance nobodys of data" in " ".join(str(denied.value).split())


def template(aws, body):
    """GetTemplate's answer."""
    inside = f"<TemplateBody>{body}</TemplateBody></GetTemplateResult></GetTemplateResponse>"
    aws.reply("GetTemplate", HEAD.format("GetTemplate") + inside)


YAML = """
Resources:
  R0:
    DeletionPolicy: Retain
    Properties: {Name: !Sub "x-${AWS::Region}", Zone: !GetAtt [A, B], More: !If [c, {a: !Ref b}, 2]}
"""
RETAINING = [
    (json.dumps({"Resources": {"R0": {"DeletionPolicy": "Retain"}}}), True),
    (YAML, True),
    (json.dumps({"Resources": {"R0": {"DeletionPolicy": "RetainExceptOnCreate"}}}), True),
    (json.dumps({"Resources": {"R0": {"DeletionPolicy": "Snapshot"}}}), False),
    (json.dumps({"Resources": {"R0": {}, "R1": {"DeletionPolicy": "Retain"}}}), False),
    ("Resources: [", False),
    ("- R0", False),
]  # fmt: skip


@pytest.mark.parametrize(("body", "arrives"), RETAINING)
def test_what_the_template_retains(body, arrives, sides, aws):
    """DeletionPolicy Retain keeps the live database when its stack is deleted. moto's templates are its own stacks'."""
    aws.reply("ListStackResources", listing(("AWS::RDS::DBInstance", "blue-db"), TOPICS[0]))
    template(aws, body)
    assert (gone(aws, "data") is None) is arrives
    # An update may replace what is retained.
    update = {"StackName": "data", "UsePreviousTemplate": True}
    assert attempt(aws, "cloudformation", "update_stack", update) == {"live-cluster/replace", "None"}


def test_machines_that_the_template_retains(templates, aws):
    """A live machine with DeletionPolicy Retain stays; beside it, one without does not."""
    template(aws, json.dumps({"Resources": {"M": {"DeletionPolicy": "Retain"}}}))
    for others, arrives in (((), True), (("N",), False)):
        templates(f"s{len(others)}", {name: machine("blue") for name in ("M", *others)})
        assert (gone(aws, f"s{len(others)}") is None) is arrives


def test_a_template_that_may_not_be_read(sides, aws):
    """Without GetTemplate nothing is known to stay, and green's stack goes as before."""
    aws.answer("GetTemplate", 403, "AccessDenied", "no")
    for name, arrives in (("blue", False), ("green", True)):
        assert (delete(aws, f"s-{name}", ("AWS::RDS::DBInstance", f"{name}-db")) is None) is arrives


def test_a_stack_that_is_not_found(sides, aws):
    """An empty answer is not an empty stack."""
    assert delete(aws, "empty") == {"live-cluster/unresolved", "None"}


OTHERS = [
    ("update_stack", {"UsePreviousTemplate": True}, "live-cluster/replace"),
    ("rollback_stack", {}, "live-cluster/replace"),
    ("continue_update_rollback", {}, "live-cluster/replace"),
    ("cancel_update_stack", {}, "live-cluster/replace"),
    ("set_stack_policy", {"StackPolicyBody": "{}"}, "protection/switch-off"),
    ("update_termination_protection", {"EnableTerminationProtection": False}, "protection/switch-off"),
]


@pytest.mark.parametrize(("method", "more", "rule"), OTHERS)
def test_what_else_is_done_to_a_stack(method, more, rule, sides, aws):
    """Every other change of a stack of one live address is denied by its rule; green's and a stack of topics pass."""
    for name, resources in (("blue", None), ("green", None), ("topics", TOPICS)):
        shown = resources or [("AWS::EC2::EIP", sides[name].parts.public_ip)]
        aws.reply("ListStackResources", listing(*shown))
        denied = attempt(aws, "cloudformation", method, {"StackName": f"{method}-{name}".replace("_", "-"), **more})
        assert denied == ({rule, "None"} if name == "blue" else None), name


# -- change sets ------------------------------------------------------------------------------------------------------


def changes(*rows):
    """DescribeChangeSet's answer; moto's own changes neither replace nor lack physical ids."""
    members = "".join(
        "<member><Type>Resource</Type><ResourceChange>"
        + "".join(f"<{key}>{value}</{key}>" for key, value in row.items())
        + "</ResourceChange></member>"
        for row in rows
    )
    inside = f"<StackName>changed</StackName><Changes>{members}</Changes>"
    return f"{HEAD.format('DescribeChangeSet')}{inside}</DescribeChangeSetResult></DescribeChangeSetResponse>"


def execute(aws, name, *rows, stack="changed"):
    aws.reply("DescribeChangeSet", changes(*rows))
    params = {"ChangeSetName": name, **({"StackName": stack} if stack else {})}
    return attempt(aws, "cloudformation", "execute_change_set", params)


ROWS = [
    ({"Action": "Remove"}, False),
    ({"Action": "Dynamic"}, False),
    ({"Action": "Modify", "Replacement": "True"}, False),
    ({"Action": "Modify", "Replacement": "Conditional"}, False),
    ({"Action": "Modify", "Replacement": "False"}, False),
    ({"Action": "Modify", "Replacement": "False", "Scope": "<member>Metadata</member>"}, True),
    ({"Action": "SyncWithActual"}, True),
    ({"Action": "Import"}, True),
    ({"Action": "Remove", "PolicyAction": "Retain"}, True),
]


@pytest.mark.parametrize(("how", "arrives"), ROWS)
@pytest.mark.parametrize("by", ["physical", "logical"])
def test_change_sets(how, arrives, by, sides, aws):
    """What a change set removes or may replace counts, whether it names the resource or only its place in the stack."""
    for name, side in sides.items():
        aws.reply("ListStackResources", listing(("AWS::EC2::EIP", side.parts.public_ip)))
        named = {"PhysicalResourceId": side.parts.public_ip} if by == "physical" else {}
        row = {**how, "LogicalResourceId": "R0", "ResourceType": "AWS::EC2::EIP", **named}
        denied = execute(aws, f"cs-{name}", row, stack=f"s-{name}")
        assert (denied is None) is (arrives or name == "green"), denied


def test_change_sets_by_arn(sides, aws):
    """A change set that is named by its ARN alone leads to its stack as well."""
    row = {"Action": "Remove", "LogicalResourceId": "R0", "ResourceType": "AWS::EC2::EIP"}
    for name, arrives in (("blue", False), ("green", True)):
        aws.reply("ListStackResources", listing(("AWS::EC2::EIP", sides[name].parts.public_ip)))
        arn = f"arn:aws:cloudformation:eu-west-1:123456789012:changeSet/{name}/1"
        answer = changes(row).replace("<StackName>changed", f"<StackName>s-{name}")
        aws.reply("DescribeChangeSet", answer)
        assert (attempt(aws, "cloudformation", "execute_change_set", {"ChangeSetName": arn}) is None) is arrives


def test_change_sets_that_only_add(sides, aws):
    """Adding arrives, without a look at the stack."""
    row = {"Action": "Add", "LogicalResourceId": "New", "ResourceType": "AWS::EC2::Instance"}
    assert execute(aws, "adds", row) is None
    assert aws.count("ListStackResources") == 0


def test_change_sets_that_remove_what_the_stack_does_not_show(sides, aws):
    """A removed resource that neither the change set nor the stack names by its id is denied."""
    aws.reply("ListStackResources", listing(TOPICS[0]))
    row = {"Action": "Remove", "LogicalResourceId": "Gone", "ResourceType": "AWS::EC2::Instance"}
    assert execute(aws, "unknown", row) == {"indirect/unread", "None"}
    assert execute(aws, "topic", {**row, "LogicalResourceId": "R0", "ResourceType": "AWS::SNS::Topic"}) is None


def test_changes_of_nested_stacks(sides, aws):
    """A nested stack that is modified has changes of its own: its change set counts, or else all that it holds."""
    row = {"Action": "Modify", "Replacement": "False", "LogicalResourceId": "N"}
    row |= {"ResourceType": "AWS::CloudFormation::Stack", "PhysicalResourceId": f"{STACK}/inner/1"}
    for name, arrives in (("blue", False), ("green", True)):
        aws.reply("ListStackResources", listing(("AWS::EC2::EIP", sides[name].parts.public_ip)))
        physical = {"PhysicalResourceId": f"{STACK}/inner-{name}/1"}
        assert (execute(aws, f"whole-{name}", {**row, **physical}) is None) is arrives


# -- stack sets -------------------------------------------------------------------------------------------------------


def instances(*rows):
    """ListStackInstances' answer; moto has no stacks behind its stack sets."""
    members = "".join(
        f"<member><StackId>{stack}</StackId><Region>{region}</Region><Account>123456789012</Account></member>"
        for stack, region in rows
    )
    inside = f"<Summaries>{members}</Summaries>"
    return f"{HEAD.format('ListStackInstances')}{inside}</ListStackInstancesResult></ListStackInstancesResponse>"


def test_stack_sets(sides, aws):
    """Deleting or updating the stacks of a set is judged by what is in them; keeping the stacks hurts nothing."""
    for name, arrives in (("blue", False), ("green", True)):
        aws.reply("ListStackInstances", instances((f"{STACK}/in-{name}/1", "eu-west-1")))
        aws.reply("ListStackResources", listing(("AWS::EC2::EIP", sides[name].parts.public_ip)))
        where = {"StackSetName": f"set-{name}", "Regions": ["eu-west-1"], "Accounts": ["123456789012"]}
        for method, more in (
            ("delete_stack_instances", {"RetainStacks": False}),
            ("update_stack_instances", {}),
        ):
            assert (attempt(aws, "cloudformation", method, {**where, **more}) is None) is arrives, method
        update = {"StackSetName": f"set-{name}", "UsePreviousTemplate": True}
        assert (attempt(aws, "cloudformation", "update_stack_set", update) is None) is arrives
        assert attempt(aws, "cloudformation", "delete_stack_instances", {**where, "RetainStacks": True}) is None


def test_stack_sets_in_other_regions(sides, aws):
    """What is in another region cannot be seen from here: denied, unless the call leaves that region out."""
    aws.reply("ListStackInstances", instances((f"{STACK}/a/1", "eu-west-1"), (f"{STACK}/b/1", "us-east-1")))
    aws.reply("ListStackResources", listing(("AWS::EC2::EIP", sides["green"].parts.public_ip)))
    params = {"StackSetName": "set", "Accounts": ["123456789012"], "RetainStacks": False}
    for regions, arrives in ((["eu-west-1", "us-east-1"], False), (["eu-west-1"], True)):
        made = attempt(aws, "cloudformation", "delete_stack_instances", {**params, "Regions": regions})
        assert made == (None if arrives else {"indirect/unread", "None"})
