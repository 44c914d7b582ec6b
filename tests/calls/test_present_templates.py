"""Templates that are there already, of a stack or a stack set: what other values or other places make of them."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_unknown_holders import attempt

NAMES = ("blue", "green")
# A route that the stack adds to the table of its parameter.
ROUTE = {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "198.51.100.0/24", "GatewayId": {"Ref": "Gateway"}}
TEMPLATE = json.dumps(
    {
        "Parameters": {name: {"Type": "String"} for name in ("Table", "Gateway")},
        "Resources": {"Route": {"Type": "AWS::EC2::Route", "Properties": ROUTE}},
    }
)


@pytest.fixture
def made(aws, places, install):
    """A stack and a stack set of staging from this template, with green's table. It has no place yet."""
    ec2, stacks = aws.client("ec2"), aws.client("cloudformation")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    vpc = ec2.describe_subnets(SubnetIds=[places["green"].subnet])["Subnets"][0]["VpcId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    def values(table):
        return given(Table=places[table].route_table, Gateway=gateway)

    stacks.create_stack(StackName="staging", TemplateBody=TEMPLATE, Parameters=values("green"))
    for name in NAMES:
        stacks.create_stack_set(StackSetName=name, TemplateBody=TEMPLATE, Parameters=values(name))
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return values


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


PREVIOUS = [{"ParameterKey": "Gateway", "UsePreviousValue": True}]


def test_other_values_for_the_template_of_a_stack(aws, places, made):
    """UpdateStack with the present template puts a route into the table that its parameters name: not the live one."""
    for name in NAMES:
        table = given(Table=places[name].route_table)
        for values in (made(name), [*table, *PREVIOUS]):
            for template in ({"UsePreviousTemplate": True}, {"TemplateBody": TEMPLATE}):
                update = {"StackName": "staging", "Parameters": values, **template}
                denied = attempt(aws, "cloudformation", "update_stack", update)
                assert bool(denied) == (name == "blue"), (name, values, template, denied)
    unchanged = [*PREVIOUS, {"ParameterKey": "Table", "UsePreviousValue": True}]
    update = {"StackName": "staging", "UsePreviousTemplate": True, "Parameters": unchanged}
    assert attempt(aws, "cloudformation", "update_stack", update) is None


def test_a_template_that_is_not_shown(aws, made):
    """Without the present template it is not known what other values change: denied, with the look-ups it needs."""
    aws.answer("GetTemplate", 403, "AccessDenied", "no")
    aws.answer("DescribeStackSet", 403, "AccessDenied", "no")
    update = {"StackName": "staging", "UsePreviousTemplate": True, "Parameters": made("green")}
    assert attempt(aws, "cloudformation", "update_stack", update) >= {"indirect/unread"}
    places = {"StackSetName": "green", "Accounts": ["123456789012"], "Regions": ["eu-west-1"]}
    assert attempt(aws, "cloudformation", "create_stack_instances", places) >= {"indirect/unread"}


def test_places_of_a_stack_set(aws, places, made):
    """CreateStackInstances makes what the set's template creates, with its values or others: not in a live table."""
    for name in NAMES:
        params = {"StackSetName": name, "Accounts": ["123456789012"], "Regions": ["eu-west-1"]}
        denied = attempt(aws, "cloudformation", "create_stack_instances", params)
        assert bool(denied) == (name == "blue"), denied
        # Blue's set with green's table, and the other way round.
        other = given(Table=places["green" if name == "blue" else "blue"].route_table)
        denied = attempt(aws, "cloudformation", "create_stack_instances", {**params, "ParameterOverrides": other})
        assert bool(denied) == (name == "green"), denied
