"""DNS: a part of the live cluster's users is sent to an address that no machine has."""

from __future__ import annotations

import pytest

import guardrails

NOWHERE, SORRY = "198.51.100.66", "198.51.100.5"


@pytest.fixture
def change(site, aws, install):
    """A zone with a plain and a weighted name that lead to blue; change(name, *addresses, **more) is an UPSERT."""
    route53, (address, _) = aws.client("route53"), site.blue.public_ips
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]

    def send(name, *addresses, **more):
        values = [{"Value": each} for each in addresses]
        record = {"Name": f"{name}.example.com", "Type": "A", "TTL": 60, "ResourceRecords": values, **more}
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    send("www", address)
    send("w", address, SetIdentifier="blue", Weight=100)
    send("w", SORRY, SetIdentifier="sorry", Weight=0)
    install(live={"sources": ["dns"], "records": ["www.example.com", "w.example.com"]})
    return send


def _arrived(aws):
    return sum(request.operation.startswith("POST /2013-04-01/hostedzone/") for request in aws.requests)


@pytest.mark.parametrize("to", ["a stranger", "an address on nothing"])
def test_a_weight_for_what_is_no_cluster(to, change, aws):
    """A record that had the weight 0 gets none of the users; its own value may not make up for that."""
    address = SORRY if to == "a stranger" else aws.client("ec2").allocate_address(Domain="vpc")["PublicIp"]
    before = _arrived(aws)
    with pytest.raises(guardrails.CallDenied, match="the live cluster blue"):
        change("w", address, SetIdentifier="sorry", Weight=255)
    assert _arrived(aws) == before


def test_one_more_address(change, site, aws):
    """A second address that no machine has gets half of the users; one of another machine of blue may."""
    first, second = site.blue.public_ips
    before = _arrived(aws)
    with pytest.raises(guardrails.CallDenied, match="the live cluster blue"):
        change("www", first, NOWHERE)
    assert _arrived(aws) == before
    change("www", first, second)
    assert _arrived(aws) == before + 1


def test_what_takes_no_users(change, site, aws):
    """The same weight again, another one where no other record has any, and another value of weight 0 pass."""
    first, _ = site.blue.public_ips
    before = _arrived(aws)
    change("w", first, SetIdentifier="blue", Weight=1)
    change("w", first, SetIdentifier="blue", Weight=1)
    change("w", NOWHERE, SetIdentifier="sorry", Weight=0)
    assert _arrived(aws) == before + 3
