"""What templates and change sets create may take something from the live cluster, like the services' own calls."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.calls.test_created_resources import ALLOW, DENY
from tests.calls.test_same_act_other_api import HEAD, fronts
from tests.calls.test_unknown_holders import attempt

KNOWN_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


@pytest.fixture
def sides(aws, worlds, install):
    """Blue, which is live, and green, which is not, each with a load balancer and a DNS name."""
    made = worlds.once("sides", lambda: fronts(aws))
    install(live={"sources": ["eip"], "eip_addresses": [made["blue"].parts.public_ip]})
    return made


def route(s):
    """A route that takes a part of the internet."""
    return {"RouteTableId": s.parts.route_table, "DestinationCidrBlock": "0.0.0.0/1", "GatewayId": "igw-12345678"}


ANYWHERE = [{"Field": "path-pattern", "Values": ["*"]}]
REFUSED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]
CREATED = [
    ("AWS::EC2::Route", route),
    ("AWS::EC2::EIPAssociation", lambda s: {"AllocationId": s.parts.allocation, "InstanceId": "i-0123456789abcdef0"}),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", lambda s: {
        "ListenerArn": s.listener, "Priority": 1, "Conditions": ANYWHERE, "Actions": REFUSED}),
    ("AWS::Route53::RecordSet", lambda s: {
        "HostedZoneId": s.zone, "Name": s.host, "Type": "AAAA", "ResourceRecords": ["2001:db8::1"]}),
    ("AWS::Route53Resolver::ResolverRuleAssociation", lambda s: {"VPCId": s.vpc, "ResolverRuleId": "rslvr-rr-1"}),
]  # fmt: skip


def template(kind, properties, **more):
    return {"Resources": {"New": {"Type": kind, "Properties": properties}}, **more}


def create(aws, name, body, **more):
    """The rules that deny a new stack, None where the call arrives."""
    text = body if isinstance(body, str) else json.dumps(body)
    return attempt(aws, "cloudformation", "create_stack", {"StackName": name, "TemplateBody": text, **more})


def test_new_stacks(sides, aws):
    """A template that takes something of the live cluster is denied, as JSON and as YAML; green's arrives."""
    for number, (kind, properties) in enumerate(CREATED):
        for name, side in sides.items():
            body = template(kind, properties(side))
            for text in (json.dumps(body), yaml.safe_dump(body)):
                rules = create(aws, f"s{number}", text)
                assert (rules is None) is (name == "green"), (kind, name, rules)


def test_updates_of_stacks(sides, aws):
    """A stack of green's is not updated to take something of blue's; to take something of green's it is."""
    head = HEAD.format("ListStackResources")
    machine = f"<PhysicalResourceId>{sides['green'].parts.machine}</PhysicalResourceId>"
    member = f"<member><ResourceType>AWS::EC2::Instance</ResourceType><LogicalResourceId>M</LogicalResourceId>{machine}"
    inside = f"<StackResourceSummaries>{member}<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
    tail = "</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>"
    aws.reply("ListStackResources", f"{head}{inside}{tail}")
    for name, side in sides.items():
        params = {"StackName": "greens", "TemplateBody": json.dumps(template("AWS::EC2::Route", route(side)))}
        rules = attempt(aws, "cloudformation", "update_stack", params)
        assert rules == ({"live-cluster/replace", "None"} if name == "blue" else None)


def test_values_in_a_template(sides, aws):
    """Parameters, their defaults, joins and exports are followed; what the stack creates itself is not there yet."""
    exports = "".join(
        f"<member><Name>{name}-table</Name><Value>{side.parts.route_table}</Value></member>"
        for name, side in sides.items()
    )
    head = HEAD.format("ListExports")
    aws.reply("ListExports", f"{head}<Exports>{exports}</Exports></ListExportsResult></ListExportsResponse>")
    for name, side in sides.items():
        table = side.parts.route_table
        start, end = table[:8], table[8:]
        declared = {"Table": {"Type": "String"}, "Default": {"Type": "String", "Default": table}}
        given = [{"ParameterKey": "Table", "ParameterValue": table}]
        for reference in (
            {"Ref": "Table"}, {"Ref": "Default"}, {"Fn::Sub": "${Table}"}, {"Fn::Join": ["", [start, end]]},
            {"Fn::ImportValue": f"{name}-table"}, {"Fn::If": ["C", {"Ref": "Table"}, {"Ref": "AWS::NoValue"}]},
        ):  # fmt: skip
            body = template("AWS::EC2::Route", {**route(side), "RouteTableId": reference}, Parameters=declared)
            rules = create(aws, "values", body, Parameters=given)
            assert (rules is None) is (name == "green"), (name, reference, rules)
    unknown = template("AWS::EC2::Route", {**route(side), "RouteTableId": "{{resolve:ssm:table}}"})
    assert create(aws, "unknown", unknown) == {"indirect/unread", "None"}


def test_what_a_stack_has_of_its_own(sides, aws):
    """A whole new cluster, with routes, rules, roles and groups of its own, is created without a look-up."""
    own = {
        "Table": ("AWS::EC2::RouteTable", {"VpcId": sides["blue"].vpc}),
        "Route": ("AWS::EC2::Route", {**route(sides["blue"]), "RouteTableId": {"Ref": "Table"}}),
        "Group": ("AWS::ElasticLoadBalancingV2::TargetGroup", {"Port": 80}),
        "Rule": ("AWS::ElasticLoadBalancingV2::ListenerRule", {
            "ListenerArn": {"Fn::GetAtt": ["Listener", "Arn"]}, "Priority": 1, "Conditions": ANYWHERE,
            "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}]}),
        "Machines": ("AWS::AutoScaling::AutoScalingGroup", {"TargetGroupARNs": [{"Ref": "Group"}], "MinSize": "1"}),
        "Role": ("AWS::IAM::Role", {}),
        "Policy": ("AWS::IAM::Policy", {"Roles": [{"Ref": "Role"}], "PolicyName": "p", "PolicyDocument": DENY}),
        "Queue": ("AWS::SQS::Queue", {}),
        "Allows": ("AWS::SQS::QueuePolicy", {"Queues": [{"Ref": "Queue"}], "PolicyDocument": DENY}),
        "Other": ("AWS::IAM::Policy", {"Roles": ["some-role"], "PolicyName": "p", "PolicyDocument": ALLOW}),
        "Topic": ("AWS::SNS::Topic", {}),
    }  # fmt: skip
    body = {"Resources": {name: {"Type": kind, "Properties": values} for name, (kind, values) in own.items()}}
    aws.clear()
    assert create(aws, "new", body) is None
    assert len(aws.requests) == 1


def test_who_joins_the_live_balancer(sides, aws):
    """A group of another cluster that joins the live balancer is denied in a template; blue's own group arrives."""
    for cluster, arrives in (("small", False), ("blue", True)):
        tags = [{"Key": "Cluster", "Value": cluster, "PropagateAtLaunch": True}]
        group = {"MinSize": "1", "MaxSize": "1", "TargetGroupARNs": [sides["blue"].group], "Tags": tags}
        rules = create(aws, f"joins-{cluster}", template("AWS::AutoScaling::AutoScalingGroup", group))
        assert (rules is None) is arrives, rules


SUMMARY = "<ResourceTypes>{}</ResourceTypes></GetTemplateSummaryResult></GetTemplateSummaryResponse>"


@pytest.mark.parametrize(("kinds", "arrives"), [(("AWS::SNS::Topic",), True), (("AWS::EC2::Route",), False)])
def test_a_template_behind_a_url(kinds, arrives, sides, aws):
    """Only the types in it are known: where one of them may take something, the message says what to do instead."""
    members = "".join(f"<member>{kind}</member>" for kind in kinds)
    aws.reply("GetTemplateSummary", HEAD.format("GetTemplateSummary") + SUMMARY.format(members))
    params = {"StackName": "far", "TemplateURL": "https://bucket.s3.amazonaws.com/template.json"}
    rules = attempt(aws, "cloudformation", "create_stack", params)
    assert rules == (None if arrives else {"indirect/unread", "None"})


def change_set(kind, properties):
    """DescribeChangeSet's answer for one resource that is added. moto shows no properties."""
    context = json.dumps({"Properties": properties}).replace('"', "&quot;")
    change = f"<Action>Add</Action><LogicalResourceId>New</LogicalResourceId><ResourceType>{kind}</ResourceType>"
    shown = f"<ResourceChange>{change}<AfterContext>{context}</AfterContext></ResourceChange>"
    inside = f"<StackName>s</StackName><Changes><member><Type>Resource</Type>{shown}</member></Changes>"
    return f"{HEAD.format('DescribeChangeSet')}{inside}</DescribeChangeSetResult></DescribeChangeSetResponse>"


def test_change_sets_that_add(sides, aws):
    """What a change set adds is judged by the properties that it shows; what it creates itself is not there yet."""
    for number, (kind, properties) in enumerate(CREATED):
        for name, side in sides.items():
            aws.reply("DescribeChangeSet", change_set(kind, properties(side)))
            params = {"ChangeSetName": f"{name}{number}", "StackName": "s"}
            rules = attempt(aws, "cloudformation", "execute_change_set", params)
            assert (rules is None) is (name == "green"), (kind, name, rules)
    aws.reply("DescribeChangeSet", change_set("AWS::EC2::Route", {**route(side), "RouteTableId": KNOWN_LATER}))
    params = {"ChangeSetName": "own", "StackName": "s"}
    assert attempt(aws, "cloudformation", "execute_change_set", params) is None
