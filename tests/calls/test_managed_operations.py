"""Quick Setup, Incident Manager and Systems Manager for SAP stop machines that a call names in their own ways.

moto simulates none of them: an error says that the request arrived, and the server counts it.
"""

from __future__ import annotations

import json

import pytest

from tests.support import rest

PLACE = {"TargetRegions": "eu-west-1", "TargetAccounts": "123456789012"}
MANAGER = "arn:aws:ssm-quicksetup:eu-west-1:123456789012:configuration-manager/b85ccafe-9f02-4812-9b81-01234567890e"
CALENDAR = {"ICalendarString": "BEGIN:VCALENDAR", "TargetTagKey": "Cluster"}
PATCHES = {"ConfigurationOptionsPatchOperation": "ScanAndInstall", "TargetType": "InstanceIds"}
ASKED = {"opaque/command", "None"}


@pytest.fixture
def blue(places, aws, install, monkeypatch):
    """Blue is live, green is not."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return places["blue"].machine


@pytest.mark.parametrize("updates", [False, True])
def test_quick_setup(updates, blue, places, aws):
    """A calendar that stops machines by a tag, and patches that restart them, are judged by the machines they mean."""

    def setup(**parameters):
        given = {**PLACE, **parameters}
        if updates:
            params = {"Id": "1", "ManagerArn": MANAGER, "Parameters": given}
            return rest.attempt(aws, "ssm-quicksetup", "update_configuration_definition", params)
        params = {"ConfigurationDefinitions": [{"Type": "AWSQuickSetupType-Scheduler", "Parameters": given}]}
        return rest.attempt(aws, "ssm-quicksetup", "create_configuration_manager", params)

    assert setup(**CALENDAR, TargetTagValue="blue") >= {"live-cluster/stop"}
    assert setup(**CALENDAR, TargetTagValue="green") is None
    for there in ({"TargetRegions": "eu-west-1, us-east-1"}, {"TargetOrganizationalUnits": "ou-abcd-12345678"}):
        assert setup(**CALENDAR, TargetTagValue="green", **there) == {"indirect/unread", "None"}
    assert setup(**PATCHES, TargetInstances=f"{places['green'].machine},{blue}") == ASKED
    assert setup(**PATCHES, TargetInstances=places["green"].machine) is None
    assert setup(**{**PATCHES, "TargetType": "*"}) == ASKED
    assert setup(**{**PATCHES, "TargetType": "ResourceGroups"}, ResourceGroupName="web") == ASKED
    assert setup(ConfigurationOptionsPatchOperation="Scan", TargetType="*") is None


@pytest.mark.parametrize("method", ["create_response_plan", "update_response_plan"])
def test_response_plans(method, blue, places, aws):
    """A runbook that each incident starts is judged by the machines it gets; a plan without one starts nothing."""
    named = {"arn": "arn:aws:ssm-incidents::123456789012:response-plan/p"}
    if method.startswith("create"):
        named = {"name": "p", "incidentTemplate": {"title": "t", "impact": 1}}

    def plan(machine, runbook="AWS-StopEC2Instance", **more):
        given = {"documentName": runbook, "roleArn": "arn:aws:iam::123456789012:role/r", **more}
        action = {"ssmAutomation": {**given, "parameters": {"InstanceId": [machine]}}}
        return rest.attempt(aws, "ssm-incidents", method, {**named, "actions": [action]})

    assert plan(blue) >= {"live-cluster/stop"}
    assert plan(blue, "AWS-TerminateEC2Instance") >= {"live-cluster/terminate"}
    assert plan(blue, "Mine") == ASKED
    for runbook in ("AWS-StopEC2Instance", "Mine"):
        assert plan(places["green"].machine, runbook) is None
    assert plan(places["green"].machine, targetAccount="IMPACTED_ACCOUNT") >= {"indirect/unread"}
    assert rest.attempt(aws, "ssm-incidents", method, named) is None


def test_applications_of_sap(blue, places, aws):
    """Stopping one is judged by its cluster tag; without a tag it may be on any machine."""
    rows = [
        {"ResourceARN": f"arn:aws:{name}", "Tags": [{"Key": "Cluster", "Value": cluster}]}
        for cluster in ("blue", "green")
        for name in (
            f"ssm-sap:eu-west-1:123456789012:HANA/{cluster}",
            f"ec2:eu-west-1:123456789012:instance/{places[cluster].machine}",
        )
    ]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": rows}))

    def stop(name):
        params = {"ApplicationId": name, "IncludeEc2InstanceShutdown": True}
        return rest.attempt(aws, "ssm-sap", "stop_application", params)

    assert stop("blue") == {"live-cluster/stop", "None"}
    assert stop("green") is None
    assert stop("other") == {"indirect/untraced", "None"}
    assert blue
