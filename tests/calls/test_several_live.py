"""A test of the new cluster by an address of its own makes it live, too; the denial says how to say that it is not."""

from __future__ import annotations

import pytest

import guardrails


def test_an_address_for_a_test(aws, site, install):
    """The message names the setting, and with it the address can be taken off and the machine terminated."""
    install()
    machine = site.green.instance_ids[0]
    address = site.ec2.allocate_address(Domain="vpc")
    site.ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=machine)
    with pytest.raises(guardrails.CallDenied) as denied:
        site.ec2.terminate_instances(InstanceIds=[machine])
    assert "say what users reach with `live.eip_addresses`" in str(denied.value)
    guardrails.uninstall()
    # Green was live until now; nobody needs it for a rollback.
    install(live={"eip_addresses": list(site.blue.public_ips)}, params={"rollback_window_s": 0})
    site.ec2.disassociate_address(PublicIp=address["PublicIp"])
    site.ec2.terminate_instances(InstanceIds=[machine])
    assert (aws.count("DisassociateAddress"), aws.count("TerminateInstances")) == (1, 1)
    with pytest.raises(guardrails.CallDenied) as denied:
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert "say what users reach" not in str(denied.value)
