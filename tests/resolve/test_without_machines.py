"""Shops in which nothing runs on machines of EC2: the live side is named, and the other one is free."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

import guardrails
from tests.support.balancers import BehindBalancer

ENV = {"sources": ["env"], "env": "LIVE_CLUSTER"}


def _code():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        files.writestr("l.py", "def h(e, c): pass")
    return packed.getvalue()


def _deleted(aws):
    """The requests that delete a function, at the server."""
    return [each.operation for each in aws.requests if each.operation.startswith("DELETE /2015-03-31/functions/")]


@pytest.fixture
def functions(aws, monkeypatch):
    """A function of each side, tagged; LIVE_CLUSTER names prod."""
    monkeypatch.setenv("LIVE_CLUSTER", "prod")
    trust = json.dumps({"Statement": []})
    role = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client = aws.client("lambda")
    for name in ("prod", "staging"):
        client.create_function(
            FunctionName=name, Runtime="python3.11", Role=role, Handler="l.h", Code={"ZipFile": _code()},
            Tags={"Cluster": name},
        )  # fmt: skip
    return client


@pytest.mark.parametrize("source", ["env", "file", "ssm", "command"])
def test_a_named_cluster_needs_no_machines(source, functions, aws, install, tmp_path):
    """Where the configuration says so, staging's function goes and prod's stays, whatever names prod."""
    (tmp_path / "live.txt").write_text("prod")
    aws.client("ssm").put_parameter(Name="/live", Value="prod", Type="String")
    settings = {
        "env": {"env": "LIVE_CLUSTER"}, "file": {"file": str(tmp_path / "live.txt")}, "ssm": {"ssm_parameter": "/live"},
        "command": {"command": ["echo", "prod"]},
    }[source]  # fmt: skip
    install(live={"sources": [source], **settings, "without_machines": ["prod", "staging"]})
    functions.delete_function(FunctionName="staging")
    with pytest.raises(guardrails.CallDenied, match="a resource of the live cluster prod") as caught:
        functions.delete_function(FunctionName="prod")
    assert "machines running" not in str(caught.value)
    assert _deleted(aws) == ["DELETE /2015-03-31/functions/staging"]


def test_the_message_names_the_way_forward(functions, aws, install):
    """Without that setting everything is denied, and the message names it; a misspelt name stays unknown with it."""
    install(live=ENV)
    with pytest.raises(guardrails.CallDenied, match=r"If prod needs no machines, name it in live\.without_machines"):
        functions.delete_function(FunctionName="staging")
    guardrails.uninstall()
    install(live={**ENV, "without_machines": ["production", "staging"]})
    with pytest.raises(guardrails.CallDenied, match="no source says which cluster is live"):
        functions.delete_function(FunctionName="staging")
    assert _deleted(aws) == []


def test_other_clusters_still_need_machines(site, functions, aws, install, monkeypatch):
    """A pointer to a cluster that lost its machines shows nothing, though another one needs none."""
    monkeypatch.setenv("LIVE_CLUSTER", "red")
    install(live={**ENV, "without_machines": ["prod"]})
    with pytest.raises(guardrails.CallDenied, match="red has no machines"):
        site.ec2.terminate_instances(InstanceIds=site.green.instance_ids)
    assert aws.count("TerminateInstances") == 0


@pytest.fixture
def services(aws):
    """A service of Fargate for each side, tagged and behind a balancer of its own; prod's listener."""
    ecs, subnet = aws.client("ecs"), aws.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    described, listeners = [], {}
    for name in ("prod", "staging"):
        ip = aws.client("ec2").create_network_interface(SubnetId=subnet)["NetworkInterface"]["PrivateIpAddress"]
        balancer = BehindBalancer(aws, name=f"{name}-alb")
        group = balancer.group(name, [ip], by="ip")
        listeners[name] = balancer.listener(443, **{name: 1})
        tags = [{"key": "Cluster", "value": name}]
        ecs.create_cluster(clusterName=name, tags=tags)
        network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
        container = {"name": "web", "image": "web", "memory": 64, "cpu": 64}
        ecs.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[container],
        )  # fmt: skip
        ecs.create_service(
            cluster=name, serviceName="web", taskDefinition="web", desiredCount=2, launchType="FARGATE",
            networkConfiguration=network, tags=tags,
        )  # fmt: skip
        arn = f"arn:aws:ecs:eu-west-1:123456789012:service/{name}/web"
        behind = [{"targetGroupArn": group, "containerName": "web", "containerPort": 80}]
        described.append({"serviceName": "web", "serviceArn": arn, "runningCount": 2, "status": "ACTIVE",
                          "loadBalancers": behind, "tags": tags})  # fmt: skip
    # In the simulated AWS no task of a service runs, and the answer is the same for each cluster.
    aws.reply("DescribeServices", json.dumps({"services": described, "failures": []}))
    return ecs, listeners["prod"]


def test_services_of_fargate_show_what_is_live(services, aws, install):
    """The tag and the running tasks of the service behind the listener are enough: staging's goes, prod's stays."""
    ecs, listener = services
    install(live={"sources": ["eip", "target-group", "ecs"], "listeners": [listener]})
    with pytest.raises(guardrails.CallDenied, match="the live cluster prod"):
        ecs.delete_service(cluster="prod", service="web", force=True)
    assert aws.count("DeleteService") == 0
    ecs.delete_service(cluster="staging", service="web", force=True)
    assert aws.count("DeleteService") == 1
