"""What a role may do: policies that take permissions from the live machines' role, beside those that do not."""

from __future__ import annotations

import json

import pytest

from guardrails.resolve.changes.permissions import keeps
from tests.calls.test_unknown_holders import attempt

READ = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
ONE = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::one/*"}
ALL = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
NO = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


ESCAPED = document(READ, NO).replace('"Deny"', '"\\u0044eny"')


@pytest.fixture
def world(aws, places, install):
    """A role of each cluster's machine, with an inline policy and one of its own; further policies that none has."""
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    arns = {}
    for name, place in places.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        ec2.associate_iam_instance_profile(IamInstanceProfile={"Name": name}, InstanceId=place.machine)
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(READ))
        arns[name] = iam.create_policy(PolicyName=name, PolicyDocument=document(READ))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=arns[name])
    for name, statement in (("unused", READ), ("denies", NO), ("allows", ALL)):
        arns[name] = iam.create_policy(PolicyName=name, PolicyDocument=document(statement))["Policy"]["Arn"]
    for name in ("blue", "green", "unused"):
        iam.create_policy_version(PolicyArn=arns[name], PolicyDocument=document(ONE))
        iam.create_policy_version(PolicyArn=arns[name], PolicyDocument=document(ALL))
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return arns


def versions(arn):
    """Calls that change what a policy allows: whether each takes something away."""
    new = {"PolicyArn": arn, "SetAsDefault": True}
    return [
        ("create_policy_version", {**new, "PolicyDocument": document(NO)}, True),
        ("create_policy_version", {**new, "PolicyDocument": document(ONE)}, True),
        ("create_policy_version", {**new, "PolicyDocument": ESCAPED}, True),
        ("create_policy_version", {**new, "PolicyDocument": document(READ, ONE)}, False),
        ("create_policy_version", {**new, "PolicyDocument": document(NO), "SetAsDefault": False}, False),
        ("set_default_policy_version", {"PolicyArn": arn, "VersionId": "v2"}, True),
        ("set_default_policy_version", {"PolicyArn": arn, "VersionId": "v3"}, False),
    ]


def test_versions_of_a_policy(world, aws):
    """No version that allows less is put in force for the live role; one that allows more is, and any of others'."""
    for name in ("blue", "green", "unused"):
        for method, params, takes in versions(world[name]):
            denied = attempt(aws, "iam", method, params)
            assert (denied is None) == (name != "blue" or not takes), (name, method, params, denied)
            assert denied is None or "live-cluster/stop" in denied


def test_a_policy_that_is_a_boundary(world, aws):
    """A policy that the live role has as its permissions boundary counts like one that is attached."""
    entities = "<PolicyRoles><member><RoleName>blue</RoleName><RoleId>AROA</RoleId></member></PolicyRoles>"
    aws.reply(
        "ListEntitiesForPolicy",
        f"<ListEntitiesForPolicyResponse><ListEntitiesForPolicyResult>{entities}<IsTruncated>false</IsTruncated>"
        "</ListEntitiesForPolicyResult></ListEntitiesForPolicyResponse>",
    )
    params = {"PolicyArn": world["unused"], "PolicyDocument": document(ONE), "SetAsDefault": True}
    assert "live-cluster/stop" in attempt(aws, "iam", "create_policy_version", params)


def test_policies_of_a_role(world, aws):
    """The live role gets no policy with a denial, and none over one that allowed more; green's role may."""
    for role in ("blue", "green"):
        own = {"RoleName": role, "PolicyName": "own"}
        new = {"RoleName": role, "PolicyName": "new"}
        for method, params, takes in (
            ("attach_role_policy", {"RoleName": role, "PolicyArn": world["denies"]}, True),
            ("attach_role_policy", {"RoleName": role, "PolicyArn": world["allows"]}, False),
            ("put_role_policy", {**own, "PolicyDocument": document(ONE)}, True),
            ("put_role_policy", {**own, "PolicyDocument": document(READ, NO)}, True),
            ("put_role_policy", {**new, "PolicyDocument": ESCAPED}, True),
            ("put_role_policy", {**own, "PolicyDocument": document(ALL)}, False),
            ("put_role_policy", {**new, "PolicyDocument": document(ONE)}, False),
        ):
            denied = attempt(aws, "iam", method, params)
            assert (denied is None) == (role == "green" or not takes), (role, method, params, denied)


def test_the_same_through_cloud_control(world, aws):
    """A new inline or managed policy for the live role is judged by its document, an object or a string."""
    for kind, name in (("AWS::IAM::RolePolicy", "RoleName"), ("AWS::IAM::ManagedPolicy", "Roles")):
        for role in ("blue", "green"):
            for statement, written in ((NO, json.loads), (NO, str), (READ, json.loads)):
                properties = {name: role if name == "RoleName" else [role], "PolicyName": "p"}
                desired = json.dumps({**properties, "PolicyDocument": written(document(statement))})
                denied = attempt(aws, "cloudcontrol", "create_resource", {"TypeName": kind, "DesiredState": desired})
                assert (denied is None) == (role == "green" or statement is READ), (kind, role, statement, denied)


KEPT = [
    ([READ], [READ], True), ([ALL], [READ], True), ([READ, ONE], [READ], True), ([READ], [READ, ONE], True),
    ([{**READ, "Sid": "x", "Action": ["s3:listbucket", "s3:GetObject"]}], [READ], True),
    ([{**READ, "Action": "s3:Get*"}, {**READ, "Action": "s3:L?stBucket"}], [READ], True),
    ([READ, NO], [READ, NO], True), ([READ], [READ, NO], True), ([], [], True), ([READ], [], True),
    ([ONE], [READ], False), ([READ, NO], [READ], False), ([], [READ], False), ([NO], [NO, READ], False),
    ([{**READ, "Condition": {"Bool": {"a": "true"}}}], [READ], False),
    ([READ], [{**READ, "Condition": {"Bool": {"a": "true"}}}], True),
    ([{**READ, "Principal": {"AWS": ["*"]}}], [{**READ, "Principal": {"Service": "s3.amazonaws.com"}}], True),
    ([{**READ, "Principal": {"AWS": "1"}}], [{**READ, "Principal": {"AWS": ["1", "2"]}}], False),
    ([{**READ, "Principal": "*", "NotAction": "x"}], [{**READ, "Principal": "*"}], False),
    ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], [READ], False),
    ([{**READ, "Resource": "arn:aws:s3:::ONE/*"}], [ONE], False),
    ([{**NO, "Action": "s3:*"}], [NO], True),
    ([NO], [{**NO, "Action": "s3:*"}], False), ([{**NO, "Action": "s3:*"}, READ], [NO, READ], True),
]  # fmt: skip


@pytest.mark.parametrize(("new", "old", "kept"), KEPT)
def test_documents(new, old, kept):
    """A document keeps another's permissions if each is allowed by one statement and nothing more is denied."""
    assert keeps(document(*new), json.loads(document(*old))) is kept
