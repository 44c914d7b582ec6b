"""`guardrails doctor --iam-policy`: the permissions that the guard's look-ups need, to paste."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app

# How the services sign, by the names that IAM has for them.
IAM = {"ec2": "ec2", "elasticloadbalancing": "elasticloadbalancing", "autoscaling": "autoscaling"}


def actions(*options):
    done = CliRunner().invoke(app, ["doctor", "--iam-policy", *options])
    assert done.exit_code == 0, done.output
    (statement,) = json.loads(done.stdout)["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", "*")
    assert f"{len(statement['Action'])} actions" in done.stderr
    return statement["Action"]


def test_it_has_every_look_up_that_is_made(site, aws, install):
    """What the guard asks for a call on machines, addresses, groups or balancers is in the policy; nothing is sent."""
    allowed = actions()
    assert not aws.requests
    install()
    ec2 = aws.client("ec2")
    ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    made = {(each.service, each.operation) for each in aws.requests if each.operation != "TerminateInstances"}
    assert made
    assert {f"{IAM[service]}:{operation}" for service, operation in made} <= {*allowed}


def test_it_allows_reading_only(aws):
    """No action changes anything."""
    verbs = {action.partition(":")[2] for action in actions()}
    assert [verb for verb in verbs if not verb.startswith(("Describe", "Get", "List", "Search"))] == []


@pytest.mark.parametrize(
    ("sources", "action"),
    [
        (["ssm"], "ssm:GetParameter"),
        (["dns"], "route53:ListHostedZones"),
        (["elb"], "elasticloadbalancing:DescribeInstanceHealth"),
    ],
)
def test_it_follows_the_sources(sources, action, aws, tmp_path):
    """The look-ups of the configured sources are among them."""
    config = tmp_path / "guardrails.toml"
    more = 'ssm_parameter = "/live"\n' if sources == ["ssm"] else 'records = ["www.example.org"]\n'
    config.write_text(f"[live]\nsources = {sources}\n{more}")
    assert action in actions("--config", str(config))


def test_actions_have_the_names_of_iam(aws):
    """Where IAM's name is another than the operation's, the policy has IAM's."""
    allowed = {*actions()}
    assert {"s3:GetLifecycleConfiguration", "s3:GetBucketPublicAccessBlock", "tag:GetResources"} <= allowed
    assert not {"s3:GetBucketLifecycleConfiguration", "efs:DescribeFileSystems", "cloudcontrol:GetResource"} & allowed
