"""What a call does, read from its parameters."""

from __future__ import annotations

import datetime as dt
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.classify import Evidence, classify
from guardrails.values import Call, TagChange, TargetRef

CATALOGUE = Catalogue()
LOADER = botocore.session.get_session()
EVIDENCE = Evidence(frozenset(("Cluster", "live")), "/deploy/live")
OPERATIONS = [
    (service, operation)
    for service in sorted(CATALOGUE.services)
    for operation in sorted(CATALOGUE.service(service).operations)
]


def judged(name: str, evidence: Evidence = EVIDENCE, /, **params: Any) -> Call | None:
    """Classify ``ec2:StopInstances`` with these parameters."""
    service, operation = name.split(":")
    call = Call(service, operation, params, "eu-west-1", "https://ec2.eu-west-1.amazonaws.com")
    return classify(call, CATALOGUE, evidence)


def governed(name: str, /, **params: Any) -> Call:
    """The same for a call that must be governed."""
    call = judged(name, EVIDENCE, **params)
    assert call is not None
    return call


def ids(call: Call, role: str = "target") -> list[str]:
    """The names of a call's targets of one role."""
    return [target.id for target in call.targets if target.role == role]


# -- effects, severity, dry run -----------------------------------------------------------------------------------


def test_terminate() -> None:
    """TerminateInstances hurts every machine it names, with its disks and addresses."""
    call = governed("ec2:TerminateInstances", InstanceIds=["i-1", "i-2"])
    assert call.effects == ("terminate", "storage", "ip")
    assert call.severity == "critical"
    assert call.targets == (TargetRef("i-1", "instance"), TargetRef("i-2", "instance"))
    assert call.forms == ()
    assert not call.dry_run


@pytest.mark.parametrize("name", ["ec2:DescribeInstances", "ec2:CreateSubnet", "s3:PutObject", "nope:Nope"])
def test_operation_without_entry_is_ungoverned(name: str) -> None:
    """Reading, launching and services without a file are let go at once."""
    assert judged(name) is None


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), ("true", False), (1, False)])
def test_dry_run_is_only_the_boolean(value: Any, expected: bool) -> None:
    """Only DryRun=True is a rehearsal; what merely resembles it is judged as the real call."""
    assert governed("ec2:StopInstances", InstanceIds=["i-1"], DryRun=value).dry_run is expected


def test_forms_are_named() -> None:
    """The meaning of every form that was used reaches the message, and its effects are not repeated."""
    call = governed("ec2:StopInstances", InstanceIds=["i-1"], Force=True, Hibernate=True)
    assert call.effects == ("stop", "ip")
    assert call.forms == ("the machines are not shut down gracefully", "the machines hibernate")


def test_severity_is_that_of_the_worst_form() -> None:
    """An entry without effects of its own is as severe as the worst form that was used, no more."""
    mild = governed("ec2:ModifyInstanceAttribute", InstanceId="i-1", InstanceType={"Value": "m7g.large"})
    both = governed(
        "ec2:ModifyInstanceAttribute",
        InstanceId="i-1",
        InstanceType={"Value": "m7g.large"},
        SourceDestCheck={"Value": True},
    )
    assert (mild.severity, both.severity) == ("medium", "high")


# -- ModifyInstanceAttribute in both syntaxes ---------------------------------------------------------------------


@pytest.mark.parametrize("member", ["DisableApiTermination", "DisableApiStop"])
@pytest.mark.parametrize("value", ["false", "False", "FALSE", "fAlSe", "0", "no", "", None])
def test_protection_off_in_both_syntaxes(member: str, value: str | None) -> None:
    """Switching a protection off is seen as a structure and as a string, however the string is spelt."""
    attribute = member[0].lower() + member[1:]
    structure = governed("ec2:ModifyInstanceAttribute", InstanceId="i-1", **{member: {"Value": False}})
    text = {} if value is None else {"Value": value}
    string = governed("ec2:ModifyInstanceAttribute", InstanceId="i-1", Attribute=attribute, **text)
    assert structure.effects == string.effects == ("protection",)
    assert structure.forms == string.forms


@pytest.mark.parametrize("member", ["DisableApiTermination", "DisableApiStop"])
def test_protection_on_is_ungoverned(member: str) -> None:
    """Switching a protection on is harmless."""
    attribute = member[0].lower() + member[1:]
    assert judged("ec2:ModifyInstanceAttribute", EVIDENCE, InstanceId="i-1", **{member: {"Value": True}}) is None
    assert judged("ec2:ModifyInstanceAttribute", InstanceId="i-1", Attribute=attribute, Value="true") is None


@pytest.mark.parametrize(
    ("params", "effects"),
    [
        ({"InstanceInitiatedShutdownBehavior": {"Value": "terminate"}}, ("protection",)),
        ({"Attribute": "instanceInitiatedShutdownBehavior", "Value": "terminate"}, ("protection",)),
        ({"Attribute": "instanceInitiatedShutdownBehavior", "Value": "Terminate"}, ("protection",)),
        ({"Groups": ["sg-1"]}, ("network",)),
        ({"Attribute": "groupSet", "Groups": []}, ("network",)),
        ({"SourceDestCheck": {"Value": False}}, ("network",)),
        ({"Attribute": "sourceDestCheck", "Value": "true"}, ("network",)),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {}}]}, ("storage",)),
        ({"BlockDeviceMappings": [{"Ebs": {"DeleteOnTermination": True}}]}, ("storage",)),
        ({"Attribute": "blockDeviceMapping", "Value": "/dev/sda1"}, ("storage",)),
        ({"InstanceType": {"Value": "m7g.large"}}, ("stop",)),
        ({"Attribute": "userData", "Value": "**REDACTED**"}, ("stop",)),
        ({"EnaSupport": {"Value": True}}, ("stop",)),
        (
            {"Attribute": "DisableApiTermination", "Value": "true"},
            ("protection", "network", "storage", "stop"),
        ),
    ],
)
def test_modify_instance_attribute(params: dict[str, Any], effects: tuple[str, ...]) -> None:
    """Each attribute has its own effect; an unknown attribute counts as the worst."""
    assert governed("ec2:ModifyInstanceAttribute", InstanceId="i-1", **params).effects == effects


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"InstanceInitiatedShutdownBehavior": {"Value": "stop"}},
        {"Attribute": "instanceInitiatedShutdownBehavior", "Value": "stop"},
        {"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False}}]},
    ],
)
def test_modify_instance_attribute_harmless(params: dict[str, Any]) -> None:
    """Keeping a disk, or stopping instead of terminating at shutdown, is ungoverned."""
    assert judged("ec2:ModifyInstanceAttribute", InstanceId="i-1", **params) is None


# -- other forms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "effects"),
    [
        ("ec2:CreateImage", {"InstanceId": "i-1"}, ("stop",)),
        ("ec2:CreateImage", {"InstanceId": "i-1", "NoReboot": False}, ("stop",)),
        ("ec2:DeleteFleets", {"FleetIds": ["fleet-1"]}, ("indirect", "terminate")),
        ("ec2:DeleteFleets", {"FleetIds": ["fleet-1"], "TerminateInstances": False}, ("indirect",)),
        (
            "ec2:ModifyFleet",
            {"FleetId": "fleet-1", "TargetCapacitySpecification": {"TotalTargetCapacity": 0}},
            ("indirect", "terminate"),
        ),
        (
            "ec2:ModifySpotFleetRequest",
            {
                "SpotFleetRequestId": "sfr-1",
                "TargetCapacity": 0,
                "ExcessCapacityTerminationPolicy": "noTermination",
            },
            ("indirect",),
        ),
        (
            "ec2:ModifySpotFleetRequest",
            {"SpotFleetRequestId": "sfr-1", "TargetCapacity": 0},
            ("indirect", "terminate"),
        ),
        ("ec2:ResetInstanceAttribute", {"InstanceId": "i-1", "Attribute": "sourceDestCheck"}, ("network",)),
        ("ec2:ResetInstanceAttribute", {"InstanceId": "i-1", "Attribute": "kernel"}, ("stop",)),
        (
            "ec2:ModifyNetworkInterfaceAttribute",
            {"NetworkInterfaceId": "eni-1", "Groups": ["sg-1"]},
            ("network",),
        ),
        (
            "ec2:ModifyNetworkInterfaceAttribute",
            {"NetworkInterfaceId": "eni-1", "AssociatePublicIpAddress": False},
            ("ip",),
        ),
        (
            "autoscaling:SetDesiredCapacity",
            {"AutoScalingGroupName": "blue", "DesiredCapacity": 0},
            ("scale-in",),
        ),
        ("autoscaling:UpdateAutoScalingGroup", {"AutoScalingGroupName": "blue", "MaxSize": 0}, ("scale-in",)),
        (
            "autoscaling:UpdateAutoScalingGroup",
            {"AutoScalingGroupName": "blue", "VPCZoneIdentifier": "subnet-1,subnet-2"},
            ("network", "replace"),
        ),
        (
            "autoscaling:UpdateAutoScalingGroup",
            {"AutoScalingGroupName": "blue", "DeletionProtection": "prevent-force-deletion"},
            ("protection",),
        ),
        (
            "autoscaling:UpdateAutoScalingGroup",
            {"AutoScalingGroupName": "blue", "NewInstancesProtectedFromScaleIn": False},
            ("protection",),
        ),
        ("autoscaling:SetInstanceHealth", {"InstanceId": "i-1", "HealthStatus": "unhealthy"}, ("terminate",)),
        (
            "autoscaling:SetInstanceProtection",
            {"InstanceIds": ["i-1"], "AutoScalingGroupName": "blue", "ProtectedFromScaleIn": False},
            ("protection",),
        ),
    ],
)
def test_dangerous_forms(name: str, params: dict[str, Any], effects: tuple[str, ...]) -> None:
    """The dangerous form of a call has its effects, also where the danger is a default or the number 0."""
    assert governed(name, **params).effects == effects


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ec2:CreateImage", {"InstanceId": "i-1", "NoReboot": True}),
        ("ec2:ModifyInstanceMaintenanceOptions", {"InstanceId": "i-1", "AutoRecovery": "default"}),
        (
            "ec2:ModifyNetworkInterfaceAttribute",
            {"NetworkInterfaceId": "eni-1", "Description": {"Value": "front"}},
        ),
        (
            "ec2:AssignPrivateIpAddresses",
            {"NetworkInterfaceId": "eni-1", "SecondaryPrivateIpAddressCount": 2},
        ),
        ("ec2:AssignIpv6Addresses", {"NetworkInterfaceId": "eni-1", "Ipv6AddressCount": 2}),
        ("autoscaling:UpdateAutoScalingGroup", {"AutoScalingGroupName": "blue", "DefaultCooldown": 3}),
        (
            "autoscaling:UpdateAutoScalingGroup",
            {"AutoScalingGroupName": "blue", "DeletionProtection": "prevent-all-deletion"},
        ),
        ("autoscaling:SetInstanceHealth", {"InstanceId": "i-1", "HealthStatus": "Healthy"}),
        ("autoscaling:SetInstanceProtection", {"InstanceIds": ["i-1"], "ProtectedFromScaleIn": True}),
    ],
)
def test_harmless_forms(name: str, params: dict[str, Any]) -> None:
    """The harmless form of a dangerous operation is ungoverned."""
    assert judged(name, **params) is None


# -- targets ------------------------------------------------------------------------------------------------------


def test_roles_of_an_address_switch() -> None:
    """The address that moves is the target; the machine it moves to is only its destination."""
    call = governed("ec2:AssociateAddress", AllocationId="eipalloc-1", InstanceId="i-green")
    assert ids(call) == ["eipalloc-1"]
    assert ids(call, "destination") == ["i-green"]
    assert call.forms
    assert not governed("ec2:AssociateAddress", PublicIp="203.0.113.7", AllowReassociation=False).forms


def test_named_private_addresses_are_targets() -> None:
    """The holder of a named private address may lose it to the destination interface."""
    call = governed(
        "ec2:AssignPrivateIpAddresses",
        NetworkInterfaceId="eni-green",
        PrivateIpAddresses=["10.0.0.5"],
        AllowReassignment=True,
    )
    assert call.targets == (
        TargetRef("10.0.0.5", "private-ip"),
        TargetRef("eni-green", "eni", "destination"),
    )
    assert len(call.forms) == 2


@pytest.mark.parametrize("params", [{"InstanceId": "i-1"}, {"InstanceIds": ["i-1"], "AutoScalingGroupName": "blue"}])
def test_terminate_in_group_in_both_syntaxes(params: dict[str, Any]) -> None:
    """A machine is found whether the call names one or a list."""
    call = governed("autoscaling:TerminateInstanceInAutoScalingGroup", ShouldDecrementDesiredCapacity=True, **params)
    assert call.targets == (TargetRef("i-1", "instance"),)


@pytest.mark.parametrize("params", [{"InstanceIds": []}, {}])
def test_no_target_is_governed(params: dict[str, Any]) -> None:
    """An empty or missing list does not let a call go: what AWS makes of it is for the policies."""
    call = governed("ec2:TerminateInstances", **params)
    assert call.targets == ()
    assert "no machine is named" in governed("autoscaling:DetachInstances", **params).forms


def test_targets_are_named_once() -> None:
    """A machine named twice is one target, in the order of the call; nulls are none."""
    assert ids(governed("ec2:TerminateInstances", InstanceIds=["i-2", None, "i-1", "i-2"])) == ["i-2", "i-1"]


@pytest.mark.parametrize("ids_", [["i-1", 7], [{"Id": "i-1"}], [True], 7])
def test_target_that_is_no_string_raises(ids_: Any) -> None:
    """A target that cannot be read is never dropped: the caller turns the error into a denial."""
    with pytest.raises(ValueError, match="should name strings"):
        judged("ec2:DisassociateAddress", AssociationId=ids_)


def test_policy_arn_stands_for_its_group() -> None:
    """ExecutePolicy by ARN names no group, so the ARN is the target, which no group is found under."""
    assert ids(governed("autoscaling:ExecutePolicy", AutoScalingGroupName="blue", PolicyName="out")) == ["blue"]
    assert ids(governed("autoscaling:ExecutePolicy", PolicyName="arn:aws:autoscaling:x")) == ["arn:aws:autoscaling:x"]


def test_undecodable_call_is_its_worst_form() -> None:
    """A body that could not be read may be the dangerous form, so it is judged as that, with no target known."""
    call = Call("ec2", "ModifyInstanceAttribute", {}, "eu-west-1", "https://x", undecodable="it is compressed")
    found = classify(call, CATALOGUE, EVIDENCE)
    assert found is not None
    assert set(found.effects) == {"protection", "network", "storage", "stop"}
    assert (found.severity, found.targets, found.dry_run) == ("critical", (), False)
    put = Call("ssm", "PutParameter", {}, "eu-west-1", "https://x", undecodable="it is compressed")
    assert classify(put, CATALOGUE, EVIDENCE) is not None
    assert classify(put, CATALOGUE, Evidence()) is None


# -- tags ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "change"),
    [
        (
            "ec2:CreateTags",
            {"Resources": ["i-1"], "Tags": [{"Key": "Cluster", "Value": "green"}, {"Key": "Name"}]},
            TagChange(set={"Cluster": "green", "Name": ""}),
        ),
        (
            "ec2:DeleteTags",
            {"Resources": ["i-1"], "Tags": [{"Key": "live"}, {"Key": "live", "Value": "yes"}]},
            TagChange(removed=("live",)),
        ),
        ("ec2:DeleteTags", {"Resources": ["i-1"]}, TagChange(removes_all=True)),
        ("ec2:DeleteTags", {"Resources": ["i-1"], "Tags": []}, TagChange(removes_all=True)),
        ("ec2:DeleteTags", {"Resources": ["i-1"], "Tags": [{}]}, TagChange(removes_all=True)),
        (
            "autoscaling:CreateOrUpdateTags",
            {"Tags": [{"ResourceId": "i-1", "Key": "Cluster", "Value": "green", "PropagateAtLaunch": True}]},
            TagChange(set={"Cluster": "green"}),
        ),
        (
            "autoscaling:DeleteTags",
            {"Tags": [{"ResourceId": "i-1", "Key": "Cluster"}]},
            TagChange(removed=("Cluster",)),
        ),
        (
            "tagging:TagResources",
            {"ResourceARNList": ["i-1"], "Tags": {"live": "no"}},
            TagChange(set={"live": "no"}),
        ),
        (
            "tagging:UntagResources",
            {"ResourceARNList": ["i-1"], "TagKeys": ["live"]},
            TagChange(removed=("live",)),
        ),
    ],
)
def test_evidence_tags_are_governed(name: str, params: dict[str, Any], change: TagChange) -> None:
    """Every service's way of changing a tag that is evidence comes out as the same kind of change."""
    call = governed(name, **params)
    assert call.tags == change
    assert call.effects == ("protection",)
    assert ids(call) == ["i-1"]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ec2:CreateTags", {"Resources": ["i-1"], "Tags": [{"Key": "Name", "Value": "web"}]}),
        ("ec2:CreateTags", {"Resources": ["i-1"], "Tags": [{"Key": "cluster", "Value": "green"}]}),
        ("ec2:CreateTags", {"Resources": ["i-1"], "Tags": [{"Value": "Cluster"}]}),
        ("ec2:DeleteTags", {"Resources": ["i-1"], "Tags": [{"Key": "Name"}]}),
        ("autoscaling:DeleteTags", {"Tags": [{"ResourceId": "blue", "Key": "Name"}]}),
        ("tagging:TagResources", {"ResourceARNList": ["arn:x"], "Tags": {"CLUSTER": "green"}}),
        ("tagging:UntagResources", {"ResourceARNList": ["arn:x"], "TagKeys": ["Name"]}),
    ],
)
def test_other_tags_are_ungoverned(name: str, params: dict[str, Any]) -> None:
    """Tags that say nothing about clusters stay free; case matters, as in AWS."""
    assert judged(name, **params) is None


def test_tags_without_evidence() -> None:
    """Where no tag is evidence only the removal of all tags is governed."""
    tags = [{"Key": "Cluster", "Value": "green"}]
    assert judged("ec2:CreateTags", Evidence(), Resources=["i-1"], Tags=tags) is None
    assert judged("ec2:DeleteTags", Evidence(), Resources=["i-1"]) is not None


# -- the live pointer ---------------------------------------------------------------------------------------------

ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter"


@pytest.mark.parametrize(
    ("pointer", "name", "same"),
    [
        ("/deploy/live", "/deploy/live", True),
        ("/deploy/live", "/deploy/live:3", True),
        ("/deploy/live", "/deploy/live:green", True),
        ("/deploy/live", " /deploy/live ", True),
        ("/deploy/live", f"{ARN}/deploy/live", True),
        ("/deploy/live", f"{ARN}/deploy/live:3", True),
        ("/deploy/live", "/deploy/Live", False),
        ("/deploy/live", "/deploy/live2", False),
        ("/deploy/live", "deploy/live", False),
        ("/deploy/live", f"{ARN}/deploy/live2", False),
        ("live", "live", True),
        ("live", "/live", False),
        ("/live", "live", False),
        ("live", f"{ARN}/live", True),
        ("/live", f"{ARN}/live", True),
        (f"{ARN}/live", "live", True),
        (f"{ARN}/live", "/live", True),
        ("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/live", "/live", True),
        (f"{ARN}/live", "/dead", False),
    ],
)
def test_live_pointer(pointer: str, name: str, same: bool) -> None:
    """A parameter is the live pointer by name, version, label or ARN; /live and live are two parameters."""
    call = judged("ssm:PutParameter", Evidence(ssm_parameter=pointer), Name=name, Value="green")
    assert (call is not None) is same
    other = judged("ssm:PutParameter", Evidence(ssm_parameter=pointer), Name=name, Value="green", Overwrite=True)
    assert (other.targets[0].type == "tagged") is not same
    if call is not None:
        assert call.targets == (TargetRef(name, "ssm-parameter"),)
        assert call.effects == ("protection", "traffic")


def test_no_live_pointer() -> None:
    """Without a configured pointer a parameter is judged by its tag where it is lost, and creating one is not."""
    call = judged("ssm:DeleteParameter", Evidence(), Name="/deploy/live")
    assert (call.effects, call.targets) == (("storage",), (TargetRef("/deploy/live", "tagged"),))
    assert judged("ssm:PutParameter", Evidence(), Name="/deploy/live", Value="x") is None


def test_the_pointer_among_others() -> None:
    """Of the parameters deleted in one call the live pointer is judged as such, each of the others by its tag."""
    targets = governed("ssm:DeleteParameters", Names=["/a", "/deploy/live", "/b"]).targets
    assert [target.type for target in targets] == ["tagged", "ssm-parameter", "tagged"]
    others = governed("ssm:DeleteParameters", Names=["/a", "/b"])
    assert (others.effects, ids(others)) == (("storage",), ["/a", "/b"])


# -- any parameters -----------------------------------------------------------------------------------------------

WORDS = (
    "Cluster",
    "live",
    "/deploy/live",
    f"{ARN}/deploy/live",
    "i-1",
    "false",
    "true",
    "terminate",
    "",
    "0",
    "ü",
)


def values(shape: Shape | None, around: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Values as they are read back from a request: every member optional, strings that matter among others.

    A shape within itself is left out the second time; an operation without an input has no parameters.
    """
    if shape is None:
        return st.just({})
    within = (*around, shape.name)
    if isinstance(shape, StructureShape):
        members = {name: member for name, member in shape.members.items() if within.count(member.name) < 1}
        return st.fixed_dictionaries({}, optional={name: values(member, within) for name, member in members.items()})
    if isinstance(shape, ListShape):
        again = within.count(shape.member.name) > 0
        return st.just([]) if again else st.lists(values(shape.member, within), max_size=3)
    if isinstance(shape, MapShape):
        return st.dictionaries(values(shape.key, within), values(shape.value, within), max_size=3)
    kind = shape.type_name
    known = tuple(getattr(shape, "enum", None) or ())
    simple: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "integer": st.integers(-1, 3),
        "long": st.integers(-1, 3),
        "float": st.floats(-1, 3),
        "double": st.floats(-1, 3),
        "blob": st.just("**REDACTED**"),
        "timestamp": st.just(dt.datetime(2023, 10, 9, tzinfo=dt.UTC)) | st.just("2023-10-09T15:22:00Z"),
        "string": st.sampled_from(WORDS + known) | st.text(max_size=5),
    }
    return simple[kind]


def inputs(service: str, operation: str) -> st.SearchStrategy[Any]:
    """Any parameters of one operation."""
    model = LOADER.get_service_model(CATALOGUE.botocore_service(service))
    return values(model.operation_model(operation).input_shape)


@pytest.mark.cases(200)
@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_classify_takes_any_parameters(service: str, operation: str) -> None:
    """Whatever parameters fit the model, a call is let go or has an effect, a severity and distinct targets."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(params=inputs(service, operation))
    def check(params: dict[str, Any]) -> None:
        call = judged(f"{service}:{operation}", **params)
        if call is None:
            return
        assert call.effects
        assert call.severity
        assert len(set(call.effects)) == len(call.effects)
        assert len({(target.id, target.role) for target in call.targets}) == len(call.targets)

    check()
