"""A decision is as old as its evidence: an attempt that comes later is decided on again."""

from __future__ import annotations

import time

import pytest

import guardrails


def throttled(site, aws, meanwhile):
    """Terminate a machine of green, whose first attempt AWS refuses for its rate; `meanwhile` runs before the next."""
    aws.answer("TerminateInstances", 503, "RequestLimitExceeded", "Request limit exceeded.", times=1)
    site.ec2.meta.events.register_first("needs-retry.ec2.TerminateInstances", lambda attempts, **_: meanwhile(attempts))
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])


def cut_over(site):
    """Move blue's addresses to green, as another process does."""
    for address, machine in zip(site.blue.allocation_ids, site.green.instance_ids, strict=True):
        (held,) = site.ec2.describe_addresses(AllocationIds=[address])["Addresses"]
        yield lambda held=held: site.ec2.disassociate_address(AssociationId=held["AssociationId"])
        yield lambda address=address, machine=machine: site.ec2.associate_address(
            AllocationId=address, InstanceId=machine
        )


@pytest.mark.parametrize("late", [True, False])
def test_a_late_attempt_is_decided_again(late, site, aws, install):
    """Green became live while the call was throttled: an attempt after `max_fact_age_s` does not arrive."""
    steps = list(cut_over(site))
    install(max_fact_age_s=1 if late else 60)

    def meanwhile(attempts):
        if attempts != 1:
            return
        guardrails.process.current()._interceptor.uninstall()
        for step in steps if late else ():
            step()
        guardrails.process.current()._interceptor.install()
        until = time.monotonic() + 1.1
        while late and time.monotonic() < until:
            time.sleep(0.05)

    if late:
        with pytest.raises(guardrails.CallDenied, match="live-cluster/terminate"):
            throttled(site, aws, meanwhile)
    else:
        throttled(site, aws, meanwhile)
    assert aws.count("TerminateInstances") == (1 if late else 2)
