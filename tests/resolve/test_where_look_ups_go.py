"""Look-ups reach AWS as the script's client does: FIPS and dual-stack hosts, proxies, a client certificate."""

from __future__ import annotations

from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from guardrails import Guard
from guardrails.resolve.connection import Connection
from guardrails.values import Lookup

KEY = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
PLAIN = "elasticloadbalancing.us-east-1.amazonaws.com"
LOOKUPS = {
    "ec2": Lookup("ec2", "DescribeAddresses", "Addresses", {}),
    "elbv2": Lookup("elbv2", "DescribeTargetGroups", "TargetGroups", {}),
    "globalaccelerator": Lookup("globalaccelerator", "ListAccelerators", "Accelerators", {}),
}


@pytest.fixture
def asked(monkeypatch):
    """asked(service, config): the hosts that a look-up asks beside a client with this configuration; none answers."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def hosts(service, config):
        guard = Guard.from_config({"log": {"enabled": False}, "state": {"enabled": False}})
        _, origin = guard._interceptor.read(boto3.client("ec2", config=config, **KEY), None, {})
        found = []

        def send(self, request):
            found.append(urlsplit(request.url).hostname)
            raise EndpointConnectionError(endpoint_url=request.url)

        monkeypatch.setattr(URLLib3Session, "send", send)
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
        Connection(origin, 3, guard._models.get_component("data_loader"), guard.own_requests).ask(LOOKUPS[service])
        return list(dict.fromkeys(found))

    return hosts


@pytest.mark.parametrize("by", ["client", "environment"])
def test_fips(by, asked, monkeypatch):
    """A client of FIPS hosts has its look-ups there; a service without one is asked at its usual host."""
    if by == "environment":
        monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    config = Config(use_fips_endpoint=True) if by == "client" else None
    assert asked("ec2", config) == ["ec2-fips.us-east-1.amazonaws.com"]
    assert asked("elbv2", config) == ["elasticloadbalancing-fips.us-east-1.amazonaws.com"]
    (host,) = asked("globalaccelerator", config)
    assert host.startswith("globalaccelerator.")


@pytest.mark.parametrize("by", ["client", "environment"])
def test_dual_stack(by, asked, monkeypatch):
    """Beside a client of dual-stack hosts, a look-up asks one, and the usual host where that cannot be reached."""
    if by == "environment":
        monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    config = Config(use_dualstack_endpoint=True) if by == "client" else None
    assert asked("elbv2", config) == ["elasticloadbalancing.us-east-1.api.aws", PLAIN]
    assert asked("ec2", config) == ["ec2.us-east-1.api.aws"]


def test_the_clients_choice_beats_the_environments(asked):
    """A client of usual hosts has its look-ups at usual hosts."""
    assert asked("elbv2", Config()) == [PLAIN]


def test_proxies_and_certificates():
    """A proxy's own certificate authority and a client certificate are those of the client."""
    config = Config(
        proxies={"https": "https://proxy:3128"}, proxies_config={"proxy_ca_bundle": "/ca.pem"}, client_cert="/c.pem"
    )
    guard = Guard.from_config({"log": {"enabled": False}, "state": {"enabled": False}})
    _, origin = guard._interceptor.read(boto3.client("ec2", config=config, **KEY), None, {})
    connection = Connection(origin, 3, guard._models.get_component("data_loader"), guard.own_requests)
    own = connection._client("elbv2", "").meta.config
    assert (own.proxies, own.proxies_config, own.client_cert) == (
        config.proxies, config.proxies_config, config.client_cert,
    )  # fmt: skip
