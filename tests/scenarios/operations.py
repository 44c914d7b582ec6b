"""Incidents with the tools themselves: too fast, in the wrong place, in an emergency, or with a broken guard."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from guardrails.evaluate import bundle
from tests.scenarios.machines import WrongCluster
from tests.scenarios.scenario import scenario


@scenario
class RateLimitOnTheRebuild:
    incident = "PythonAnywhere 2023-10-09, after"
    stopped = "slowed"
    harmful = ()

    def arrange(aws):
        aws.throttle("RunInstances", 5, 2)

    def harm(aws, world):
        # As fast as the loop runs; botocore gives up after a few refusals.
        with contextlib.suppress(ClientError):
            ec2 = aws.client("ec2")
            for _ in range(8):
                _launch(ec2, "green")

    def happened(aws, world):
        return aws.refused("RunInstances") > 0

    def innocent(aws, world):
        _launch(aws.client("ec2"), "green")

    def passed(aws, world):
        return aws.running("green") == 1


def _launch(ec2, cluster):
    ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.small",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": cluster}]}],
    )


@contextmanager
def names_of_aws(aws) -> Iterator[str]:
    """Point AWS's own host names at the simulated AWS; returns EC2's URL under such a name."""
    resolve = socket.getaddrinfo

    def here(host, *more, **named):
        return resolve("127.0.0.1" if str(host).endswith(".amazonaws.com") else host, *more, **named)

    socket.getaddrinfo = here
    try:
        yield f"http://ec2.eu-west-1.amazonaws.com:{urlsplit(aws.endpoint_url).port}"
    finally:
        socket.getaddrinfo = resolve


@scenario
class TestRunOnProduction:
    incident = "DigitalOcean 2017, Travis CI"
    rule = "environment/test-run"
    harmful = ("TerminateInstances",)

    def arrange(aws):
        aws.start_cluster("blue", 1, addresses=1)
        return aws.start_cluster("shared", 2).instance_ids

    def harm(aws, machines):
        # A test of a clean-up script found the credentials and the endpoint of production.
        with names_of_aws(aws) as url:
            aws.session().client("ec2", endpoint_url=url).terminate_instances(InstanceIds=list(machines))

    def happened(aws, machines):
        return aws.running("shared") == 0

    def innocent(aws, machines):
        # The same test against a simulator.
        aws.client("ec2").terminate_instances(InstanceIds=list(machines))

    passed = happened


def broken_policies(folder: Path) -> dict:
    """The shipped policies with one edit that inverts the rule against terminating."""
    name = "guardrails/live_cluster/live_cluster.rego"
    text = (bundle.shipped() / name).read_text("utf-8")
    edited = text.replace('\t"terminate" in lib.effects', '\tnot "terminate" in lib.effects')
    assert edited != text
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text(edited, "utf-8")
    return {"policies": [str(folder)]}


@scenario
class AuditThatLetsThrough:
    incident = "Facebook 2021-10-04"
    rule = "the policies allow terminating a machine of the live cluster"
    stopped = "not installed"
    harmful = WrongCluster.harmful
    config = broken_policies
    arrange = WrongCluster.arrange
    harm = WrongCluster.harm
    happened = WrongCluster.happened
    innocent = WrongCluster.innocent
    passed = WrongCluster.passed


@scenario
class EmergencyWithoutStages:
    incident = "Salesforce 2021-05"
    rule = "remaining/share"
    harmful = ("TerminateInstances",)
    # In an emergency the rule for the live cluster only warns. The limit on how much may go at once still applies.
    config = {"enforcement": {"live-cluster/terminate": "warn"}}

    def arrange(aws):
        return aws.start_cluster("blue", 3, addresses=1).instance_ids

    def harm(aws, machines):
        aws.client("ec2").terminate_instances(InstanceIds=list(machines))

    def happened(aws, machines):
        return aws.running("blue") == 0

    def innocent(aws, machines):
        aws.client("ec2").terminate_instances(InstanceIds=[machines[1]])

    def passed(aws, machines):
        return aws.running("blue") == 2


@scenario
class CachesAllAtOnce:
    incident = "Slack 2022-02-22"
    rule = "remaining/share"
    harmful = ()
    config = {"params": {"remaining": {"clusters": {"cache": {"max_share": 0.2}}}}}

    def arrange(aws):
        aws.start_cluster("blue", 1, addresses=1)
        return aws.start_cluster("cache", 10).instance_ids

    def harm(aws, machines):
        # One node after the other. Each comes back empty, and the next one goes before it is filled again.
        for machine in machines:
            aws.client("ec2").stop_instances(InstanceIds=[machine])

    def happened(aws, machines):
        return aws.running("cache") < 8

    def innocent(aws, machines):
        aws.client("ec2").stop_instances(InstanceIds=[machines[0]])

    def passed(aws, machines):
        return aws.running("cache") == 9
