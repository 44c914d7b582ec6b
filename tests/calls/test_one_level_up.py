"""The same act for a whole account, share or default: it takes what the call on one resource would take."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_further_services import arn, tag
from tests.support import rest

pytestmark = pytest.mark.every(3)

LIVE, OTHER = "blue", "green"
ACCOUNT, ELSEWHERE = "123456789012", "999999999999"
SHUT = {"RestrictPublicBuckets": True, "IgnorePublicAcls": True}


@pytest.fixture
def site(aws, install, monkeypatch):
    """Blue is live, green is not; both have a machine."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in (LIVE, OTHER):
        aws.start_cluster(name, 1, addresses=name == LIVE)
    return install


@pytest.mark.parametrize("shut_already", [False, True])
def test_public_buckets_of_the_account(shut_already, site, aws, hosts_without_accounts):
    """Shutting the users of every public bucket out is denied, unless they are already; other settings arrive."""
    name = {"AccountId": ACCOUNT}
    if shut_already:
        aws.client("s3control").put_public_access_block(**name, PublicAccessBlockConfiguration=SHUT)
    site()
    put = lambda settings: rest.attempt(
        aws, "s3control", "put_public_access_block", {**name, "PublicAccessBlockConfiguration": settings}
    )
    assert put(SHUT) == (None if shut_already else {"live-cluster/traffic", "None"})
    assert put({"BlockPublicPolicy": True}) is None


ACCOUNTS = [
    ("move_account", {"SourceParentId": "r-abcd", "DestinationParentId": "ou-abcd-12345678"}, "stop"),
    ("close_account", {}, "terminate"),
    ("remove_account_from_organization", {}, "stop"),
]


@pytest.mark.parametrize(("method", "more", "effect"), ACCOUNTS, ids=[row[0] for row in ACCOUNTS])
def test_an_account_of_an_organization(method, more, effect, site, aws):
    """The account of the live cluster stays where it is; another one may go."""
    site()
    assert rest.attempt(aws, "organizations", method, {"AccountId": ACCOUNT, **more}) == {
        f"live-cluster/{effect}",
        "None",
    }
    assert rest.attempt(aws, "organizations", method, {"AccountId": ELSEWHERE, **more}) is None


@pytest.mark.parametrize(
    ("service", "method", "params"),
    [("organizations", "leave_organization", {}), ("account", "disable_region", {"RegionName": "eu-west-1"})],
)
def test_the_whole_account(service, method, params, site, aws):
    """Neither leaves its organization nor loses a region while a cluster is live."""
    site()
    assert rest.attempt(aws, service, method, params) == {"live-cluster/stop", "None"}


ALLOWS, DENIES = (
    json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": "s3:*", "Resource": "*"}]})
    for effect in ("Allow", "Deny")
)


@pytest.fixture
def policies(site, aws):
    """The ids of a policy that allows and one that denies, both attached to the account."""
    client = aws.client("organizations")
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    made = [
        client.create_policy(Content=text, Description="x", Name=f"p{number}", Type="SERVICE_CONTROL_POLICY")
        for number, text in enumerate((ALLOWS, DENIES))
    ]
    ids = [each["Policy"]["PolicySummary"]["Id"] for each in made]
    for each in ids:
        client.attach_policy(PolicyId=each, TargetId=root)
    site()
    return root, *ids


def test_policies_of_an_organization(policies, aws):
    """What allows less is denied, also without a denial in it; more permissions, and a denial that goes, arrive."""
    root, allows, denies = policies
    update = lambda text: rest.attempt(aws, "organizations", "update_policy", {"PolicyId": allows, "Content": text})
    detach = lambda policy: rest.attempt(aws, "organizations", "detach_policy", {"PolicyId": policy, "TargetId": root})
    assert update(ALLOWS.replace("s3:*", "iam:Get*")) == {"live-cluster/stop", "None"}
    assert update(ALLOWS.replace("s3:*", "*")) is None
    assert detach(allows) == {"live-cluster/stop", "None"}
    assert detach(denies) is None


BLOCKS = json.dumps({"ec2_attributes": {"vpc_block_public_access": {"internet_gateway_block": {"mode": {
    "@@assign": "block_bidirectional"}}}}})  # fmt: skip
S3_BLOCKS = json.dumps({"s3_attributes": {"public_access_block_configuration": {"@@assign": "all"}}})
TAGS = json.dumps({"tags": {"cost": {"tag_key": {"@@assign": "Cost"}}}})


def described(aws, kind, content):
    """The policy as AWS would describe it: moto keeps no other types."""
    summary = {"Id": "p-12345678", "Name": "p", "Type": kind}
    aws.reply("DescribePolicy", json.dumps({"Policy": {"PolicySummary": summary, "Content": content}}))


@pytest.mark.parametrize(
    ("kind", "content", "arrives"),
    [
        ("DECLARATIVE_POLICY_EC2", BLOCKS, False),
        ("S3_POLICY", S3_BLOCKS, False),
        ("A_FUTURE_POLICY", "{}", False),
        ("TAG_POLICY", TAGS, True),
        ("BACKUP_POLICY", '{"plans": {}}', True),
        ("AISERVICES_OPT_OUT_POLICY", '{"services": {}}', True),
    ],
)
def test_policies_without_statements(kind, content, arrives, site, aws):
    """A policy of a type that can block is denied like a control policy; of tags, backups and opt-outs it arrives."""
    site()
    described(aws, kind, '{"old": true}')
    policy = {"PolicyId": "p-12345678"}
    denied = [
        rest.attempt(aws, "organizations", "update_policy", {**policy, "Content": content}),
        rest.attempt(aws, "organizations", "detach_policy", {**policy, "TargetId": ACCOUNT}),
        rest.attempt(aws, "organizations", "disable_policy_type", {"RootId": "r-abcd", "PolicyType": kind}),
    ]
    assert denied == [None if arrives else {"live-cluster/stop", "None"}] * 3


def test_a_policy_without_statements_once_more(site, aws):
    """What such a policy says already arrives again."""
    site()
    described(aws, "DECLARATIVE_POLICY_EC2", BLOCKS)
    update = {"PolicyId": "p-12345678", "Content": BLOCKS.replace(" ", "")}
    assert rest.attempt(aws, "organizations", "update_policy", update) is None


def test_what_is_shared(site, aws):
    """A share of the live cluster keeps its resources and accounts; the other's may lose them."""
    shares = {name: arn("ram", f"resource-share/{name}") for name in (LIVE, OTHER)}
    tag(aws, **shares)
    site()
    for method in ("disassociate_resource_share", "delete_resource_share"):
        assert rest.attempt(aws, "ram", method, {"resourceShareArn": shares[LIVE]}) == {"network/other", "None"}
        assert rest.attempt(aws, "ram", method, {"resourceShareArn": shares[OTHER]}) is None
