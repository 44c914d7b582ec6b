"""REST and CBOR requests are read back completely or not at all, from any client."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.classify.catalogue import Catalogue
from guardrails.intercept.request.operation import Services
from guardrails.intercept.request.outgoing import Outgoing
from tests.intercept.test_wire import SESSION, check_round_trip

SERVICES = ("cloudwatch", "efs", "eks", "lambda", "route53", "s3", "scheduler")
OPERATIONS = [
    SESSION.get_service_model(service).operation_model(name)
    for service in SERVICES
    for name in SESSION.get_service_model(service).operation_names
]


@pytest.mark.cases(120)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.service_model.service_name}-{o.name}")
def test_round_trip(operation):
    """Every operation of these services is recognized by its request alone, and its parameters are read back."""
    check_round_trip(operation)


CATALOGUE = Catalogue()
GOVERNING = Services(CATALOGUE, SESSION)
REST = sorted(name for name in CATALOGUE.services if GOVERNING.rest(name) is not None)
HOSTS = ("s3.eu-west-1.amazonaws.com", "web.s3.eu-west-1.amazonaws.com", "127.0.0.1:5000", "web.localhost:4566")
SEGMENTS = st.sampled_from(["web", "a/b", "", "a%2Fb", "%70olicy", "..", ".", "//", "é", "policy?acl"])
QUERIES = st.sampled_from(
    ["policy", "acl=", "%70olicy", "lifecycle=1", "x=policy", "tagging&x", "versionId=3", "+", "a;b"]
)


@settings(max_examples=400)
@given(data=st.data())
def test_the_quick_look_passes_no_governed_request(data):
    """Under the name of an ungoverned operation, what a glance calls ungoverned is so when all routes are tried."""
    service = data.draw(st.sampled_from([*REST, *["s3"] * len(REST)]))
    rest = GOVERNING.rest(service)
    method = data.draw(st.sampled_from(sorted(rest.governed)))
    described = SESSION.get_service_model(CATALOGUE.botocore_service(service))._service_description["operations"]
    uris = [each["http"]["requestUri"] for each in described.values() if each["http"]["method"] == method]
    uri = data.draw(st.sampled_from([*uris, "/{a}", "/{a}/{b+}", "/"]))
    filled = re.sub(r"\{[^}]*\}", lambda _: data.draw(SEGMENTS), uri)
    more = data.draw(st.lists(QUERIES, max_size=2))
    url = f"https://{data.draw(st.sampled_from(HOSTS))}{filled}"
    url += ("&" if "?" in url else "?") + "&".join(more) if more else ""
    out, governed = Outgoing(method, url, {}, b""), partial(CATALOGUE.governs, service)
    named = next(name for name in sorted(described) if not governed(name))
    if rest.clear(method, url):
        assert not governed(rest.routes.operation(named, out, governed))
