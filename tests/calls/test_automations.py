"""Systems Manager runs runbooks and commands on what a call names anywhere in it: each beside its innocent sibling."""

from __future__ import annotations

import json

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

import guardrails
from tests.calls.test_unknown_holders import attempt

pytestmark = pytest.mark.every(4)

STOP = "AWS-StopEC2Instance"
HERE = {"Accounts": ["123456789012"], "Regions": ["eu-west-1"]}
UUID = "b85ccafe-9f02-4812-9b81-01234567890e"
WINDOW = {"WindowId": "mw-0123456789abcdef0", "MaxErrors": "1", "MaxConcurrency": "1"}
# The parameters of each call that runs `runbook`, with the others of the call or of its entry.
RUNS = {
    "StartAutomationExecution": lambda runbook, more: {"DocumentName": runbook, **more},
    "StartChangeRequestExecution": lambda runbook, more: {
        "DocumentName": "AWS-HelloWorld", "Runbooks": [{"DocumentName": runbook, **more}]},
    "CreateAssociation": lambda runbook, more: {"Name": runbook, **more},
    "CreateAssociationBatch": lambda runbook, more: {"Entries": [{"Name": runbook, **more}]},
    "UpdateAssociation": lambda runbook, more: {"AssociationId": UUID, "Name": runbook, **more},
    "RegisterTaskWithMaintenanceWindow": lambda runbook, more: {
        **WINDOW, "TaskType": "AUTOMATION", "TaskArn": runbook, **more},
    "UpdateMaintenanceWindowTask": lambda runbook, more: {**WINDOW, "WindowTaskId": UUID, "TaskArn": runbook, **more},
}  # fmt: skip
WITH_LOCATIONS = [name for name in RUNS if "Window" not in name]
SPELLINGS = [
    STOP,
    "AWS-RestartEC2InstanceWithApproval",
    f"arn:aws:ssm:eu-west-1::document/{STOP}",
    f"arn:aws:ssm:eu-west-1:123456789012:document/{STOP}",
    f"arn:aws-cn:ssm:cn-north-1::automation-definition/{STOP}:$DEFAULT",
    f"{STOP}:1",
]


@pytest.fixture
def ssm(places, aws, install):
    """Makes a call of Systems Manager; blue is live. The rules that denied it, None where it arrived, once."""
    install(live={"eip_addresses": [places["blue"].public_ip]})

    def call(operation, runbook=STOP, **more):
        return attempt(aws, "ssm", xform_name(operation), RUNS[operation](runbook, more))

    return call


def tagged(name, key="Cluster"):
    return [{"Key": f"tag:{key}", "Values": [name]}]


@pytest.mark.parametrize("operation", RUNS)
def test_built_in_runbooks(operation, ssm):
    """A runbook of AWS's that stops machines is known by every spelling of its name; another one is not inspected."""
    for runbook in SPELLINGS:
        assert ssm(operation, runbook, Targets=tagged("blue")) >= {"live-cluster/stop"}, runbook
        assert ssm(operation, runbook, Targets=tagged("green")) is None, runbook
    assert ssm(operation, "AWS-TerminateEC2Instance:1", Targets=tagged("blue")) >= {"live-cluster/terminate"}
    assert ssm(operation, "Mine", Targets=tagged("blue")) == {"opaque/command", "None"}


def test_selectors_of_a_location(ssm):
    """The selectors of a location count as well as the call's own, of which they take the place."""
    for operation in WITH_LOCATIONS:
        for outer in ({"Targets": tagged("green")}, {}):
            inner = [{**HERE, "Targets": tagged("blue")}]
            assert ssm(operation, **outer, TargetLocations=inner) >= {"live-cluster/stop"}, operation
        inner = [{**HERE, "Targets": tagged("green")}]
        assert ssm(operation, Targets=tagged("green"), TargetLocations=inner) is None, operation
    assert ssm("StartAutomationExecution", TargetLocations=inner) is None


@pytest.mark.parametrize("operation", WITH_LOCATIONS)
def test_locations(operation, ssm):
    """Which machines are live in another region or account cannot be seen from here; what runs here is judged."""
    for there in (
        {**HERE, "Regions": ["eu-west-1", "us-east-1"]},
        {**HERE, "Accounts": ["123456789012", "210987654321"]},
        {**HERE, "Accounts": ["ou-abcd-1234"], "IncludeChildOrganizationUnits": True, "ExcludeAccounts": ["1" * 12]},
        {"Regions": ["eu-west-1"]},
        {"Accounts": ["123456789012"]},
    ):
        denied = ssm(operation, Targets=tagged("green"), TargetLocations=[HERE, there])
        assert denied == {"indirect/unread", "opaque/command", "None"}, there
        assert ssm(operation, "Mine", Targets=tagged("green"), TargetLocations=[there]) == {"opaque/command", "None"}
    for runbook in (STOP, "Mine"):
        assert ssm(operation, runbook, Targets=tagged("green"), TargetLocations=[HERE]) is None


def test_locations_alone_name_no_target(ssm):
    """Where a runbook runs does not say on what."""
    assert ssm("StartAutomationExecution", TargetLocations=[HERE]) >= {"live-cluster/empty-selector"}


def test_each_location_by_itself(aws, install):
    """The way forward works: a call that is made in the other region itself is judged by the machines there."""
    ec2, there = (aws.session().client(name, region_name="us-east-1") for name in ("ec2", "ssm"))
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    for name in ("red", "amber"):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": name}]}]
        new = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=subnet, TagSpecifications=tags)
        if name == "red":
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            ec2.associate_address(AllocationId=address, InstanceId=new["Instances"][0]["InstanceId"])
    aws.answer("StartAutomationExecution", 400, "Arrived", "it arrived")
    install()
    named = {"DocumentName": STOP, "TargetParameterName": "InstanceId", "Targets": tagged("red")}
    with pytest.raises(guardrails.CallDenied, match=r"run in us-east-1, .* seen from eu-west-1\. Instead: Make a call"):
        aws.client("ssm").start_automation_execution(**named, TargetLocations=[{**HERE, "Regions": ["us-east-1"]}])
    with pytest.raises(guardrails.CallDenied, match="a resource of the live cluster red"):
        there.start_automation_execution(**named)
    assert aws.count("StartAutomationExecution") == 0
    with pytest.raises(ClientError, match="it arrived"):
        there.start_automation_execution(**{**named, "Targets": tagged("amber")})
    assert aws.count("StartAutomationExecution") == 1
    # No machine of the region shows whose it is, and AWS may not say who asks: then its account is not known.
    aws.answer("GetCallerIdentity", 403, "AccessDenied", "no")
    with pytest.raises(guardrails.CallDenied, match="would run in 123456789012"):
        aws.client("ssm").start_automation_execution(**named, TargetLocations=[HERE])


@pytest.mark.usefixtures("ssm")
def test_locations_in_a_file(aws):
    """What locations a file names is not known; its address, which holds a signature, is in no message."""
    url = "https://bucket.s3.amazonaws.com/places?X-Amz-Signature=abcdef"
    with pytest.raises(guardrails.CallDenied, match="run in the locations behind TargetLocationsURL") as denied:
        aws.client("ssm").start_automation_execution(DocumentName=STOP, Targets=tagged("green"), TargetLocationsURL=url)
    assert "abcdef" not in str(denied.value)
    assert aws.count("StartAutomationExecution") == 0


@pytest.mark.parametrize("operation", RUNS)
def test_parameters(operation, ssm, places):
    """A machine that a runbook gets as a parameter counts beside those of the selectors."""

    def given(name):
        parameters = {"Parameters": {"InstanceId": [places[name].machine]}}
        return {"TaskInvocationParameters": {"Automation": parameters}} if "Window" in operation else parameters

    for runbook, rule in ((STOP, "live-cluster/stop"), ("Mine", "opaque/command")):
        assert rule in ssm(operation, runbook, Targets=tagged("green"), **given("blue"))
        assert ssm(operation, runbook, Targets=tagged("green"), **given("green")) is None


def test_an_update_may_leave_targets(ssm, places):
    """What an association or a task runs on stays where an update does not say: that cannot be seen from the call."""
    parameters = {"InstanceId": [places["green"].machine]}
    assert ssm("UpdateAssociation", "Mine", Parameters=parameters) == {"opaque/command", "None"}
    inside = {"TaskInvocationParameters": {"Automation": {"Parameters": parameters}}}
    assert ssm("UpdateMaintenanceWindowTask", "Mine", **inside) == {"opaque/command", "None"}
    assert ssm("CreateAssociation", "Mine", Parameters=parameters) is None
    assert ssm("RegisterTaskWithMaintenanceWindow", "Mine", **inside) is None


def test_targets_of_a_window(ssm):
    """Targets that were registered with a window cannot be seen from the call: they need confirmation, as before."""
    named = [{"Key": "WindowTargetIds", "Values": [UUID]}]
    assert ssm("RegisterTaskWithMaintenanceWindow", Targets=named) == {"opaque/command", "None"}


@pytest.mark.parametrize("operation", WITH_LOCATIONS)
def test_parameter_values(operation, ssm, places):
    """A selector whose values are parameters of a runbook is judged by the ids among them; other values are unknown."""

    def values(*names, parameter="InstanceId"):
        key = "AutomationTargetParameterName" if "Association" in operation else "TargetParameterName"
        return {"Targets": [{"Key": "ParameterValues", "Values": list(names)}], key: parameter}

    green, blue = places["green"].machine, places["blue"].machine
    assert ssm(operation, **values(green)) is None
    assert ssm(operation, **values(green, blue)) >= {"live-cluster/stop"}
    assert ssm(operation, **values(green, "web")) >= {"live-cluster/unresolved"}
    assert ssm(operation, "Mine", **values("green-asg", parameter="AutoScalingGroupName")) is None
    assert ssm(operation, "Mine", **values("blue-asg", parameter="AutoScalingGroupName")) >= {"opaque/command"}


@pytest.mark.parametrize("operation", WITH_LOCATIONS)
def test_selectors_of_other_resources(operation, ssm):
    """What else has a tag than machines cannot be seen; what carries the cluster tag is of that cluster."""
    gets = "AutomationTargetParameterName" if "Association" in operation else "TargetParameterName"
    for runbook, parameter, effect in (
        ("AWS-StopRdsInstance", "InstanceId", "stop"),
        ("AWS-DeleteCloudFormationStack", "StackNameOrId", "terminate"),
    ):
        assert ssm(operation, runbook, Targets=tagged("db", "Role"), **{gets: parameter}) >= {"indirect/unread"}
        assert ssm(operation, runbook, Targets=tagged("blue"), **{gets: parameter}) >= {f"live-cluster/{effect}"}
        assert ssm(operation, runbook, Targets=tagged("green"), **{gets: parameter}) is None
    assert ssm(operation, "Mine", Targets=tagged("db", "Role"), **{gets: "VolumeId"}) == {"opaque/command", "None"}
    assert ssm(operation, "Mine", Targets=tagged("green"), **{gets: "VolumeId"}) is None
    for runbook in (STOP, "Mine"):
        assert ssm(operation, runbook, Targets=tagged("db", "Role"), **{gets: "InstanceId"}) is None


def test_every_machine_of_the_region(ssm):
    """Each spelling of "every machine" means the live ones as well."""
    for key in ("AWS::EC2::Instance", "InstanceIds"):
        targets = [{"Key": key, "Values": ["*"]}]
        assert ssm("StartAutomationExecution", Targets=targets) >= {"live-cluster/stop"}, key


@pytest.mark.usefixtures("ssm")
def test_several_keys_of_a_command(places, aws):
    """A command runs on machines that meet every key of its selectors; a key that is given twice may mean either."""
    parts = places.values()
    aws.client("ec2").create_tags(Resources=[each.machine for each in parts], Tags=[{"Key": "Env", "Value": "prod"}])

    def send(*targets):
        return attempt(aws, "ssm", "send_command", {"DocumentName": "AWS-RunShellScript", "Targets": [*targets]})

    prod, green, blue = tagged("prod", "Env"), tagged("green"), tagged("blue")
    assert send(*green, *prod) is None
    assert send(*prod, *green) is None
    assert send(*blue, *prod) == {"opaque/command", "None"}
    assert send(*prod) == {"opaque/command", "None"}
    assert send(*green, *blue) == {"opaque/command", "None"}
    assert send(*green, {"Key": "resource-groups:Name", "Values": ["web"]}) == {"opaque/command", "None"}
    # Of other calls AWS does not say so.
    create = {"Name": "AWS-RunShellScript", "Targets": [*green, *prod]}
    assert attempt(aws, "ssm", "create_association", create) == {"opaque/command", "None"}


@pytest.mark.usefixtures("ssm")
def test_runbooks_that_an_event_starts(places, aws):
    """A rule that starts a runbook of AWS's is judged by what the runbook gets; what an event says is not known."""
    aws.client("events").put_rule(Name="night", ScheduleExpression="rate(1 day)")
    arn = f"arn:aws:ssm:eu-west-1:123456789012:automation-definition/{STOP}:$DEFAULT"

    def put(**how):
        target = {"Id": "1", "Arn": arn, "RoleArn": "arn:aws:iam::123456789012:role/r", **how}
        return attempt(aws, "events", "put_targets", {"Rule": "night", "Targets": [target]})

    gets = {name: json.dumps({"InstanceId": [places[name].machine]}) for name in ("blue", "green")}
    assert put(Input=gets["blue"]) >= {"live-cluster/stop"}
    assert put(Input=gets["green"]) is None
    assert put() == {"opaque/command", "None"}
    assert put(InputTransformer={"InputTemplate": gets["blue"]}) >= {"live-cluster/indirect", "opaque/command"}
