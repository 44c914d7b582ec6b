"""The source `dns`: live is where the records of the configured names lead."""

from __future__ import annotations

import pytest

from tests.support.balancers import BehindBalancer
from tests.support.sources import assert_denied_without, assert_protects, seen_by

NAME = "www.example.com"
STATUS = """<GetHealthCheckStatusResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><HealthCheckObservations>
<HealthCheckObservation><Region>eu-west-1</Region><IPAddress>198.51.100.1</IPAddress><StatusReport>
<Status>{status}</Status></StatusReport></HealthCheckObservation></HealthCheckObservations>
</GetHealthCheckStatusResponse>"""


class Zone:
    """A hosted zone of the simulated AWS."""

    def __init__(self, aws, name="example.com"):
        self.route53 = aws.client("route53")
        self.id = self.route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]

    def record(self, name, kind, *values, **more):
        record = {"Name": name, "Type": kind, **more}
        if values:
            record |= {"TTL": 60, "ResourceRecords": [{"Value": value} for value in values]}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
        self.route53.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch={"Changes": changes})

    def alias(self, name, to, *, kind="A", evaluate=False, **more):
        target = {"HostedZoneId": "Z1", "DNSName": to, "EvaluateTargetHealth": evaluate}
        self.record(name, kind, AliasTarget=target, **more)


@pytest.fixture
def shop(aws):
    """Two clusters without an Elastic IP, and a zone."""
    return aws, aws.start_cluster("blue", 2), aws.start_cluster("green", 2), Zone(aws)


def public_ip(aws, cluster):
    machines = aws.client("ec2").describe_instances(InstanceIds=[cluster.instance_ids[0]])
    return machines["Reservations"][0]["Instances"][0]["PublicIpAddress"]


def seen(aws, install, *names, **live):
    return seen_by("dns", aws, install, records=[*(names or [NAME])], **live)


def weighted(zone, shares):
    for value, weight in shares:
        zone.record(NAME, "A", value, SetIdentifier=value, Weight=weight)


def test_addresses_and_weights(shop, install):
    """Records with a weight are live, one with the weight 0 is not, and all are where every weight is 0."""
    aws, blue, green, zone = shop
    ips = [public_ip(aws, side) for side in (blue, green)]
    for weights, expected in (((100, 0), ("blue",)), ((90, 10), ("blue", "green")), ((0, 0), ("blue", "green"))):
        weighted(zone, zip(ips, weights, strict=True))
        live, report = seen(aws, install)
        assert (live.clusters, live.known, live.disputed) == (expected, True, False)
    assert f"blue is behind the record {NAME} (A, weight 0), {ips[0]}" in report.evidence


def test_the_side_of_the_name_stays(shop, install):
    """At the server: the side that the name leads to is not terminated, and the other one is."""
    aws, blue, green, zone = shop
    weighted(zone, zip([public_ip(aws, side) for side in (blue, green)], (1, 0), strict=True))
    assert_protects("dns", aws, install, blue, green, records=[NAME])


def test_an_alias_to_a_balancer(shop, install):
    """Behind an alias and a chain of names, the weights of the balancer decide: the standby side is free."""
    aws, blue, green, zone = shop
    balancer = BehindBalancer(aws, scheme="internal")
    balancer.group("blue", blue.instance_ids)
    balancer.group("green", green.instance_ids)
    balancer.listener(443, blue=100, green=0)
    host = balancer.elbv2.describe_load_balancers()["LoadBalancers"][0]["DNSName"]
    zone.alias("lb.example.com", f"dualstack.{host}.")
    zone.record(NAME, "CNAME", "lb.example.com")
    live, report = seen(aws, install)
    assert live.clusters == ("blue",)
    place = f"the record {NAME} (A by lb.example.com), web-prod:443, rule default, weight 100"
    assert report.evidence == f"blue is behind {place}"
    assert_protects("dns", aws, install, blue, green, records=[NAME])


def test_an_alias_to_a_classic_balancer(shop, install):
    """A classic balancer is followed to its machines in service."""
    aws, _, green, zone = shop
    elb = aws.client("elb")
    host = elb.create_load_balancer(
        LoadBalancerName="old", AvailabilityZones=["eu-west-1a"],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 443, "InstanceProtocol": "TCP", "InstancePort": 443}],
    )["DNSName"]  # fmt: skip
    members = [{"InstanceId": machine} for machine in green.instance_ids]
    elb.register_instances_with_load_balancer(LoadBalancerName="old", Instances=members)
    zone.alias(NAME, host)
    live, report = seen(aws, install)
    assert live.clusters == ("green",)
    assert "old:443" in report.evidence


@pytest.mark.parametrize(
    ("status", "expected"),
    [("Success: HTTP Status Code 200, OK", ("blue",)), ("Failure: Connection timed out", ("blue", "green"))],
)
def test_failover(status, expected, shop, install):
    """The primary record is live; the secondary one too while the primary's health check fails.

    The status is canned: the simulated AWS has none.
    """
    aws, blue, green, zone = shop
    check = zone.route53.create_health_check(
        CallerReference="c", HealthCheckConfig={"Type": "TCP", "IPAddress": "198.51.100.7", "Port": 80}
    )["HealthCheck"]["Id"]
    zone.record(NAME, "A", public_ip(aws, blue), SetIdentifier="1", Failover="PRIMARY", HealthCheckId=check)
    zone.record(NAME, "A", public_ip(aws, green), SetIdentifier="2", Failover="SECONDARY")
    aws.clear()
    seen(aws, install)
    (request,) = [each.operation for each in aws.requests if "ealth" in each.operation]
    aws.reply(request, STATUS.format(status=status))
    assert seen(aws, install)[0].clusters == expected


def test_names_that_lead_to_no_machine(site, aws, install):
    """A name without a record, or that leads to what no look-up follows, is not known, whatever other sources say."""
    zone = Zone(aws)
    zone.record(NAME, "A", site.blue.public_ips[0])
    zone.record("shop.example.com", "CNAME", "shop.example.net")
    for name, problem in (("api.example.com", "no hosted zone"), ("shop.example.com", "shop.example.net, which no")):
        live, report = seen(aws, install, NAME, name)
        assert not live.known
        assert problem in report.evidence
    request = "GET /2013-04-01/hostedzone"
    assert aws.count(request)
    assert_denied_without("route53:ListHostedZones", "dns", aws, install, site.green, request, records=[NAME])


def test_one_look_up_for_each_name(site, aws, install):
    """A name takes one look-up in each zone that may have it, however many records the zone has."""
    zone = Zone(aws)
    for number in range(3):
        zone.record(f"n{number}.example.com", "A", "198.51.100.9")
    zone.record(NAME, "A", site.blue.public_ips[0])
    aws.clear()
    assert seen(aws, install)[0].clusters == ("blue",)
    assert sum("rrset" in request.operation for request in aws.requests) == 1
