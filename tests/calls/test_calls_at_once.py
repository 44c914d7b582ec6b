"""A call that is decided on while others are: what those may do, and may not do in the end, makes nothing look safe."""

from __future__ import annotations

import threading

import pytest

import guardrails


@pytest.fixture
def in_the_middle(install):
    """in_the_middle(operation, call): while the engine decides on this operation, another thread makes the call."""
    guard = install()
    engine, evaluate = guard._engine, guard._engine.evaluate

    def arrange(operation, call):
        def slow(document):
            if document["call"]["operation"] == operation:
                thread = threading.Thread(target=call)
                thread.start()
                thread.join()
            return evaluate(document)

        engine.evaluate = slow

    yield arrange
    del engine.evaluate


@pytest.mark.parametrize("operation", ["terminate_instances", "stop_instances"])
def test_a_live_cluster_is_not_small_while_calls_for_it_are_decided_on(operation, aws, in_the_middle):
    """Four of six live machines are named by a call that will be denied: two machines are no replacement meanwhile."""
    blue = aws.start_cluster("blue", 6, addresses=2)
    small = aws.start_cluster("small", 2)
    ec2 = aws.client("ec2")
    said = []

    def take():
        try:
            ec2.associate_address(
                AllocationId=blue.allocation_ids[0], InstanceId=small.instance_ids[0], AllowReassociation=True
            )
        except guardrails.CallDenied as error:
            said.append(str(error))

    in_the_middle("".join(part.title() for part in operation.split("_")), take)
    with pytest.raises(guardrails.CallDenied):
        getattr(ec2, operation)(InstanceIds=list(blue.instance_ids[:4]))
    assert aws.count("AssociateAddress", "TerminateInstances", "StopInstances") == 0
    assert "small runs 2 machines and blue runs 6 machines" in said[0]
