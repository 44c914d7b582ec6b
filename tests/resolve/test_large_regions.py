"""A region of more machines than a page: those that a call is about are asked for, and decisions stay the same.

AWS's page has 1,000 machines. Here it has 5, so that moto can have more; moto's filters are completed by
guardrails.testing.
"""

from __future__ import annotations

import json

import moto.ec2.utils
import pytest

import guardrails
from guardrails.resolve import connection
from tests.calls.test_every_target import CALLS
from tests.calls.test_unknown_holders import attempt, blue, green
from tests.resolve.test_hints import rounds

__all__ = ["blue", "green", "rounds"]

TERMINATE = ("ec2", "terminate_instances")


@pytest.fixture
def large(aws, blue, green, monkeypatch):
    """More machines than a page, most of them of clusters that no call is about."""
    for number in range(6):
        aws.start_cluster(f"other-{number}", 1)
    monkeypatch.setitem(connection._PAGE, "DescribeInstances", 5)
    monkeypatch.setitem(connection._PAGE, "DescribeInstanceStatus", 5)


@pytest.fixture
def guarded(blue, large, install):
    return lambda **config: install(live={"eip_addresses": [blue.public_ip]}, **config)


def asked(aws):
    """The filters of the look-ups for machines, "" for a look-up of all."""
    requests = [request for request in aws.requests if request.operation == "DescribeInstances"]
    return [request.params.get("Filter.1.Name", "") for request in requests]


def test_decisions_are_those_of_a_small_region(aws, blue, green, guarded):
    """Each call on the live cluster is denied, and the same on the other one arrives, as in a region of one page."""
    guarded()
    for service, method, params in CALLS:
        assert attempt(aws, service, method, params(blue)), method
        assert attempt(aws, service, method, params(green)) is None, method
    assert asked(aws).count("") == 1


def test_the_next_decision_takes_one_round(aws, green, guarded):
    """A decision after the first asks side by side, and for nothing but its own and the live machines."""
    guarded()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    aws.clear()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    assert {*asked(aws)} == {"instance-id", "tag:Cluster"}


def test_the_next_process_asks_at_once(aws, blue, green, guarded, rounds, log):
    """The first call of a process asks what an earlier one did in the first round, and is decided as ever."""
    guarded()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    assert len(rounds) > 1
    for parts, arrives in ((green, True), (blue, False)):
        guardrails.uninstall()
        guarded()
        rounds.clear()
        assert (attempt(aws, *TERMINATE, {"InstanceIds": [parts.machine]}) is None) == arrives
        assert len(rounds) == 1
    (kept,) = log.parent.glob("*.hints")
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", ["{", "[]", '{"%s": 3}', None])
def test_what_an_earlier_process_kept_is_no_evidence(change, aws, blue, green, guarded, log):
    """A file that says nothing, or names what is not there, or more than look-ups: decisions stay as they are."""
    guarded()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    guardrails.uninstall()
    (kept,) = log.parent.glob("*.hints")
    (place,) = json.loads(kept.read_text())
    lookup = {
        "service": "ec2",
        "operation": "StopInstances",
        "items": "StoppingInstances",
        "empty_on": [],
        "region": "",
    }
    lookup |= {"params": {"InstanceIds": [blue.machine]}, "optional": False, "sample": False}
    lies = {place: {"lookups": [lookup], "questions": [["tag:Cluster", "gone"], ["instance-id", "i-1"], ["no", "x"]]}}
    kept.write_text(json.dumps(lies) if change is None else change.replace("%s", place))
    guarded()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [blue.machine]})
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    assert aws.count("StopInstances") == 0
    lies[place]["lookups"] = []
    guardrails.uninstall()
    kept.write_text(json.dumps(lies))
    guarded()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [blue.machine]})
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None


def test_an_unknown_id_beside_known_ones(aws, green, guarded):
    """An id that AWS does not have denies the call as not found; without it the same call arrives."""
    guarded()
    missing = "i-0123456789abcdef0"
    denied = attempt(aws, *TERMINATE, {"InstanceIds": [green.machine, missing]})
    assert "live-cluster/unresolved" in denied
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None


def test_filters_that_find_nothing(aws, blue, green, guarded, monkeypatch):
    """Where no filter finds anything, AWS's empty answers are no evidence: every call on machines is denied."""
    guarded()
    monkeypatch.setattr(moto.ec2.utils, "passes_filter_dict", lambda instance, filter_dict: False)
    for parts in (blue, green):
        for service, method, params in CALLS[:12]:
            assert attempt(aws, service, method, params(parts)), method


def test_a_tag_filter_that_finds_nothing(aws, blue, green, guarded, monkeypatch):
    """The same where only filters by tag find nothing, and all machines do not come back either."""
    guarded()
    own = moto.ec2.utils.passes_filter_dict

    def passes(instance, filter_dict):
        by_id = not any(name.startswith(("tag", "instance-state")) for name in filter_dict)
        return by_id and own(instance, filter_dict)

    monkeypatch.setattr(moto.ec2.utils, "passes_filter_dict", passes)
    for parts in (blue, green):
        assert attempt(aws, *TERMINATE, {"InstanceIds": [parts.machine]})


def test_all_machines_are_read_where_a_tag_filter_finds_nothing(aws, blue, green, guarded, monkeypatch):
    """Where only filters by tag find nothing, all machines are read, and the decisions are right."""
    guarded()
    own = moto.ec2.utils.passes_filter_dict

    def passes(instance, filter_dict):
        return not any(name.startswith("tag") for name in filter_dict) and own(instance, filter_dict)

    monkeypatch.setattr(moto.ec2.utils, "passes_filter_dict", passes)
    assert attempt(aws, *TERMINATE, {"InstanceIds": [blue.machine]})
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    assert "instance-state-name" in asked(aws)


def test_a_name_with_a_wildcard(aws, guarded):
    """A cluster's name is taken literally: what else its characters would match is not asked for."""
    odd = aws.start_cluster("other-*", 2)
    guarded()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [odd.instance_ids[0]]}) is None
    values = [value for request in aws.requests for value in request.params.values()]
    assert r"other-\*" in values
    assert "other-*" not in values


def test_a_switch_in_a_large_region(aws, blue, green, guarded):
    """Moving the live address takes the checks of the machines concerned, not those of all, and is decided as ever."""
    guarded()
    move = {"AllocationId": blue.allocation, "InstanceId": green.machine, "AllowReassociation": True}
    small = attempt(aws, "ec2", "associate_address", move)
    # After a call that arrives, everything is asked again.
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    aws.clear()
    assert attempt(aws, "ec2", "associate_address", move) == small
    checks = [request.params for request in aws.requests if request.operation == "DescribeInstanceStatus"]
    assert [sum(key.startswith("InstanceId") for key in params) for params in checks] == [10]


def test_status_checks_by_id_have_no_page_size(aws, blue, green, guarded):
    """AWS refuses MaxResults beside ids; moto does not, so the request is looked at."""
    guarded(params={"remaining": {"of": "healthy"}})
    for _ in range(2):
        assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    checks = [request.params for request in aws.requests if request.operation == "DescribeInstanceStatus"]
    assert ["InstanceId.1" in params for params in checks] == [False, True]
    assert "MaxResults" not in checks[1]


def test_a_stopped_machine_that_left_its_cluster(aws, green, guarded):
    """A machine that was stopped and then tagged otherwise counts as taken away, as in a small region."""
    ec2 = aws.client("ec2")
    described = ec2.describe_instances(Filters=[{"Name": "tag:Cluster", "Values": ["green"]}])
    ids = [machine["InstanceId"] for group in described["Reservations"] for machine in group["Instances"]]
    guarded(params={"remaining": {"bounds": {"max_share": 0.25}, "clusters": {"green": {}}}})
    ec2.stop_instances(InstanceIds=ids[:1])
    ec2.create_tags(Resources=ids[:1], Tags=[{"Key": "Cluster", "Value": "parked"}])
    assert "remaining/share" in attempt(aws, "ec2", "stop_instances", {"InstanceIds": ids[1:2]})


def test_a_pointer_beside_a_bastion(aws, guarded, install):
    """The address of an inferred cluster does not show that users left the live one."""
    aws.start_cluster("web", 1, cluster_tag="eks:cluster-name")
    bastion = aws.start_cluster("bastion", 1, cluster_tag="eks:cluster-name", addresses=1)
    aws.client("ssm").put_parameter(Name="/live", Value="eks/web", Type="String")
    sources = {"sources": ["eip", "ssm"], "eip_addresses": [*bastion.public_ips], "ssm_parameter": "/live"}
    install(live=sources)
    for _ in range(2):
        assert "protection/live-pointer" in attempt(aws, "ssm", "delete_parameter", {"Name": "/live"})


def test_a_change_that_changes_nothing(aws, blue, guarded):
    """The type that a live machine has, set again, passes; another one is denied."""
    guarded()
    for kind, denied in (("t2.micro", True), (_type_of(aws, blue.machine), False)):
        change = {"InstanceId": blue.machine, "InstanceType": {"Value": kind}}
        assert bool(attempt(aws, "ec2", "modify_instance_attribute", change)) == denied


def _type_of(aws, machine):
    described = aws.client("ec2").describe_instances(InstanceIds=[machine])
    return described["Reservations"][0]["Instances"][0]["InstanceType"]


def test_what_earlier_calls_asked_is_forgotten(aws, green, guarded):
    """A decision asks for the cluster of the call before, not for those of all calls that were made."""
    others = [aws.start_cluster(f"more-{number}", 1) for number in range(3)]
    guarded()
    for cluster in others:
        assert attempt(aws, *TERMINATE, {"InstanceIds": [cluster.instance_ids[0]]}) is None
    aws.clear()
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    values = {value for request in aws.requests for value in request.params.values()}
    assert values & {"more-0", "more-1", "more-2"} == {"more-2"}


def test_a_network_without_machines(aws, blue, green, guarded, monkeypatch):
    """That a network has no machine is believed only where the filter finds machines elsewhere."""
    guarded()
    own = moto.ec2.utils.passes_filter_dict
    elb = aws.client("elbv2")
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    empty = elb.create_target_group(Name="empty", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")
    delete = {"TargetGroupArn": empty["TargetGroups"][0]["TargetGroupArn"]}
    assert attempt(aws, *TERMINATE, {"InstanceIds": [green.machine]}) is None
    assert attempt(aws, "elbv2", "delete_target_group", delete) is None
    assert "instance-state-name" not in asked(aws)

    def passes(instance, filter_dict):
        return "vpc-id" not in filter_dict and own(instance, filter_dict)

    monkeypatch.setattr(moto.ec2.utils, "passes_filter_dict", passes)
    assert attempt(aws, "elbv2", "delete_target_group", delete) is None
    assert "instance-state-name" in asked(aws)
