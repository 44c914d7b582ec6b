"""What a plan knows of two accounts, of other hosts, and of what it made itself."""

from __future__ import annotations

import copy

import boto3
import pytest
from botocore.exceptions import ClientError

import guardrails
from guardrails.memory import SqliteStore
from guardrails.memory.dynamodb import DynamoStore, Place
from guardrails.memory.fleet import FleetStore
from guardrails.memory.store import Asked
from guardrails.values import Live
from tests.people.test_plan import changing, planning, shown
from tests.support.simulated_table import SimulatedTable, World

__all__ = ["planning"]
GROUP = {"DBParameterGroupName": "web", "DBParameterGroupFamily": "mysql8.0", "Description": "of the web"}


def test_two_accounts_are_kept_apart(site, aws, planning):
    """What the plan deletes in one account is still there in the other, though it has the same name and region."""
    role = {"RoleArn": "arn:aws:iam::999988887777:role/ops", "RoleSessionName": "ops"}
    keys = aws.client("sts").assume_role(**role)["Credentials"]
    theirs = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]).client("rds")
    ours = aws.client("rds")
    for each in (ours, theirs):
        each.create_db_parameter_group(**GROUP)
    aws.clear()
    with guardrails.plan() as planned:
        ours.delete_db_parameter_group(DBParameterGroupName="web")
        with pytest.raises(ClientError, match="NotFound"):
            ours.describe_db_parameter_groups(DBParameterGroupName="web")
        there = theirs.describe_db_parameter_groups(DBParameterGroupName="web")["DBParameterGroups"]
        theirs.delete_db_parameter_group(DBParameterGroupName="web")
    assert changing(aws) == []
    assert [each["DBParameterGroupName"] for each in there] == ["web"]
    assert [each.account for each in planned.plan.entries] == ["123456789012", "999988887777"]
    assert planned.plan.guesses == ()


def test_a_rule_of_a_planned_listener(site, aws, planning):
    """A listener that the plan made has its default rule, so a new rule on it is decided on, and reads show both."""
    elb = aws.client("elbv2")
    vpc = next(each["VpcId"] for each in site.ec2.describe_subnets()["Subnets"] if each["SubnetId"] == site.subnet)
    with guardrails.plan() as planned:
        balancer = elb.create_load_balancer(Name="web", Subnets=[site.subnet])["LoadBalancers"][0]["LoadBalancerArn"]
        made = elb.create_target_group(Name="green", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")
        group = made["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": each} for each in site.green.instance_ids])
        to_green = [{"Type": "forward", "TargetGroupArn": group}]
        of_listener = {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": to_green}
        listener = elb.create_listener(**of_listener)["Listeners"][0]["ListenerArn"]
        paths = [{"Field": "path-pattern", "Values": ["/x"]}]
        elb.create_rule(ListenerArn=listener, Priority=1, Conditions=paths, Actions=to_green)
        rules = elb.describe_rules(ListenerArn=listener)["Rules"]
    assert shown(planned.plan)[-1] == ("CreateRule", "allowed")
    assert [each.get("Priority") for each in rules] == ["default", "1"]
    assert rules[0]["Actions"] == to_green
    assert changing(aws) == []


def test_a_planned_queue_has_attributes(aws, planning):
    """GetQueueUrl and GetQueueAttributes of a queue that the plan made answer, and after its end they do not."""
    sqs = aws.client("sqs")
    with guardrails.plan():
        url = sqs.create_queue(QueueName="jobs", Attributes={"DelaySeconds": "5"})["QueueUrl"]
        assert sqs.get_queue_url(QueueName="jobs")["QueueUrl"] == url
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "DelaySeconds"])["Attributes"]
        sqs.delete_queue(QueueUrl=url)
        with pytest.raises(ClientError, match=r"NonExistentQueue|QueueDoesNotExist"):
            sqs.get_queue_url(QueueName="jobs")
    assert found == {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:jobs", "DelaySeconds": "5"}
    assert changing(aws) == []


def test_a_queue_of_the_account(aws, planning):
    """Its attributes show what the plan has set, and once the plan has deleted it, nothing finds it."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="old", Attributes={"DelaySeconds": "5"})["QueueUrl"]
    asked = {"QueueUrl": url, "AttributeNames": ["DelaySeconds", "VisibilityTimeout"]}
    with guardrails.plan():
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "9", "MaximumMessageSize": "2048"})
        changed = sqs.get_queue_attributes(**asked)["Attributes"]
        sqs.delete_queue(QueueUrl=url)
        for read in (lambda: sqs.get_queue_attributes(**asked), lambda: sqs.get_queue_url(QueueName="old")):
            with pytest.raises(ClientError, match=r"NonExistentQueue|QueueDoesNotExist"):
                read()
    assert changed == {"DelaySeconds": "9", "VisibilityTimeout": "30"}
    assert sqs.get_queue_attributes(**asked)["Attributes"] == {"DelaySeconds": "5", "VisibilityTimeout": "30"}
    assert changing(aws) == ["CreateQueue"]


def test_what_other_hosts_did_counts(tmp_path):
    """Beside a copy of this host's memory the plan sees what another host took away, and leaves the table as it was."""
    world = World(1)

    def host(name):
        table = DynamoStore(Place("guardrails", "eu-west-1"), dict, lambda _: SimulatedTable(world))
        return FleetStore(table, SqliteStore(tmp_path / name), hosts=2)

    def asked(claim, *events):
        blue = Live(known=True, disputed=False, clusters=("blue",))
        seen = {"i-1": frozenset(["green"]), "i-9": frozenset(["blue"])}
        call = ("call ec2:TerminateInstances", "", claim)
        return Asked("1/eu-west-1", claim, call[0], blue, world.now, (call, *events), seen, frozenset(["green"]))

    taken = asked("other", ("terminate", "green", "i-1"))
    other = host("other")
    other.remember(taken)
    other.settle(taken.scope, "other", taken.events, world.now, sent=True)
    before = copy.deepcopy(world.items)
    question = asked("plan", ("terminate", "green", "i-2"))
    own = SqliteStore(tmp_path / "copy").remember(question)
    assert not any(event.name == "i-1" for event in own.events)
    found = host("own").beside(own, question)
    assert ("terminate", "i-1", "green") in {(event.kind, event.name, event.cluster) for event in found.events}
    assert "blue" in found.times.live_since
    assert world.items == before
