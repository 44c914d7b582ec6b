"""The same name in two parents: a service in two ECS clusters, a rule on two buses. Each call means one of them."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_unknown_holders import attempt

ACCOUNT = "eu-west-1:123456789012"


def tagged(aws, **clusters):
    """The tagging API's answer: ARNs (without account) by the cluster whose tag they carry."""
    mapping = [
        {"ResourceARN": f"arn:aws:{arn.replace(':', f':{ACCOUNT}:', 1)}", "Tags": [{"Key": "Cluster", "Value": name}]}
        for name, arn in clusters.items()
    ]
    machine = {"ResourceARN": f"arn:aws:ec2:{ACCOUNT}:instance/{aws.machines('blue')[0]}", "Tags": []}
    mapping.append(machine)
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))


SERVICE = ("ecs", "delete_service")
RULE = ("events", "delete_rule")


@pytest.mark.parametrize(
    ("call", "live", "staging", "arns"),
    [
        (SERVICE, {"service": "web", "cluster": "prod"}, {"service": "web", "cluster": "stage"},
         ("ecs:service/prod/web", "ecs:service/stage/web")),
        (SERVICE, {"service": "web"}, {"service": "web", "cluster": "stage"},
         ("ecs:service/default/web", "ecs:service/stage/web")),
        (SERVICE, {"service": f"arn:aws:ecs:{ACCOUNT}:service/prod/web", "cluster": "prod"},
         {"service": f"arn:aws:ecs:{ACCOUNT}:service/stage/web", "cluster": "stage"},
         ("ecs:service/prod/web", "ecs:service/stage/web")),
        (RULE, {"Name": "nightly"}, {"Name": "nightly", "EventBusName": "stage"},
         ("events:rule/nightly", "events:rule/stage/nightly")),
        (RULE, {"Name": "nightly", "EventBusName": "prod"}, {"Name": "nightly", "EventBusName": "default"},
         ("events:rule/prod/nightly", "events:rule/nightly")),
    ],
)  # fmt: skip
def test_names_count_within_their_parent(call, live, staging, arns, site, aws, install):
    """The facts of a call are those of the one that it means; deleting the live service does not arrive."""
    tagged(aws, blue=arns[0], green=arns[1])
    guard, client = install(), aws.client(call[0])
    for params, cluster in ((live, "blue"), (staging, "green")):
        target, *_ = guard.check(client, call[1], **params).facts.targets
        assert target.clusters == (cluster,)
    if call is SERVICE:
        assert "live-cluster/terminate" in attempt(aws, *call, live)
        assert attempt(aws, *call, staging) is None


def test_an_old_arn_without_a_cluster(site, aws, install):
    """An ARN that does not name its ECS cluster may be any of them."""
    tagged(aws, blue="ecs:service/web")
    install()
    assert attempt(aws, *SERVICE, {"service": "web", "cluster": "stage"})
