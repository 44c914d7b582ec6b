"""A region of more machines than a page: those that a call is about are asked for, and decisions stay the same.

AWS's page has 1,000 machines. Here it has 5, so that moto can have more; moto's filters are completed by
guardrails.testing.
"""

from __future__ import annotations

import moto.ec2.utils
import pytest

from guardrails.resolve import connection
from tests.calls.test_every_target import CALLS, build
from tests.calls.test_unknown_holders import attempt

TERMINATE = ("ec2", "terminate_instances")


@pytest.fixture
def blue(aws):
    return build(aws, "blue", "10.1")


@pytest.fixture
def green(aws):
    return build(aws, "green", "10.2")


@pytest.fixture
def large(aws, blue, green, monkeypatch):
    """The names of clusters that no call is about."""
    others = [f"other-{number}" for number in range(6)]
    for name in others:
        aws.start_cluster(name, 1)
    monkeypatch.setitem(connection._PAGE, "DescribeInstances", 5)
    monkeypatch.setitem(connection._PAGE, "DescribeInstanceStatus", 5)
    return others


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
