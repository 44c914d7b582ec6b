"""Capacity: what a launch needs, compared with what AWS has, before AWS has started half of it."""

from __future__ import annotations

import pytest

import guardrails
from guardrails.resolve.capacity import capacity
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.resolve.resources.registry import Inventory
from guardrails.values import Answer, Call, LookupFailure, Target

TAGGED = [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "green"}]}]


def subnet(name, free, zone="a", vpc="vpc-1", *, default=False):
    return {
        "SubnetId": name,
        "AvailableIpAddressCount": free,
        "AvailabilityZone": zone,
        "VpcId": vpc,
        "DefaultForAz": default,
    }


SUBNETS = [
    subnet("s-1", 3),
    subnet("s-2", 200),
    subnet("s-3", 90),
    subnet("s-4", 400, "b"),
    subnet("s-5", 900, "a", "v2"),
    subnet("s-6", 20, "c", "v3", default=True),
    subnet("s-7", 50, "d", "v3", default=True),
]


def machine(name, cluster, kind="t3.large", state="running", **more):
    return {
        "InstanceId": name,
        "State": {"Name": state},
        "InstanceType": kind,
        "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
        "Tags": [{"Key": "Cluster", "Value": cluster}],
        **more,
    }


def capacity_of(operation, params, *, service="ec2", machines=(), targets=(), failures=(), **answers):
    """The document for a call; `answers` are the items of look-ups, by operation."""
    call = Call(service, operation, params, "eu-west-1", "", effects=("capacity",))
    reservations = [{"Instances": list(machines)}]
    given = {"DescribeInstances": reservations, "DescribeSubnets": SUBNETS, "DescribeAutoScalingGroups": [], **answers}

    def answer(lookups):
        declared = {lookup.permission for lookup in (INSTANCES, ADDRESSES, *capacity.ASKS)}
        assert {lookup.permission for lookup in lookups} <= declared
        known = [lookup for lookup in lookups if lookup.operation in given]
        return {lookup.key(): Answer(tuple(given[lookup.operation]), 1.0) for lookup in known}

    answered = answer([INSTANCES, *capacity.lookups(call)])
    answered |= answer(capacity.followups(call, answered))
    inventory = Inventory(Region(tuple(reservations), 0.0), (), Ownership())
    return capacity.facts(call, answered, failures, inventory, tuple(targets), ("blue",))


def place(document):
    (room,) = document["places"]
    return room


def launch(**params):
    return {"MinCount": 1, "MaxCount": 8, "InstanceType": "t3.large", "SubnetId": "s-1", **params}


# -- addresses --------------------------------------------------------------------------------------------------------


def test_a_launch_into_a_full_subnet():
    """What it needs, what is free, how many fit, and where else there is room: the same zone first."""
    document = capacity_of("RunInstances", launch(TagSpecifications=TAGGED))
    assert (document["machines"], document["least"], document["grows"]) == (8, 1, "green")
    assert place(document) == {
        "subnets": ["s-1"],
        "zones": ["a"],
        "needed": 8,
        "free": 3,
        "fits": 3,
        "reserved": 0,
        "alternatives": [
            {"id": "s-2", "free": 200, "zone": "a"},
            {"id": "s-3", "free": 90, "zone": "a"},
            {"id": "s-4", "free": 400, "zone": "b"},
        ],
    }


@pytest.mark.parametrize(
    ("interfaces", "needed"),
    [
        ([{"SubnetId": "s-2"}], {"s-2": 8}),
        ([{"DeviceIndex": 0}], {"s-1": 8}),
        ([{"SubnetId": "s-2", "SecondaryPrivateIpAddressCount": 3}], {"s-2": 32}),
        ([{"SubnetId": "s-2", "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.4"}] * 2}], {"s-2": 16}),
        ([{"SubnetId": "s-2", "Ipv4PrefixCount": 2}], {"s-2": 8 * 33}),
        ([{"SubnetId": "s-2", "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.0.0/28"}]}], {"s-2": 8 * 17}),
        ([{"SubnetId": "s-2"}, {"SubnetId": "s-3"}], {"s-2": 8, "s-3": 8}),
        ([{"NetworkInterfaceId": "eni-1"}], {}),
    ],
)
def test_addresses_of_interfaces(interfaces, needed):
    """Each interface takes one address, its secondary ones, and sixteen for each prefix; an existing one takes none."""
    document = capacity_of("RunInstances", launch(NetworkInterfaces=interfaces))
    assert {place["subnets"][0]: place["needed"] for place in document["places"]} == needed


def test_without_a_subnet_aws_takes_a_default_one():
    """All machines of one call go into one default subnet, of the zone if one is named."""
    params = launch()
    del params["SubnetId"]
    assert (place(capacity_of("RunInstances", params))["free"], place(capacity_of("RunInstances", params))["fits"]) == (
        50,
        50,
    )
    there = capacity_of("RunInstances", {**params, "Placement": {"AvailabilityZone": "c"}})
    assert (place(there)["subnets"], place(there)["free"]) == (["s-6"], 20)


def test_an_unknown_subnet_is_unknown():
    """A subnet that AWS does not list is listed as unknown; it is neither a denial nor a place."""
    document = capacity_of("RunInstances", launch(SubnetId="s-nowhere"))
    assert document["places"] == []
    assert {"what": "addresses", "why": "AWS does not know s-nowhere"} in document["unknown"]


def test_a_launch_template_gives_what_the_call_leaves_out():
    """Subnet and type come from the template, unless the call itself sets them."""
    template = {"LaunchTemplateData": {"InstanceType": "m5.large", "NetworkInterfaces": [{"SubnetId": "s-2"}]}}
    params = {"MaxCount": 8, "LaunchTemplate": {"LaunchTemplateName": "web"}}
    document = capacity_of("RunInstances", params, DescribeLaunchTemplateVersions=[template])
    assert place(document)["subnets"] == ["s-2"]
    call = Call("ec2", "RunInstances", params, "", "", effects=("capacity",))
    (asked,) = [lookup for lookup in capacity.lookups(call) if lookup.operation == "DescribeLaunchTemplateVersions"]
    assert asked.params == {"LaunchTemplateName": "web", "Versions": ["$Default"]}


@pytest.mark.parametrize(
    ("operation", "params", "needed", "subnets"),
    [
        ("CreateNetworkInterface", {"SubnetId": "s-1", "SecondaryPrivateIpAddressCount": 4}, 5, ["s-1"]),
        ("CreateNatGateway", {"SubnetId": "s-1"}, 1, ["s-1"]),
        (
            "CreateFleet",
            {
                "TargetCapacitySpecification": {"TotalTargetCapacity": 7},
                "LaunchTemplateConfigs": [{"Overrides": [{"SubnetId": "s-1"}, {"SubnetId": "s-2"}]}],
            },
            7,
            ["s-1", "s-2"],
        ),
        (
            "RequestSpotFleet",
            {"SpotFleetRequestConfig": {"TargetCapacity": 4, "LaunchSpecifications": [{"SubnetId": "s-1, s-3"}]}},
            4,
            ["s-1", "s-3"],
        ),
        ("RequestSpotInstances", {"InstanceCount": 6, "LaunchSpecification": {"SubnetId": "s-1"}}, 6, ["s-1"]),
    ],
)
def test_other_ways_of_taking_addresses(operation, params, needed, subnets):
    """Interfaces, gateways, fleets and Spot requests are counted like launches."""
    room = place(capacity_of(operation, params))
    assert (room["needed"], room["subnets"]) == (needed, subnets)


def test_a_fleet_may_use_all_its_subnets():
    """AWS spreads a fleet: the free addresses of its subnets add up."""
    params = {
        "TargetCapacitySpecification": {"TotalTargetCapacity": 150},
        "LaunchTemplateConfigs": [{"Overrides": [{"SubnetId": "s-1"}, {"SubnetId": "s-2"}]}],
    }
    assert place(capacity_of("CreateFleet", params))["free"] == 203


def test_a_fleet_that_counts_in_weights_is_unknown():
    """Only AWS knows how many machines a weighted capacity means."""
    overrides = [{"SubnetId": "s-1", "WeightedCapacity": 4.0}]
    params = {
        "TargetCapacitySpecification": {"TotalTargetCapacity": 150},
        "LaunchTemplateConfigs": [{"Overrides": overrides}],
    }
    document = capacity_of("CreateFleet", params)
    assert document["places"] == []
    assert {"what": "machines", "why": "the fleet counts weights, not machines"} in document["unknown"]


GROUP = Target(
    "web",
    "asg",
    "target",
    resolved=True,
    clusters=("green",),
    facts={"desired": 4, "subnets": ["s-1", "s-3"], "instances": ["i-1"]},
)


@pytest.mark.parametrize(
    ("operation", "params", "needed"),
    [
        ("SetDesiredCapacity", {"DesiredCapacity": 10}, 6),
        ("UpdateAutoScalingGroup", {"MinSize": 7, "MaxSize": 9}, 3),
        ("UpdateAutoScalingGroup", {"DesiredCapacity": 5, "MinSize": 1}, 1),
        ("LaunchInstances", {"RequestedCapacity": 2}, 2),
    ],
)
def test_a_group_that_grows(operation, params, needed):
    """A group needs addresses for its additional machines, in any of its subnets; a higher minimum adds some, too."""
    document = capacity_of(operation, params, service="autoscaling", targets=[GROUP])
    assert (place(document)["needed"], place(document)["free"]) == (needed, 93)


def test_a_group_that_shrinks_needs_nothing():
    """A group that shrinks needs no addresses."""
    document = capacity_of("SetDesiredCapacity", {"DesiredCapacity": 2}, service="autoscaling", targets=[GROUP])
    assert (document["machines"], document["places"]) == (0, [])


def test_room_for_the_live_groups_is_reserved():
    """Machines that live groups may still start in the subnet count; the launch's own cluster does not."""

    def group(subnets, largest, now, **more):
        return {"VPCZoneIdentifier": subnets, "MaxSize": largest, "DesiredCapacity": now, **more}

    groups = [
        group("s-2,s-9", 9, 4, Tags=[{"Key": "Cluster", "Value": "blue"}]),
        group("s-2", 5, 1, Instances=[{"InstanceId": "i-7"}]),
        group("s-3", 50, 0, Tags=[{"Key": "Cluster", "Value": "blue"}]),
        group("s-2", 50, 0, Tags=[{"Key": "Cluster", "Value": "red"}]),
    ]
    machines = [machine("i-7", "blue")]
    document = capacity_of("RunInstances", launch(SubnetId="s-2"), machines=machines, DescribeAutoScalingGroups=groups)
    assert place(document)["reserved"] == 9
    own = [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "blue"}]}]
    params = launch(SubnetId="s-2", TagSpecifications=own)
    document = capacity_of("RunInstances", params, machines=machines, DescribeAutoScalingGroups=groups)
    assert place(document)["reserved"] == 0


# -- quotas -----------------------------------------------------------------------------------------------------------

LARGE = {"InstanceType": "t3.large", "VCpuInfo": {"DefaultVCpus": 2}}


def quotas(**how):
    return capacity_of("RunInstances", launch(SubnetId="s-2"), GetServiceQuota=[{"Value": 32.0}], **how)["quotas"]


def test_vcpus_in_use_and_needed():
    """Running On-Demand machines of the family count, by their own vCPUs; stopped, Spot and other families do not."""
    machines = [
        machine("i-1", "blue"),
        machine("i-2", "blue", "m5.xlarge", CpuOptions={"CoreCount": 2, "ThreadsPerCore": 2}),
        machine("i-3", "blue", state="stopped"),
        machine("i-4", "blue", "p4d.24xlarge"),
        machine("i-5", "blue", SpotInstanceRequestId="sir-1"),
    ]
    (quota,) = quotas(machines=machines, DescribeInstanceTypes=[LARGE])
    assert quota == {
        "code": "L-1216C47A",
        "name": "vCPUs of running On-Demand standard machines",
        "limit": 32.0,
        "used": 6,
        "needed": 16,
    }


def test_starting_stopped_machines_needs_vcpus_only():
    """Stopped machines have kept their addresses, and running ones need nothing."""
    machines = [machine("i-1", "green", state="stopped"), machine("i-2", "green")]
    document = capacity_of(
        "StartInstances",
        {"InstanceIds": ["i-1", "i-2"]},
        machines=machines,
        GetServiceQuota=[{"Value": 32.0}],
        DescribeInstanceTypes=[LARGE],
    )
    assert (document["machines"], document["places"]) == (1, [])
    (quota,) = document["quotas"]
    assert (quota["used"], quota["needed"]) == (2, 2)


def test_an_elastic_ip_needs_its_quota():
    """The new address counts against the quota together with the existing ones."""
    (quota,) = capacity_of("AllocateAddress", {}, GetServiceQuota=[{"Value": 5.0}])["quotas"]
    assert (quota["code"], quota["limit"], quota["used"], quota["needed"]) == ("L-0263D0A3", 5.0, 0, 1)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("t3.micro", "L-1216C47A"),
        ("im4gn.large", "L-1216C47A"),
        ("p5.48xlarge", "L-417A185B"),
        ("g5.xlarge", "L-DB2E81BA"),
        ("inf2.xlarge", "L-1945791B"),
        ("trn1.2xlarge", "L-2C3B7624"),
        ("x2idn.16xlarge", "L-7295265B"),
        ("f1.2xlarge", "L-74FC7D96"),
        ("mac2.metal", None),
        ("u-6tb1.metal", None),
        ("hpc6a.48xlarge", None),
    ],
)
def test_families(kind, code):
    """Each type counts against its family's quota; families whose quota is not known are unknown."""
    call = Call("ec2", "RunInstances", {"InstanceType": kind}, "", "")
    codes = [lookup.params["QuotaCode"] for lookup in capacity.lookups(call) if lookup.operation == "GetServiceQuota"]
    assert codes == ([code] if code else [])


def test_failed_lookups_are_gaps():
    """A look-up without permission leaves its quota unknown, and says so."""
    failure = LookupFailure(
        "servicequotas:GetServiceQuota", "AccessDenied", "no", "servicequotas:GetServiceQuota", True
    )
    document = capacity_of("RunInstances", launch(SubnetId="s-2"), failures=[failure])
    assert document["quotas"] == []
    assert {"what": "lookup", "why": "servicequotas:GetServiceQuota failed with AccessDenied"} in document["unknown"]


def test_what_starts_nothing_has_no_capacity():
    """A call that starts nothing has no capacity and needs no look-ups for it."""
    call = Call("ec2", "TerminateInstances", {}, "", "")
    assert capacity.lookups(call) == ()
    assert capacity_of("TerminateInstances", {}) is None


# -- with the whole guard ---------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(aws):
    """Blue is live in a subnet with three free addresses; another has plenty."""
    small, large = aws.create_subnet("10.0.1.0/28"), aws.create_subnet("10.0.2.0/24")
    aws.start_cluster("blue", 8, subnet=small, addresses=1)
    aws.clear()
    return small, large


def start(aws, subnet, count=8):
    aws.client("ec2").run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=count, InstanceType="t3.small", SubnetId=subnet
    )


def test_what_does_not_fit_is_not_started(aws, install, crowded):
    """Half a cluster is never started: nothing is sent, and the message has the numbers and a remedy."""
    small, large = crowded
    install()
    with pytest.raises(guardrails.CallDenied) as caught:
        start(aws, small)
    text = str(caught.value)
    assert f"needs 8 free addresses in {small}, which has 3: room for 3 of 8 machines" in text
    assert f"{large} in" in text
    assert "has 251 free addresses" in text
    assert aws.count("RunInstances") == 0
    start(aws, small, 3)
    start(aws, large)
    assert aws.count("RunInstances") == 2


def test_a_quota_that_is_full_denies(aws, install, crowded, monkeypatch):
    """A launch beyond a quota is denied. moto has no EC2 quotas, so the test adds this one."""
    from moto.servicequotas.models import ServiceQuotasBackend

    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", lambda *_, **__: {"Value": 4.0})
    install()
    with pytest.raises(guardrails.CallDenied, match=r"capacity/quota: .* more vCPUs of running On-Demand standard"):
        start(aws, crowded[1])
    assert aws.count("RunInstances") == 0


def test_a_growing_group_is_checked(aws, install, crowded):
    """An Auto Scaling group that wants more than its subnet has is denied; what fits goes through."""
    scaling = aws.client("autoscaling")
    scaling.create_launch_configuration(LaunchConfigurationName="l", ImageId="ami-12345678", InstanceType="t3.small")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="g", LaunchConfigurationName="l", MinSize=0, MaxSize=20, VPCZoneIdentifier=crowded[0]
    )
    install()
    with pytest.raises(guardrails.CallDenied, match="capacity/addresses"):
        scaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=9)
    assert aws.count("SetDesiredCapacity") == 0
    scaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=2)
    assert aws.count("SetDesiredCapacity") == 1


def test_launches_without_permission_to_look_go_on(aws, install, crowded, caplog):
    """A caller who may launch but not describe gets a warning, and the launch is sent: it destroys nothing."""
    install()
    for operation in ("DescribeSubnets", "DescribeInstances", "DescribeAddresses", "DescribeAutoScalingGroups"):
        aws.answer(operation, 403, "UnauthorizedOperation", "You are not authorized.")
    with caplog.at_level("WARNING", "guardrails"):
        start(aws, crowded[1], 1)
    assert aws.count("RunInstances") == 1
    assert "capacity/unknown" in caplog.text
