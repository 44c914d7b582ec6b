"""Operations of reviewed services that AWS's text says can harm what runs or starts. Counted at the server."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_further_services import arn, tag
from tests.support import rest

pytestmark = pytest.mark.every(3)

LIVE, OTHER = "blue", "green"
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/"


@pytest.fixture
def site(aws, install, monkeypatch):
    """Blue is live, green is not; both have a machine."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    machines = {name: aws.start_cluster(name, 1, addresses=name == LIVE).instance_ids[0] for name in (LIVE, OTHER)}
    return machines, install


def group(aws, name, machine):
    """An Auto Scaling group with the cluster's tag, and the image that it starts machines from."""
    ec2 = aws.client("ec2")
    image = ec2.create_image(InstanceId=machine, Name=name, NoReboot=True)["ImageId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"ImageId": image, "InstanceType": "t3.small"}
    )
    aws.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name, MinSize=0, MaxSize=3, DesiredCapacity=0, VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "1"},
        Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True}],
    )  # fmt: skip
    return image


def test_the_image_of_a_group(site, aws):
    """Machines of the live group still start from its image: the account may launch it, and each type of machine."""
    machines, install = site
    images = {name: group(aws, name, machines[name]) for name in (LIVE, OTHER)}
    install()
    for operation in ("CancelImageLaunchPermission", "ReplaceImageInstanceTypeSpecification"):
        aws.answer(operation, 400, "Arrived", "it arrived")
    types = {"InstanceTypeSpecification": {"UnsupportedInstanceTypes": ["t3.*"]}}
    for method, more in (("cancel_image_launch_permission", {}), ("replace_image_instance_type_specification", types)):
        assert "None" in rest.attempt(aws, "ec2", method, {"ImageId": images[LIVE], **more})
        assert rest.attempt(aws, "ec2", method, {"ImageId": images[OTHER], **more}) is None
    assert rest.attempt(aws, "ec2", "replace_image_instance_type_specification", {"ImageId": images[LIVE]}) is None


def test_the_identities_of_pods(site, aws):
    """Another thumbprint shuts the pods of the live cluster out of their roles."""
    _, install = site
    providers = {
        name: aws.client("iam").create_open_id_connect_provider(
            Url=ISSUER + name, ThumbprintList=["a" * 40], Tags=[{"Key": "Cluster", "Value": name}]
        )["OpenIDConnectProviderArn"]
        for name in (LIVE, OTHER)
    }
    tag(aws, **providers)
    install()
    update = lambda name: rest.attempt(
        aws, "iam", "update_open_id_connect_provider_thumbprint",
        {"OpenIDConnectProviderArn": providers[name], "ThumbprintList": ["b" * 40]},
    )  # fmt: skip
    assert update(LIVE) == {"live-cluster/stop", "None"}
    assert update(OTHER) is None


def test_where_an_external_key_store_leads(site, aws):
    """No look-up says which keys are in it, so only its name may change."""
    site[1]()
    store = {"CustomKeyStoreId": "cks-0123456789abcdef0"}
    change = lambda **more: rest.attempt(aws, "kms", "update_custom_key_store", {**store, **more})
    assert change(XksProxyUriPath="/wrong/kms/xks/v1") == {"indirect/untraced", "None"}
    assert change(NewCustomKeyStoreName="other") is None


def test_who_reaches_a_control_plane(site, aws):
    """Other ways to log in and other networks are denied for the live cluster, not for the other one."""
    _, install = site
    eks = aws.client("eks")
    for name in (LIVE, OTHER):
        eks.create_cluster(
            name=name, roleArn="arn:aws:iam::123456789012:role/r", resourcesVpcConfig={"subnetIds": ["subnet-1"]},
            tags={"Cluster": name},
        )  # fmt: skip
    tag(aws, **{name: arn("eks", f"cluster/{name}") for name in (LIVE, OTHER)})
    install()
    update = lambda name, **more: rest.attempt(aws, "eks", "update_cluster_config", {"name": name, **more})
    for more, rule in (
        ({"accessConfig": {"authenticationMode": "API"}}, "live-cluster/traffic"),
        ({"remoteNetworkConfig": {"remoteNodeNetworks": [{"cidrs": ["10.0.0.0/16"]}]}}, "network/other"),
    ):
        assert update(LIVE, **more) == {rule, "None"}
        assert update(OTHER, **more) is None


@pytest.mark.parametrize("name", [LIVE, OTHER])
@pytest.mark.parametrize("more", [{"IpAddresses": ["198.51.100.7"]}, {"IpAddressType": "IPV4"}])
def test_the_addresses_of_an_accelerator(more, name, site, aws):
    """Other addresses of an accelerator are denied while the live cluster is behind it."""
    machines, install = site
    accelerator = "arn:aws:globalaccelerator::123456789012:accelerator/0123"
    endpoints = {
        "EndpointGroupArn": f"{accelerator}/listener/1/endpoint-group/1", "EndpointGroupRegion": "eu-west-1",
        "TrafficDialPercentage": 100.0, "EndpointDescriptions": [{"EndpointId": machines[name], "Weight": 128}],
    }  # fmt: skip
    aws.reply("ListListeners", json.dumps({"Listeners": [{"ListenerArn": f"{accelerator}/listener/1"}]}))
    aws.reply("ListEndpointGroups", json.dumps({"EndpointGroups": [endpoints]}))
    install()
    denied = rest.attempt(aws, "globalaccelerator", "update_accelerator", {"AcceleratorArn": accelerator, **more})
    assert (denied is None) == (name == OTHER), denied


def test_private_names_of_further_endpoints(site, aws):
    """Private names of an endpoint hide public ones in the whole VPC, of each type; without them it arrives."""
    machines, install = site
    vpc = aws.client("ec2").describe_instances(InstanceIds=[machines[LIVE]])["Reservations"][0]["Instances"][0]["VpcId"]
    install()
    for kind, of in (("Resource", "ResourceConfigurationArn"), ("ServiceNetwork", "ServiceNetworkArn")):
        made = {"VpcId": vpc, "VpcEndpointType": kind, of: arn("vpc-lattice", "x/y")}
        assert rest.attempt(aws, "ec2", "create_vpc_endpoint", {**made, "PrivateDnsEnabled": True}) is not None
        assert rest.attempt(aws, "ec2", "create_vpc_endpoint", {**made, "PrivateDnsEnabled": False}) is None


def test_what_starts_from_now_on(site, aws, caplog):
    """A default without which machines no longer start gets a warning."""
    site[1]()
    aws.answer("ModifyInstanceMetadataDefaults", 400, "Arrived", "it arrived")
    enforce = {"HttpTokensEnforced": "enabled"}
    assert rest.attempt(aws, "ec2", "modify_instance_metadata_defaults", enforce) is None
    assert "live-cluster/indirect" in caplog.text


def test_alarms_that_are_overwritten(site, aws, caplog):
    """Writing over the live cluster's alarm gets a warning, as deleting it does; a new one and the other's get none."""
    alarm = {
        "AlarmName": "cpu", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Average",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip
    write = lambda **more: rest.attempt(aws, "cloudwatch", "put_metric_alarm", {**alarm, **more})
    for name in (LIVE, OTHER):
        aws.client("cloudwatch").put_metric_alarm(**{**alarm, "AlarmName": name})
    tag(aws, **{name: arn("cloudwatch", f"alarm:{name}") for name in (LIVE, OTHER)})
    site[1]()
    for more, warned in (
        ({"AlarmName": LIVE, "ActionsEnabled": False}, True),
        ({"AlarmName": LIVE, "Threshold": 100.0}, True),
        ({"AlarmName": OTHER, "ActionsEnabled": False}, False),
        ({"AlarmName": "new"}, False),
    ):
        caplog.clear()
        assert write(**more) is None
        assert ("live-cluster/indirect" in caplog.text) == warned, more
