"""Lists that are more than a page: what a call is about is asked for by a filter, and decisions stay the same.

AWS's pages have 1,000 interfaces or rules, or 100 route tables. Here they have 5, so that moto can have more; moto
knows no pages of these lists, so they are made here.
"""

from __future__ import annotations

import re
from collections import Counter

import boto3
import moto.ec2.models.elastic_network_interfaces as interfaces
import moto.ec2.models.route_tables as tables
import pytest
from moto.core.responses import ActionResult
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups

import guardrails
from guardrails.resolve import connection, lists
from tests.benchmarks import networks, stand_in
from tests.calls.test_every_target import CALLS
from tests.calls.test_unknown_holders import attempt, blue, green

__all__ = ["blue", "green"]

PAGE = 5
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
LISTS = {
    "DescribeNetworkInterfaces": (ElasticNetworkInterfaces, "describe_network_interfaces", "NetworkInterfaces"),
    "DescribeRouteTables": (RouteTables, "describe_route_tables", "RouteTables"),
    "DescribeSecurityGroupRules": (SecurityGroups, "describe_security_group_rules", "SecurityGroupRules"),
}
# The calls on what these lists describe.
NETWORK = [call for call in CALLS if re.search("subnet|route|acl|nat_|interface|private_ip|ipv6", call[1])]
SUBNET = ("ec2", "modify_subnet_attribute")
GATEWAY = ("ec2", "delete_nat_gateway")


def _in_pages(own, member):
    def answer(response):
        items = [*own(response)._result[member]]
        most = response._get_int_param("MaxResults") or len(items)
        start = int(response._get_param("NextToken") or 0)
        more = {"NextToken": str(start + most)} if start + most < len(items) else {}
        return ActionResult({member: items[start : start + most], **more})

    return answer


@pytest.fixture
def guarded(aws, blue, green, monkeypatch, install):
    """Blue is live; the lists have more than a page, most of it about clusters that no call is about."""
    other = aws.start_cluster("other", 6)
    ec2 = aws.client("ec2")
    (interface,) = ec2.describe_network_interfaces(
        Filters=[{"Name": "attachment.instance-id", "Values": other.instance_ids[:1]}]
    )["NetworkInterfaces"]
    for _ in range(PAGE):
        ec2.create_route_table(VpcId=interface["VpcId"])
    aws.clear()
    for operation, (responses, method, member) in LISTS.items():
        monkeypatch.setattr(responses, method, _in_pages(getattr(responses, method), member))
        monkeypatch.setitem(connection._PAGE, operation, PAGE)
    monkeypatch.setattr(lists, "_EXAMPLES", PAGE)
    known = RouteTable.get_filter_value
    monkeypatch.setattr(
        RouteTable,
        "get_filter_value",
        lambda table, name: (
            [each.instance.id for each in table.routes if each.instance]
            if name == "route.instance-id"
            else known(table, name)
        ),
    )
    return lambda **config: install(live={"eip_addresses": [blue.public_ip]}, **config)


def asked(aws, operation):
    """The filters of the requests for a list, "" for one of its pages."""
    requests = [request for request in aws.requests if request.operation == operation]
    return [request.params.get("Filter.1.Name", "") for request in requests]


def change(parts):
    return {"SubnetId": parts.subnet, "MapPublicIpOnLaunch": {"Value": True}}


def test_decisions_are_those_of_short_lists(aws, blue, green, guarded):
    """Each call on the live cluster is denied and the same on the other one arrives, and no list is read whole."""
    guarded()
    for service, method, params in NETWORK:
        assert attempt(aws, service, method, params(blue)), method
        assert attempt(aws, service, method, params(green)) is None, method
    for operation in LISTS:
        pages = [request for request in aws.requests if request.operation == operation]
        assert not [
            request for request in pages if "NextToken" in request.params and "Filter.1.Name" not in request.params
        ]


def test_the_next_decision_asks_at_once(aws, green, guarded, monkeypatch):
    """A decision after the first asks for its subnet beside everything else; a gateway's tables follow by its VPC."""
    guarded()
    assert attempt(aws, *SUBNET, change(green)) is None
    rounds, fetch = [], lists.Lists.further
    monkeypatch.setattr(lists.Lists, "further", lambda own: rounds.append(found := fetch(own)) or found)
    aws.clear()
    assert attempt(aws, *SUBNET, change(green)) is None
    assert {*asked(aws, "DescribeNetworkInterfaces")} == {"", "subnet-id"}
    assert {lookup.operation for each in rounds for lookup in each} == {"DescribeRouteTables"}


def test_a_machine_that_routes_lead_to(aws, blue, green, guarded, monkeypatch):
    """Among more tables than a page, the next decision finds at once whether a route leads to a machine."""
    ec2, router = aws.client("ec2"), aws.start_cluster("nat", 3)
    ec2.create_route(
        RouteTableId=blue.route_table, DestinationCidrBlock="10.99.0.0/16", InstanceId=router.instance_ids[0]
    )
    guarded()
    first, second, third = router.instance_ids
    assert attempt(aws, "ec2", "terminate_instances", {"InstanceIds": [second]}) is None
    assert attempt(aws, "ec2", "terminate_instances", {"InstanceIds": [first]}) >= {"live-cluster/terminate"}
    rounds, fetch = [], lists.Lists.further
    monkeypatch.setattr(lists.Lists, "further", lambda own: rounds.append(found := fetch(own)) or found)
    aws.clear()
    assert attempt(aws, "ec2", "terminate_instances", {"InstanceIds": [third]}) is None
    assert {*asked(aws, "DescribeRouteTables")} == {"", "route.instance-id"}
    assert not [lookup for each in rounds for lookup in each]


def test_a_rule_of_a_security_group(aws, blue, green, guarded):
    """A rule is found by its id among more than a page: one of the live machines' group is denied, another passes."""
    ec2 = aws.client("ec2")
    groups = []
    for parts in (blue, green):
        vpc = ec2.describe_subnets(SubnetIds=[parts.subnet])["Subnets"][0]["VpcId"]
        groups.append(ec2.create_security_group(GroupName="own", Description="own", VpcId=vpc)["GroupId"])
        ec2.modify_network_interface_attribute(NetworkInterfaceId=parts.eni, Groups=groups[-1:])
        for port in (80, 443):
            ec2.authorize_security_group_ingress(
                GroupId=groups[-1], IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0"
            )
    rules = [
        ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
        for group in groups
    ]
    guarded()
    of_blue, of_green = ({"GroupId": group, "SecurityGroupRuleIds": [each[-1]["SecurityGroupRuleId"]]}
                         for group, each in zip(groups, rules, strict=True))  # fmt: skip
    revoke = "ec2", "revoke_security_group_ingress"
    for _ in range(2):
        assert attempt(aws, *revoke, of_blue)
        assert attempt(aws, *revoke, of_green) is None
    assert attempt(aws, *revoke, {**of_green, "SecurityGroupRuleIds": ["sgr-0123456789abcdef0"]})


def test_a_filter_that_finds_nothing(aws, green, guarded, monkeypatch):
    """Where a filter finds nothing, not even what is known to be there, its empty answer is no evidence."""
    guarded()
    assert attempt(aws, *SUBNET, change(green)) is None
    own = interfaces.generic_filter
    finds = lambda filters, items: [] if "subnet-id" in (filters or {}) else own(filters, items)
    monkeypatch.setattr(interfaces, "generic_filter", finds)
    for _ in range(2):
        (why,) = attempt(aws, *SUBNET, change(green))
        assert "subnet-id" in why


def test_an_empty_subnet(aws, green, guarded):
    """A subnet without an interface is believed to be empty: the same filter finds the interfaces of another one."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    empty = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    guarded()
    for _ in range(2):
        assert attempt(aws, "ec2", "delete_subnet", {"SubnetId": empty}) is None


def test_tables_that_are_not_shown(aws, blue, green, guarded, monkeypatch):
    """A gateway whose VPC shows no route table may serve anything: deleting it is denied, whatever cluster it is in."""
    guarded()
    assert attempt(aws, *GATEWAY, {"NatGatewayId": green.nat}) is None
    own = tables.generic_filter
    finds = lambda filters, items: [] if "vpc-id" in (filters or {}) else own(filters, items)
    monkeypatch.setattr(tables, "generic_filter", finds)
    for parts in (blue, green):
        assert attempt(aws, *GATEWAY, {"NatGatewayId": parts.nat})


def test_more_interfaces_than_machines(aws, blue, green, guarded):
    """Machines fit on one page where interfaces do not: what is open about these is asked for, too."""
    guarded()
    assert attempt(aws, *SUBNET, change(blue))
    assert attempt(aws, *SUBNET, change(green)) is None
    assert "subnet-id" in asked(aws, "DescribeNetworkInterfaces")


def test_a_region_of_ten_thousand(install):
    """Counted at a stand-in for EC2: calls on networks arrive after a few requests, and no list is read whole."""
    with stand_in.account(10_000) as address:
        client = boto3.client(
            "ec2", "eu-west-1", endpoint_url=address, aws_access_key_id="a", aws_secret_access_key="b"
        )
        install(pacing={"enabled": False})
        here, live = dict(networks.changes(9_999)), dict(networks.changes(0))
        # What is behind the gateway of a VPC may be thousands of machines, and all of them are read.
        del here["delete_nat_gateway"]
        for method, params in here.items():
            stand_in.recorded(address)
            getattr(client, method)(**params)
            asked = Counter(each.operation for each in stand_in.recorded(address))
            assert asked[client.meta.method_to_api_mapping[method]] == 1
            assert asked["DescribeNetworkInterfaces"] <= 3
            assert asked.total() <= 16
        with pytest.raises(guardrails.CallDenied):
            client.delete_network_interface(**live["delete_network_interface"])
        assert stand_in.asked(address)["DeleteNetworkInterface"] == 0
