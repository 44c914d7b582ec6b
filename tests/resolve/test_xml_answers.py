"""The fast reader of XML answers: what it reads is what botocore reads."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import botocore.session
import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from guardrails.aws.xml_answers import XmlAnswers
from guardrails.testing import SimulatedAWS

OPERATIONS = {
    "ec2": ("DescribeInstances", "DescribeAddresses", "DescribeNetworkInterfaces", "DescribeLaunchTemplateVersions"),
    "elbv2": ("DescribeTargetHealth", "DescribeRules", "DescribeLoadBalancers"),
    "elb": ("DescribeLoadBalancers",),
    "autoscaling": ("DescribeAutoScalingGroups", "DescribeScheduledActions"),
    "cloudformation": ("DescribeStacks", "DescribeChangeSet"),
    "rds": ("DescribeDBInstances", "DescribeBlueGreenDeployments"),
    "elasticbeanstalk": ("DescribeEnvironments",),
    "iam": ("GetRole",),
}
SESSION = botocore.session.Session()
FASTER = XmlAnswers()
WORDS = st.sampled_from(["", " ", "web", "i-1", "a&amp;b", "&lt;x&gt;", "0", "é", "line\nline"])
TEXTS = {
    "string": WORDS,
    "character": WORDS,
    "boolean": st.sampled_from(["true", "false", "True", "", "1"]),
    "timestamp": st.sampled_from(
        ["2026-10-01T12:00:00.000Z", "2026-10-01T12:00:00Z", "2026-10-01T12:00:00.123456Z", "2026-10-01T12:00:00.1Z",
         "2026-10-01T14:00:00+02:00", "Thu, 01 Oct 2026 12:00:00 GMT", "1790000000", "2026-02-30T12:00:00Z", "never",
         "\uff12026-10-01T12:00:00Z"]),
    "integer": st.sampled_from(["0", "-7", "12", "x"]),
    "long": st.sampled_from(["0", "12345678901"]),
    "float": st.sampled_from(["0", "1.5"]),
    "double": st.sampled_from(["0", "1.5"]),
    "blob": st.just("YWJj"),
}  # fmt: skip


def _elements(draw, shape, ordinary, depth):
    """The XML inside an element of this shape: some members, sometimes twice, among some that no model knows."""
    kind = shape.type_name
    if kind == "structure":
        inside = []
        for name, member in shape.members.items():
            times = draw(st.sampled_from([0, 0, 0, 1, 1, 1, 1, 1, 1, 2] if depth < 5 else [0]))
            tag = ordinary._member_key_name(member, name)
            flat = member.type_name in ("list", "map") and member.serialization.get("flattened")
            for _ in range(draw(st.integers(0, 3)) if flat else min(times, draw(st.sampled_from([1] * 30 + [2])))):
                inner = member.member if flat and member.type_name == "list" else member
                inside.append(f"<{tag}>{_elements(draw, inner, ordinary, depth + 1)}</{tag}>")
        unknown = draw(st.sampled_from(["", "", "<!-- a comment -->", "<addedLater><x>1</x><x>2</x></addedLater>"]))
        return unknown + "".join(inside)
    if kind == "list":
        items = draw(st.integers(0, 3)) if depth < 5 else 0
        return "".join(f"<item>{_elements(draw, shape.member, ordinary, depth + 1)}</item>" for _ in range(items))
    if kind == "map":
        return "<entry><key>k</key><value>v</value></entry>" if depth < 5 else ""
    return draw(TEXTS[kind])


def _outcome(parser, body, shape):
    """What a parser returns, or how it fails."""
    try:
        return _plain(parser.parse({"body": body, "headers": {}, "status_code": 200}, shape))
    except Exception as error:
        # Some texts have the addresses of elements.
        return type(error), re.sub(r" at 0x[0-9a-f]+", "", str(error))


def _plain(value):
    """Comparable: of a value that appears twice, botocore returns the elements."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return (value.tag, value.text) if isinstance(value, Element) else value


@st.composite
def documents(draw):
    """A service, an operation, and an answer that fits its model more or less."""
    service = draw(st.sampled_from(sorted(OPERATIONS)))
    model = SESSION.get_service_model(service)
    operation = draw(st.sampled_from(OPERATIONS[service]))
    protocol = model.protocol
    shape = model.operation_model(operation).output_shape
    inside = _elements(draw, shape, create_parser(protocol), 0)
    wrapper = shape.serialization.get("resultWrapper")
    if wrapper:
        inside = f"<{wrapper}>{inside}</{wrapper}><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    space = draw(st.sampled_from(["", ' xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"']))
    return protocol, shape, f"<Answer{space}>{inside}</Answer>".encode()


@given(documents())
def test_it_reads_what_botocore_reads(document):
    """Generated answers, odd ones among them, come out as from botocore's own parser, and fail as there."""
    protocol, shape, body = document
    assert _outcome(FASTER.create_parser(protocol), body, shape) == _outcome(create_parser(protocol), body, shape)


@pytest.mark.parametrize("body", [b"", b"not XML", b"<html><body>Sorry</body></html>", b"<a/>", b'<a x="1"/>'])
@pytest.mark.parametrize("status", [200, 400, 503])
def test_other_documents(body, status):
    """Errors and documents of others are read, or refused, as by botocore."""
    answer = {"body": body, "headers": {}, "status_code": status}
    shape = SESSION.get_service_model("ec2").operation_model("DescribeInstances").output_shape
    results = []
    for parser in (FASTER.create_parser("ec2"), create_parser("ec2")):
        try:
            results.append(parser.parse(dict(answer), shape))
        except Exception as error:
            results.append((type(error), str(error)))
    assert results[0] == results[1]


def test_answers_of_a_server(aws: SimulatedAWS, monkeypatch):
    """What a server sends about a cluster with addresses and a balancer is read alike."""
    aws.start_cluster("blue", 3, addresses=2)
    read = {}
    for factory in (None, FASTER):
        session = botocore.session.Session()
        if factory is not None:
            session.register_component("response_parser_factory", factory)
        ec2 = session.create_client("ec2")
        answers = [ec2.describe_instances(), ec2.describe_addresses(), ec2.describe_network_interfaces()]
        for answer in answers:
            del answer["ResponseMetadata"]
        read[factory] = answers
    assert read[None][0]["Reservations"]
    assert read[None] == read[FASTER]


def test_other_protocols():
    """JSON and REST answers are left to botocore's parsers."""
    for protocol in ("json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"):
        assert type(FASTER.create_parser(protocol)) is type(create_parser(protocol))
