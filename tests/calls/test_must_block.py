"""Calls that harm the live cluster: each is denied, and the server never sees it."""

from __future__ import annotations

import pytest

import guardrails


@pytest.fixture
def blocked(aws, install):
    """blocked(operation, call): the call raises CallDenied with one of the rules, and did not arrive."""

    def run(operation, call, rule=None, *, kind=guardrails.CallDenied, config=None):
        install(**(config or {}))
        with pytest.raises(guardrails.CallDenied) as caught:
            call()
        assert aws.count(operation) == 0
        assert type(caught.value) is kind
        if rule:
            assert rule in {violation.rule for violation in caught.value.decision.violations}
        return caught.value

    return run


def test_single_id(site, blocked):
    """Terminating a live machine is denied; the message has machine, cluster, evidence, rule and remediation."""
    target = site.blue.instance_ids[0]
    error = blocked(
        "TerminateInstances", lambda: site.ec2.terminate_instances(InstanceIds=[target]), "live-cluster/terminate"
    )
    text = str(error)
    for part in (target, "blue", site.blue.public_ips[0], "live-cluster/terminate", "Instead:", "seen"):
        assert part in text
    assert error.response["Error"]["Code"] == "GuardrailsDenied"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error.operation_name == "TerminateInstances"


def test_a_denial_is_logged(site, blocked, caplog):
    """Each denial leaves one warning of the logger `guardrails`, with sentence, rule and decision id; an allow none."""
    error = blocked("StopInstances", lambda: site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]]))
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    (record,) = [record for record in caplog.records if record.name == "guardrails"]
    assert record.levelname == "WARNING"
    for part in ("Blocked before it reached AWS", site.blue.instance_ids[0], "live-cluster/stop", error.decision.id):
        assert part in record.getMessage()


def test_batch(site, blocked):
    """A batch of live machines is denied with a violation for every machine, not only the first."""
    error = blocked(
        "TerminateInstances",
        lambda: site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids)),
        "live-cluster/terminate",
    )
    assert {violation.target for violation in error.decision.violations} == set(site.blue.instance_ids)


def test_mixed_batch_is_denied_whole(site, blocked):
    """A batch of live and new machines is denied as a whole, and the message says which are which."""
    ids = [site.blue.instance_ids[0], site.green.instance_ids[0]]
    error = blocked(
        "TerminateInstances", lambda: site.ec2.terminate_instances(InstanceIds=ids), "live-cluster/mixed-batch"
    )
    assert f"Live (1): {ids[0]} (blue). Not live (1): {ids[1]} (green)" in str(error)


def test_untagged_machine(site, aws, blocked):
    """A machine without a cluster tag is denied by default: it may belong to the live cluster."""
    stray = aws.start_cluster("stray", 1, tags={}, cluster_tag="Owner").instance_ids
    blocked(
        "TerminateInstances", lambda: site.ec2.terminate_instances(InstanceIds=list(stray)), "live-cluster/untagged"
    )


def test_unknown_id(site, blocked):
    """An id that AWS does not know is denied."""
    blocked(
        "TerminateInstances",
        lambda: site.ec2.terminate_instances(InstanceIds=["i-0123456789abcdef0"]),
        "live-cluster/unresolved",
    )


def test_resource_action(site, aws, blocked):
    """boto3's resource actions are covered."""
    machine = aws.resource("ec2").Instance(site.blue.instance_ids[0])
    blocked("TerminateInstances", machine.terminate, "live-cluster/terminate")


def test_collection_batch_action(site, aws, blocked):
    """boto3's collection batch actions are covered."""
    machines = aws.resource("ec2").instances.filter(InstanceIds=list(site.blue.instance_ids))
    blocked("TerminateInstances", machines.terminate, "live-cluster/terminate")


@pytest.mark.parametrize("method", ["stop_instances", "reboot_instances"])
def test_stop_and_reboot(site, blocked, method):
    """Stopping and rebooting the live cluster are denied."""
    operation = {"stop_instances": "StopInstances", "reboot_instances": "RebootInstances"}[method]
    blocked(operation, lambda: getattr(site.ec2, method)(InstanceIds=[site.blue.instance_ids[0]]), "live-cluster/stop")


def test_modify_subnet(site, blocked):
    """ModifySubnetAttribute on the subnet of the live cluster is denied."""
    blocked(
        "ModifySubnetAttribute",
        lambda: site.ec2.modify_subnet_attribute(SubnetId=site.subnet, MapPublicIpOnLaunch={"Value": False}),
        "network/subnet",
    )


def test_stealing_an_address(site, blocked):
    """Moving a live address to a cluster that is not complete is denied."""
    blocked(
        "AssociateAddress",
        lambda: site.ec2.associate_address(
            AllocationId=site.blue.allocation_ids[0], InstanceId=site.green.instance_ids[0], AllowReassociation=True
        ),
        "addresses/steal",
    )


@pytest.mark.parametrize("form", ["AllocationId", "PublicIp"])
def test_release_address(site, blocked, form):
    """Releasing a live address is denied by allocation id and by address."""
    value = site.blue.allocation_ids[0] if form == "AllocationId" else site.blue.public_ips[0]
    blocked("ReleaseAddress", lambda: site.ec2.release_address(**{form: value}), "addresses/release")


@pytest.mark.parametrize("form", ["AssociationId", "PublicIp"])
def test_disassociate_address(site, blocked, form):
    """Disassociating a live address is denied by association id and by address."""
    address = site.ec2.describe_addresses(AllocationIds=[site.blue.allocation_ids[0]])["Addresses"][0]
    blocked("DisassociateAddress", lambda: site.ec2.disassociate_address(**{form: address[form]}), "addresses/release")


def _interface(site, cluster):
    answer = site.ec2.describe_instances(InstanceIds=[cluster.instance_ids[0]])
    return answer["Reservations"][0]["Instances"][0]["NetworkInterfaces"][0]


def test_assign_private_ip_of_a_live_machine(site, blocked):
    """AssignPrivateIpAddresses that takes a live machine's address is denied."""
    ip = _interface(site, site.blue)["PrivateIpAddress"]
    eni = _interface(site, site.green)["NetworkInterfaceId"]
    blocked(
        "AssignPrivateIpAddresses",
        lambda: site.ec2.assign_private_ip_addresses(
            NetworkInterfaceId=eni, PrivateIpAddresses=[ip], AllowReassignment=True
        ),
        "addresses/private-ip",
    )


def test_unassign_private_ip(site, blocked):
    """UnassignPrivateIpAddresses on a live machine's interface is denied."""
    interface = _interface(site, site.blue)
    blocked(
        "UnassignPrivateIpAddresses",
        lambda: site.ec2.unassign_private_ip_addresses(
            NetworkInterfaceId=interface["NetworkInterfaceId"], PrivateIpAddresses=[interface["PrivateIpAddress"]]
        ),
        "addresses/private-ip",
    )


@pytest.mark.parametrize(
    "params",
    [
        {"DisableApiTermination": {"Value": False}},
        {"Attribute": "disableApiTermination", "Value": "false"},
        {"Attribute": "disableApiTermination", "Value": "False"},
    ],
)
def test_switching_protection_off(site, aws, blocked, params):
    """Termination protection of a live machine cannot be switched off, in either syntax."""
    machine = site.blue.instance_ids[0]
    site.ec2.modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": True})
    aws.clear()
    blocked(
        "ModifyInstanceAttribute",
        lambda: site.ec2.modify_instance_attribute(InstanceId=machine, **params),
        "protection/switch-off",
    )


LIVE_TAG = {"live": {"sources": ["eip", "tag"], "tag": {"key": "Live", "value": "true"}}}


@pytest.fixture
def marked(aws):
    """Blue has the live tag as well as the addresses."""
    blue = aws.start_cluster("blue", 2, addresses=1, tags={"Live": "true"})
    aws.start_cluster("green", 1)
    aws.clear()
    return blue


@pytest.mark.parametrize("tags", [[{"Key": "Live"}], [{"Key": "Cluster"}], []])
def test_delete_tags(aws, marked, blocked, tags):
    """The live tag and the cluster tag of a live machine cannot be deleted, nor can all its tags."""
    params = {"Tags": tags} if tags else {}
    ec2 = aws.client("ec2")
    blocked(
        "DeleteTags",
        lambda: ec2.delete_tags(Resources=list(marked.instance_ids), **params),
        "protection/retag",
        config=LIVE_TAG,
    )


@pytest.mark.parametrize("tag", [{"Key": "Live", "Value": "false"}, {"Key": "Cluster", "Value": "old"}])
def test_create_tags(aws, marked, blocked, tag):
    """The live tag and the cluster tag of a live machine cannot be overwritten."""
    ec2 = aws.client("ec2")
    blocked(
        "CreateTags",
        lambda: ec2.create_tags(Resources=[marked.instance_ids[0]], Tags=[tag]),
        "protection/retag",
        config=LIVE_TAG,
    )


def test_live_pointer_missing(site, blocked):
    """When the only source is a missing parameter, no cluster may be harmed."""
    error = blocked(
        "TerminateInstances",
        lambda: site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids)),
        "live-cluster/unknown-live",
        config={"live": {"sources": ["ssm"], "ssm_parameter": "/live/cluster"}},
    )
    assert "parameter /live/cluster does not exist" in str(error)


def test_live_pointer_names_nothing_that_exists(site, aws, blocked):
    """A pointer to a cluster without machines is not evidence: no cluster may be harmed."""
    aws.client("ssm").put_parameter(Name="/live/cluster", Value="bleu", Type="String")
    blocked(
        "TerminateInstances",
        lambda: site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids)),
        "live-cluster/unknown-live",
        config={"live": {"sources": ["ssm"], "ssm_parameter": "/live/cluster"}},
    )


@pytest.mark.parametrize("cluster", ["blue", "green"])
def test_two_sources_disagree(site, blocked, monkeypatch, cluster):
    """When two sources name different clusters, both are live."""
    monkeypatch.setenv("LIVE_CLUSTER", "green")
    ids = list(getattr(site, cluster).instance_ids)
    error = blocked(
        "TerminateInstances",
        lambda: site.ec2.terminate_instances(InstanceIds=ids),
        "live-cluster/terminate",
        config={"live": {"sources": ["eip", "env"], "env": "LIVE_CLUSTER"}},
    )
    assert "The sources disagree, so blue and green are protected" in str(error)


def test_lookup_refused_by_iam(site, aws, blocked):
    """A look-up that IAM refuses denies the call and names the missing permission."""
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
    error = blocked(
        "TerminateInstances",
        lambda: site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids)),
        kind=guardrails.GuardUnavailable,
    )
    assert "ec2:DescribeInstances" in str(error)
    assert error.response["Error"]["Code"] == "GuardrailsUnavailable"


def test_engine_fails(site, aws, install, tmp_path):
    """A policy that fails at a decision (not at load) denies the call."""
    broken = tmp_path / "policies" / "guardrails" / "broken"
    broken.mkdir(parents=True)
    (broken / "broken.rego").write_text(
        "package guardrails.broken\n\n"
        'deny contains {"rule": "broken/x", "target": t, "message": one, "remediation": "r"} if {\n'
        "\tsome t, _ in input.targets\n\tone := choice\n}\n\n"
        "choice := t if some t, _ in input.targets\n"
    )
    install(policies=[str(tmp_path / "policies")])
    with pytest.raises(guardrails.GuardUnavailable, match="engine"):
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 0


def test_autoscaling_group_of_the_live_cluster(site, aws, blocked):
    """Deleting or shrinking the Auto Scaling group that runs the live cluster is denied."""
    autoscaling = aws.client("autoscaling")
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="lc", ImageId="ami-12345678", InstanceType="t3.small"
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="blue-asg", MinSize=1, MaxSize=3, DesiredCapacity=2, LaunchConfigurationName="lc",
        VPCZoneIdentifier=site.subnet,
        Tags=[{"Key": "Cluster", "Value": "blue", "PropagateAtLaunch": True}],
    )  # fmt: skip
    blocked(
        "DeleteAutoScalingGroup",
        lambda: autoscaling.delete_auto_scaling_group(AutoScalingGroupName="blue-asg", ForceDelete=True),
        "live-cluster/terminate",
    )
    with pytest.raises(guardrails.CallDenied):
        autoscaling.set_desired_capacity(AutoScalingGroupName="blue-asg", DesiredCapacity=1)
    assert aws.count("SetDesiredCapacity") == 0


def test_presigning(site, blocked):
    """Presigning a call that would be denied is denied: the URL never exists."""
    error = blocked(
        "TerminateInstances",
        lambda: site.ec2.generate_presigned_url(
            "terminate_instances", Params={"InstanceIds": [site.blue.instance_ids[0]]}
        ),
        "live-cluster/terminate",
    )
    assert error.decision.call.presigned


def test_moving_the_live_pointer(site, aws, blocked):
    """The Parameter Store pointer cannot be rewritten or deleted while it names the live cluster."""
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/live/cluster", Value="blue", Type="String")
    aws.clear()
    config = {"live": {"sources": ["eip", "ssm"], "ssm_parameter": "/live/cluster"}}
    blocked(
        "PutParameter",
        lambda: ssm.put_parameter(Name="/live/cluster", Value="green", Overwrite=True),
        "protection/live-pointer",
        config=config,
    )
    with pytest.raises(guardrails.CallDenied):
        ssm.delete_parameters(Names=["/other", "/live/cluster"])
    assert aws.count("DeleteParameters") == 0
