"""Harmless calls: the guard lets them pass, and ungoverned ones cost no look-up."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

import guardrails
from guardrails.pipeline import Pipeline


def test_the_half_started_cluster_is_easy_to_destroy(site, aws, install):
    """The same call pointed at the cluster that is not live goes through, once."""
    install()
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 1
    assert aws.running("green") == 0
    assert aws.running("blue") == 3


def test_dry_run_passes(site, aws, install):
    """DryRun=True on the live cluster passes: AWS itself does nothing but check permissions."""
    install()
    with pytest.raises(ClientError) as caught:
        site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids), DryRun=True)
    assert caught.value.response["Error"]["Code"] == "DryRunOperation"
    assert aws.running("blue") == 3


def test_ungoverned_calls_make_no_lookup(site, aws, install, monkeypatch):
    """Ungoverned calls, of governed services or others, make no look-up and run no policy."""
    install()
    monkeypatch.setattr(Pipeline, "_evaluate", lambda *_: pytest.fail("a policy was run"))
    site.ec2.describe_instances()
    site.ec2.create_key_pair(KeyName="k")
    site.ec2.create_tags(Resources=[site.blue.instance_ids[0]], Tags=[{"Key": "Name", "Value": "web"}])
    aws.client("ssm").put_parameter(Name="/other", Value="x", Type="String")
    aws.client("autoscaling").describe_auto_scaling_groups()
    aws.client("sts").get_caller_identity()
    sent = [request.operation for request in aws.requests]
    assert sent == [
        "DescribeInstances", "CreateKeyPair", "CreateTags", "PutParameter", "DescribeAutoScalingGroups",
        "GetCallerIdentity",
    ]  # fmt: skip


def test_idle_address_may_be_released(site, aws, install):
    """An Elastic IP that no machine has may be released."""
    idle = site.ec2.allocate_address()["AllocationId"]
    install()
    site.ec2.release_address(AllocationId=idle)
    assert aws.count("ReleaseAddress") == 1


def test_the_other_clusters_subnet_may_be_changed(site, aws, install):
    """A subnet without live machines may be changed."""
    vpc = site.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    subnet = site.ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.1.0/24")["Subnet"]["SubnetId"]
    install()
    site.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    site.ec2.delete_subnet(SubnetId=subnet)
    assert aws.count("ModifySubnetAttribute", "DeleteSubnet") == 2


def test_a_safe_cutover_passes_and_roles_follow(aws, install):
    """A cutover to a complete, running, healthy cluster passes address by address; then the roles are swapped.

    The rollback window is set to zero.
    """
    blue = aws.start_cluster("blue", 2, addresses=2)
    green = aws.start_cluster("green", 2)
    ec2 = aws.client("ec2")
    install(params={"rollback_window_s": 0})
    for allocation, machine in zip(blue.allocation_ids, green.instance_ids, strict=True):
        ec2.associate_address(AllocationId=allocation, InstanceId=machine, AllowReassociation=True)
    with pytest.raises(guardrails.CallDenied):
        ec2.terminate_instances(InstanceIds=list(green.instance_ids))
    ec2.terminate_instances(InstanceIds=list(blue.instance_ids))
    assert (aws.running("blue"), aws.running("green")) == (0, 2)


def test_half_a_cutover_protects_both(aws, install):
    """While the addresses are on both clusters, both are live."""
    blue = aws.start_cluster("blue", 2, addresses=2)
    green = aws.start_cluster("green", 2)
    ec2 = aws.client("ec2")
    install()
    ec2.associate_address(
        AllocationId=blue.allocation_ids[0], InstanceId=green.instance_ids[0], AllowReassociation=True
    )
    for cluster in (blue, green):
        with pytest.raises(guardrails.CallDenied):
            ec2.terminate_instances(InstanceIds=list(cluster.instance_ids))
    assert aws.count("TerminateInstances") == 0


def test_untagged_may_be_allowed_by_parameter(site, aws, install):
    """The parameter `untagged = "allow"` lets machines without a cluster tag go."""
    stray = aws.start_cluster("stray", 1, cluster_tag="Owner").instance_ids
    install(params={"untagged": "allow"})
    site.ec2.terminate_instances(InstanceIds=list(stray))
    assert aws.count("TerminateInstances") == 1


def test_presigning_harmless_calls(site, aws, install):
    """Presigning what is allowed or ungoverned gives a URL."""
    install()
    assert "Signature" in site.ec2.generate_presigned_url(
        "terminate_instances", Params={"InstanceIds": list(site.green.instance_ids)}
    )
    s3 = aws.client("s3")
    assert "Signature" in s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})


@pytest.mark.parametrize(("mode", "warned"), [("warn", True), ("dryrun", False)])
def test_modes_that_do_not_block(site, aws, install, caplog, mode, warned):
    """In modes warn and dryrun the call is sent; warn says so, dryrun only logs."""
    install(mode=mode)
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("StopInstances") == 1
    assert any("live-cluster/stop" in record.message for record in caplog.records) is warned


def test_one_rule_may_be_in_dryrun(site, aws, install):
    """Per-rule enforcement relaxes one rule and leaves the others."""
    install(enforcement={"live-cluster/stop": "dryrun"})
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    with pytest.raises(guardrails.CallDenied):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert (aws.count("StopInstances"), aws.count("TerminateInstances")) == (1, 0)
