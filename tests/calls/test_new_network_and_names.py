"""New routes, ACL entries, endpoints, records and zones: what takes from the live cluster, and what only adds."""

from __future__ import annotations

import pytest

from tests.calls.test_unknown_holders import attempt
from tests.support import rest

pytestmark = pytest.mark.every(3)


@pytest.fixture
def places(places, install):
    """Blue is live, green is not; each in a network of its own, with a default route to a NAT gateway."""
    built = tuple(places.values())
    install(live={"eip_addresses": [built[0].public_ip]})
    return built


ROUTES = [
    ({"DestinationCidrBlock": "203.0.113.0/24"}, False),
    ({"DestinationCidrBlock": "0.0.0.0/1"}, False),
    ({"DestinationCidrBlock": "10.1.1.0/25"}, False),
    ({"DestinationPrefixListId": "pl-1"}, False),
    ({"DestinationCidrBlock": "10.50.0.0/16"}, True),
    ({"DestinationCidrBlock": "192.168.7.0/24"}, True),
    ({"DestinationIpv6CidrBlock": "::/0"}, True),
]


@pytest.mark.parametrize(("destination", "arrives"), ROUTES)
def test_new_routes(destination, arrives, places, aws):
    """A route that is narrower than one the live table has is denied; one that leads where none leads today arrives."""
    blue, green = places
    denied = attempt(
        aws, "ec2", "create_route", {"RouteTableId": blue.route_table, "GatewayId": "igw-1", **destination}
    )
    assert (denied is None) is arrives, denied
    assert arrives or denied >= {"network/route-table"}
    to_green = {"RouteTableId": green.route_table, "GatewayId": "igw-1", **destination}
    assert attempt(aws, "ec2", "create_route", to_green) is None


ENTRIES = [
    ({"RuleNumber": 1, "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}, False),
    ({"RuleNumber": 99, "RuleAction": "deny", "CidrBlock": "10.0.0.0/8"}, False),
    ({"RuleNumber": 1, "RuleAction": "deny", "Ipv6CidrBlock": "::/0"}, False),
    ({"RuleNumber": 1, "RuleAction": "deny", "CidrBlock": "10.1.1.9/32"}, False),
    ({"RuleNumber": 1, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}, True),
    ({"RuleNumber": 101, "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}, True),
    ({"RuleNumber": 1, "RuleAction": "deny", "CidrBlock": "203.0.113.7/32"}, True),
]


@pytest.mark.parametrize(("entry", "arrives"), ENTRIES)
def test_new_acl_entries(entry, arrives, places, aws):
    """A denial before the entry that lets users in is denied; allowing more, one address, or a later denial arrives."""
    blue, green = places
    for egress in (False, True):
        common = {"Protocol": "-1", "Egress": egress, **entry}
        denied = attempt(aws, "ec2", "create_network_acl_entry", {"NetworkAclId": blue.acl, **common})
        assert (denied is None) is (arrives and not (egress and "203" in str(entry))), denied
        assert attempt(aws, "ec2", "create_network_acl_entry", {"NetworkAclId": green.acl, **common}) is None


def vpc_of(aws, place):
    return aws.client("ec2").describe_subnets(SubnetIds=[place.subnet])["Subnets"][0]["VpcId"]


@pytest.mark.parametrize(
    ("content", "arrives"),
    [
        ({"VpcEndpointType": "Interface"}, False),
        ({"VpcEndpointType": "Interface", "PrivateDnsEnabled": True}, False),
        ({"VpcEndpointType": "Interface", "PrivateDnsEnabled": False}, True),
        ({"RouteTableIds": ["table"]}, False),
        ({"VpcEndpointType": "Gateway"}, True),
    ],
)
def test_new_endpoints(content, arrives, places, aws):
    """An endpoint that hides a service's public name, or takes its route, is denied in the live network only."""
    for place in places:
        tables = {"RouteTableIds": [place.route_table]} if "RouteTableIds" in content else {}
        params = {"VpcId": vpc_of(aws, place), "ServiceName": "com.amazonaws.eu-west-1.s3", **content, **tables}
        denied = attempt(aws, "ec2", "create_vpc_endpoint", params)
        assert (denied is None) is (arrives or place is places[1]), denied


def changed(zone, action, name, kind="A", value="192.0.2.1", **more):
    record = {"Name": name, "Type": kind, **more}
    record |= {} if "AliasTarget" in more else {"TTL": 60, "ResourceRecords": [{"Value": value}]}
    return {"HostedZoneId": zone, "ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": record}]}}


@pytest.mark.parametrize("action", ["CREATE", "UPSERT"])
def test_new_records(action, places, aws):
    """A record that takes its name from the live wildcard, shares its name, or cuts off a branch is denied."""
    blue, green = places
    route53 = aws.client("route53")
    zones = {}
    for place in places:
        zone = route53.create_hosted_zone(Name="example.org", CallerReference=place.public_ip)["HostedZone"]["Id"]
        for name, more in (("*.apps", {}), ("www", {"SetIdentifier": "one", "Weight": 10}), ("api.v1", {})):
            route53.change_resource_record_sets(
                **changed(zone, "CREATE", f"{name}.example.org", value=place.public_ip, **more)
            )
        zones[place.public_ip] = zone

    def create(place, *args, **more):
        change = changed(zones[place.public_ip], action, *args, **more)
        return rest.attempt(aws, "route53", "change_resource_record_sets", change)

    share = {"SetIdentifier": "two", "Weight": 10}
    for args, more in (
        (("shop.apps.example.org",), {}),
        (("a.b.apps.example.org",), {}),
        (("www.example.org",), share),
        (("v1.example.org", "NS", "ns.example.net"), {}),
    ):
        assert create(blue, *args, **more) >= {"live-cluster/traffic"}, args
        assert create(green, *args, **more) is None
    assert create(blue, "new.example.org") is None
    assert create(blue, "branch.example.org", "NS", "ns.example.net") is None
    assert create(blue, "www.example.org", "TXT", '"text"') is None
    assert create(blue, "shop.apps.example.org", value=blue.public_ip) is None
    if action == "CREATE":
        assert create(blue, "www.example.org", **{**share, "Weight": 0}) is None


def test_private_zones(places, aws):
    """A private zone in the live network is denied where it hides names that have an answer today."""
    blue, green = places
    route53 = aws.client("route53")
    public = route53.create_hosted_zone(Name="example.org", CallerReference="a")["HostedZone"]["Id"]

    def private(place, name):
        vpc = {"VPCRegion": "eu-west-1", "VPCId": vpc_of(aws, place)}
        return rest.attempt(aws, "route53", "create_hosted_zone", {"Name": name, "VPC": vpc, "CallerReference": "x"})

    for name in ("example.org", "www.example.org", "org", "amazonaws.com"):
        assert private(blue, name) >= {"network/other"}, name
        assert private(green, name) is None
    assert private(blue, "db.internal") is None
    assert rest.attempt(aws, "route53", "create_hosted_zone", {"Name": "example.com", "CallerReference": "x"}) is None
    for place in places:
        vpc = {"VPCRegion": "eu-west-1", "VPCId": vpc_of(aws, place)}
        denied = rest.attempt(aws, "route53", "associate_vpc_with_hosted_zone", {"HostedZoneId": public, "VPC": vpc})
        assert (denied is None) is (place is green)
