"""Registered domains: other name servers take every name of the domain away. Counted at the server."""

from __future__ import annotations

import pytest

from tests.support import rest

pytestmark = pytest.mark.every(3)

LIVE, OTHER = "blue", "green"
SERVERS = [{"Name": "ns1.example.org"}]


@pytest.fixture
def update(aws, install, monkeypatch):
    """update(domain) changes its name servers; each cluster has a record in a zone of its own, and blue is live."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    dns = aws.client("route53")
    made = {name: aws.start_cluster(name, 1, addresses=1) for name in (LIVE, OTHER)}
    for name, side in made.items():
        zone = dns.create_hosted_zone(Name=f"{name}.example", CallerReference=name)["HostedZone"]["Id"]
        record = {"Name": f"www.{name}.example", "Type": "A", "TTL": 60,
                  "ResourceRecords": [{"Value": side.public_ips[0]}]}  # fmt: skip
        dns.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        )
    install(live={"sources": ["eip"], "eip_addresses": [made[LIVE].public_ips[0]]})
    return lambda domain: rest.attempt(
        aws, "route53domains", "update_domain_nameservers", {"DomainName": domain, "Nameservers": SERVERS}
    )


def test_other_name_servers(update):
    """The domain of the live cluster keeps its servers, and so does one that is answered elsewhere; others need not."""
    assert update("blue.example") == {"live-cluster/traffic", "None"}
    assert update("Blue.Example.") == {"live-cluster/traffic", "None"}
    assert update("elsewhere.example") == {"indirect/untraced", "None"}
    assert update("green.example") is None
