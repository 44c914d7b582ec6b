"""What is not known to be harmless is denied: answers of another shape, machines that are not shown, or not tagged."""

from __future__ import annotations

import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError

import guardrails
from tests.calls.test_every_target import CALLS
from tests.support.places import build

pytestmark = pytest.mark.every(3)

NO_MACHINES = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
# What changes a live machine's disk, address, interface, subnet, routes or gateway.
PARTS = [call for call in CALLS if call[0] == "ec2" and call[1].split("_")[0] not in ("create", "send", "terminate")]
PARTS = [call for call in PARTS if "instance" not in call[1] and call[1] not in ("delete_tags", "withdraw_byoip_cidr")]


def attempt(aws, service, method, params):
    """The rules that denied a call, None where it arrived."""
    client = aws.client(service)
    operation = client.meta.method_to_api_mapping[method]
    aws.answer(operation, 400, "Arrived", "it arrived")
    before = aws.count(operation)
    try:
        getattr(client, method)(**params)
    except guardrails.CallDenied as error:
        assert aws.count(operation) == before, operation
        return {violation.rule for violation in error.decision.violations} | {str(error.decision.unavailable)}
    except ClientError as error:
        arrived = error.response["Error"]["Code"]
        assert (arrived, aws.count(operation)) == ("Arrived", before + 1), operation
    return None


def machines_of(aws, cluster):
    """What AWS answers to an account that may see this cluster's machines only."""
    form = {"Action": "DescribeInstances", "Version": "2016-11-15", "Filter.1.Name": "tag:Cluster"}
    scope = "AWS4-HMAC-SHA256 Credential=key/20231009/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0"
    body = urllib.parse.urlencode({**form, "Filter.1.Value.1": cluster}).encode()
    request = urllib.request.Request(aws.endpoint_url, body, {"Authorization": scope})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


@pytest.fixture
def blue(aws):
    return build(aws, "blue", "10.1")


@pytest.fixture
def green(aws):
    return build(aws, "green", "10.2")


@pytest.mark.parametrize("lookup", ["DescribeInstances", "DescribeAddresses"])
def test_an_answer_of_another_shape_is_no_answer(lookup, aws, blue, install):
    """A 200 whose document is not the look-up's own denies every call on the live cluster, and names the look-up."""
    install(live={"eip_addresses": [blue.public_ip]})
    aws.answer(lookup, 200, "Strange", "not what was asked for")
    for service, method, params in PARTS:
        assert any(f"ec2:{lookup}" in text for text in attempt(aws, service, method, params(blue)) or ()), method


def test_machines_that_are_not_shown(aws, blue, install):
    """An answer without machines proves nothing: what AWS says they hold or use is denied, each call of the list."""
    install(live={"eip_addresses": [blue.public_ip]})
    aws.reply("DescribeInstances", NO_MACHINES)
    for service, method, params in PARTS:
        assert attempt(aws, service, method, params(blue)), method


def test_machines_of_another_account(aws, blue, green, install):
    """The same where another cluster is live: the holder that is named and not shown is what denies."""
    aws.reply("DescribeInstances", machines_of(aws, "green"))
    install(live={"eip_addresses": [green.public_ip]})
    for service, method, params in PARTS:
        assert "live-cluster/unresolved" in (attempt(aws, service, method, params(blue)) or ()), method


def test_what_hangs_on_an_untagged_machine(aws, blue, green, install):
    """Disk, interface, address, subnet, routes and gateway of machines without a cluster tag are denied like these."""
    ec2 = aws.client("ec2")
    described = ec2.describe_instances(Filters=[{"Name": "tag:Cluster", "Values": ["green"]}])
    ids = [machine["InstanceId"] for group in described["Reservations"] for machine in group["Instances"]]
    ec2.delete_tags(Resources=ids, Tags=[{"Key": "Cluster"}])
    install(live={"eip_addresses": [blue.public_ip]})
    for service, method, params in PARTS:
        assert "live-cluster/untagged" in (attempt(aws, service, method, params(green)) or ()), method


def test_the_innocent_sibling(aws, blue, green, install):
    """The same calls on tagged machines that are shown and not live arrive, each of them."""
    install(live={"eip_addresses": [blue.public_ip]})
    for service, method, params in PARTS:
        assert attempt(aws, service, method, params(green)) is None, method


ADDRESS = """<DescribeAddressesResponse><addressesSet><item><publicIp>198.51.100.7</publicIp>
<allocationId>eipalloc-1</allocationId><associationId>eipassoc-1</associationId><domain>vpc</domain>{holder}</item>
</addressesSet></DescribeAddressesResponse>"""


@pytest.mark.parametrize("by", ["networkInterfaceId", "privateIpAddress"])
def test_an_address_without_an_instance_id(by, aws, blue, green, install):
    """An Elastic IP on an interface, or on a private address, makes the cluster of that machine live."""
    value = blue.eni if by == "networkInterfaceId" else blue.private_ip
    aws.reply("DescribeAddresses", ADDRESS.format(holder=f"<{by}>{value}</{by}>"))
    install()
    terminate = ("ec2", "terminate_instances")
    assert "live-cluster/terminate" in attempt(aws, *terminate, {"InstanceIds": [blue.machine]})
    assert attempt(aws, *terminate, {"InstanceIds": [green.machine]}) is None


def test_nat_gateways_are_followed_through_the_routes(aws, blue, install):
    """In one VPC the gateway that only staging routes through may go, with the routes it needs; the live one's not."""
    ec2 = aws.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=[blue.subnet])["Subnets"][0]["VpcId"]
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0"}

    def subnet(number):
        """A subnet with a route table of its own."""
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24")["Subnet"]["SubnetId"]
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=made)
        return made, table

    def gateway(private_table, number):
        """A gateway in a public subnet without machines, for the routes of a table; and its own subnet's table."""
        public, table = subnet(number)
        made = ec2.create_nat_gateway(SubnetId=public)["NatGateway"]["NatGatewayId"]
        ec2.create_route(RouteTableId=private_table, NatGatewayId=made, **everywhere)
        return made, table

    private, greens_table = subnet(7)
    aws.start_cluster("green", 1, subnet=private)
    ec2.delete_route(RouteTableId=blue.route_table, **everywhere)
    (greens, greens_public), (blues, blues_public) = gateway(greens_table, 8), gateway(blue.route_table, 9)
    install(live={"eip_addresses": [blue.public_ip]})
    assert attempt(aws, "ec2", "delete_nat_gateway", {"NatGatewayId": greens}) is None
    assert attempt(aws, "ec2", "delete_route", {"RouteTableId": greens_public, **everywhere}) is None
    assert "live-cluster/traffic" in attempt(aws, "ec2", "delete_nat_gateway", {"NatGatewayId": blues})
    assert "network/route-table" in attempt(aws, "ec2", "delete_route", {"RouteTableId": blues_public, **everywhere})
