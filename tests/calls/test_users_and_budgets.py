"""IAM users that applications log in as, and actions of budgets that wait for a word. Counted at the server."""

from __future__ import annotations

import json

import pytest

from tests.support import rest

pytestmark = pytest.mark.every(3)

LIVE, OTHER, PERSON = "blue", "green", "alice"
ACCOUNT, ACTION = "123456789012", "01234567-89ab-cdef-0123-456789abcdef"
ALLOW, DENY = (
    json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": "s3:*", "Resource": "*"}]})
    for effect in ("Allow", "Deny")
)


@pytest.fixture
def users(aws, install):
    """The ARN of a policy, which is attached to users of the live cluster, of the other one, and to a person."""
    for name in (LIVE, OTHER):
        aws.start_cluster(name, 1, addresses=name == LIVE)
    iam = aws.client("iam")
    policy = iam.create_policy(PolicyName="app", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.create_group(GroupName="apps")
    for name in (LIVE, OTHER, PERSON):
        iam.create_user(UserName=name, Tags=[{"Key": "Cluster", "Value": name}] if name != PERSON else [])
        iam.attach_user_policy(UserName=name, PolicyArn=policy)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=ALLOW)
        iam.add_user_to_group(GroupName="apps", UserName=name)
    install()
    return policy


CALLS = [
    ("put_user_policy", {"PolicyName": "own", "PolicyDocument": DENY}),
    ("put_user_policy", {"PolicyName": "own", "PolicyDocument": ALLOW.replace("s3:*", "s3:Get*")}),
    ("put_user_permissions_boundary", {"PermissionsBoundary": "POLICY"}),
    ("remove_user_from_group", {"GroupName": "apps"}),
    ("delete_user_policy", {"PolicyName": "own"}),
    ("detach_user_policy", {"PolicyArn": "POLICY"}),
    ("update_user", {"NewUserName": "another"}),
]


@pytest.mark.parametrize(("method", "params"), CALLS, ids=[f"{row[0]}.{i}" for i, row in enumerate(CALLS)])
@pytest.mark.parametrize("name", [LIVE, OTHER, PERSON])
def test_permissions_of_a_user(name, method, params, users, aws):
    """What logs in as the live cluster's user keeps its permissions; of the other cluster and of people it arrives."""
    # moto does not have it.
    aws.answer("PutUserPermissionsBoundary", 400, "Arrived", "it arrived")
    given = {key: users if value == "POLICY" else value for key, value in params.items()}
    denied = rest.attempt(aws, "iam", method, {"UserName": name, **given})
    assert denied == ({"live-cluster/stop", "None"} if name == LIVE else None)


def test_more_permissions_of_a_user(users, aws):
    """More permissions of the live cluster's user arrive; its tag stays."""
    wider = {"UserName": LIVE, "PolicyName": "own", "PolicyDocument": ALLOW.replace("s3:*", "*")}
    assert rest.attempt(aws, "iam", "put_user_policy", wider) is None
    assert rest.attempt(aws, "iam", "put_user_policy", {**wider, "PolicyName": "another"}) is None
    untag = lambda name: rest.attempt(aws, "iam", "untag_user", {"UserName": name, "TagKeys": ["Cluster"]})
    assert untag(LIVE) is not None
    assert untag(PERSON) is None


@pytest.mark.parametrize("name", [LIVE, OTHER])
def test_an_action_of_a_budget(name, aws, install, monkeypatch):
    """An action that stops machines of the live cluster is not approved; of the other cluster it is, and undone."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    ids = {each: [*aws.start_cluster(each, 1, addresses=each == LIVE).instance_ids] for each in (LIVE, OTHER)}
    stops = {"ActionSubType": "STOP_EC2_INSTANCES", "Region": "eu-west-1", "InstanceIds": ids[name]}
    action = {"ActionId": ACTION, "BudgetName": "b", "Definition": {"SsmActionDefinition": stops}}
    aws.reply("DescribeBudgetAction", json.dumps({"AccountId": ACCOUNT, "BudgetName": "b", "Action": action}))
    install()
    own = {"AccountId": ACCOUNT, "BudgetName": "b", "ActionId": ACTION}
    execute = lambda kind: rest.attempt(aws, "budgets", "execute_budget_action", {**own, "ExecutionType": kind})
    expected = {"live-cluster/stop", "None"} if name == LIVE else None
    assert execute("APPROVE_BUDGET_ACTION") == expected
    assert rest.attempt(aws, "budgets", "update_budget_action", {**own, "ApprovalModel": "AUTOMATIC"}) == expected
    assert execute("REVERSE_BUDGET_ACTION") is None
