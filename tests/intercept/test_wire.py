"""What is read back from a serialized request is what botocore was given."""

from __future__ import annotations

import json
from datetime import datetime

import botocore.session
import pytest
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.classify.catalogue import Catalogue
from guardrails.intercept.request.outgoing import Outgoing, action_of, of_dict
from guardrails.intercept.request.routes import Routes
from guardrails.intercept.wire import Undecodable, decode

CATALOGUE = Catalogue()
SESSION = botocore.session.Session()


def posted(body, url="https://h/"):
    """A request with this body."""
    return Outgoing("POST", url, {}, body)


# What is written differently in a URL, a form, XML or JSON, and what is not ASCII.
TEXT = st.text("aZ0 é日/&<>\"'%+=?:;,.-_~#@\\\n", min_size=1, max_size=8)
TOKEN = st.text("aZ09-", min_size=1, max_size=8)
DEEP = 3
# Only the host tells it from ListBuckets.
SAME = ("ListDirectoryBuckets",)


def _operations():
    for signing_name in sorted(CATALOGUE.services):
        model = SESSION.get_service_model(CATALOGUE.botocore_service(signing_name))
        for name in model.operation_names:
            if CATALOGUE.lookup(signing_name, name):
                yield model.operation_model(name)


OPERATIONS = sorted(_operations(), key=lambda operation: (operation.service_model.service_name, operation.name))


def values(shape, depth=0):
    """A strategy for values of a shape; None where it is too deep, or where all its values serialize to nothing."""
    if shape.type_name == "structure":
        found = {name: _member(member, depth) for name, member in shape.members.items() if depth < DEEP}
        # An old member and the list that took its place are the same on the wire.
        tags = {name: member.serialization.get("name", name) for name, member in shape.members.items()}
        lists = {tags[name] for name, member in shape.members.items() if member.type_name == "list"}
        old = {name for name, m in shape.members.items() if m.type_name != "list" and tags[name] in lists}
        found = {name: member for name, member in found.items() if member is not None and name not in old}
        needed = {name: found.pop(name) for name in shape.members if _always(shape, name, depth) and name in found}
        if depth and not found:
            return None
        return st.fixed_dictionaries(needed, optional=found).filter(lambda value: bool(value) or not depth)
    if shape.type_name == "list":
        member = values(shape.member, depth + 1)
        return None if member is None else st.lists(member, min_size=1, max_size=3)
    if shape.type_name == "map":
        value = values(shape.value, depth + 1)
        return None if value is None else st.dictionaries(TEXT, value, min_size=1, max_size=2)
    return _scalars(shape)


def _scalars(shape):
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name in ("integer", "long"):
        return st.integers(-(2**31), 2**31)
    if shape.type_name in ("float", "double"):
        return st.floats(-1e6, 1e6, allow_nan=False, width=32)
    if shape.type_name == "timestamp":
        # Headers have whole seconds only.
        moments = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001
        return moments.map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z")
    if shape.type_name == "blob":
        return st.binary(min_size=1, max_size=8)
    return st.sampled_from(shape.enum) if getattr(shape, "enum", None) else TEXT


def _always(shape, name, depth):
    """Labels in path and host, and the members that distinguish operations with the same path."""
    traits = shape.members[name].serialization
    placed = "location" in traits and name in shape.required_members
    return not depth and (placed or traits.get("location") == "uri" or "hostLabel" in traits)


def _member(member, depth):
    """Values of a member that botocore can write in the location that the model gives it."""
    traits, listed = member.serialization, member.type_name == "list"
    location = traits.get("location") if not depth else None
    if getattr(member, "is_document_type", False) or traits.get("eventstream"):
        return None
    if "hostLabel" in traits:
        return TOKEN
    if location == "headers":
        return st.dictionaries(TOKEN.map(str.lower), TOKEN, min_size=1, max_size=2)
    if location == "header" and traits.get("jsonvalue"):
        return st.dictionaries(TEXT, TEXT, min_size=1)
    if location == "header" and (member.type_name == "string" or listed):
        # What HTTP lets through; botocore's quotation marks cannot tell a backslash before one.
        text = st.text('aZ0/&%+=?:;,._-"' if listed else "aZ0/&%+=?:;,._-", min_size=1, max_size=8)
        return st.lists(text, min_size=1, max_size=3) if listed else text
    if location == "uri" and member.type_name == "string":
        # Neither end of a key is a slash, and no part of a path is empty or dots, which would be taken away.
        return TEXT.map(lambda text: "x" + text.replace("//", "/").replace("/.", "/") + "x")
    return values(member, depth + 1)


@pytest.mark.cases(200)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_round_trip(operation):
    """Serializing with botocore and reading back gives the same parameters, for every governed operation."""
    check_round_trip(operation)


def check_round_trip(operation):
    """For some parameters that fit the model, the same ones at every run."""

    # Of one function with a thousand cases, Hypothesis nests the settings a thousand levels deep.
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=st.data())
    def check(data):
        round_trip(operation, data)

    check()


def round_trip(operation, data):
    """Have botocore write a request, and recognize its operation from the request alone."""
    shape, model = operation.input_shape, operation.service_model
    params = data.draw(values(shape)) if shape is not None else {}
    serializer = create_serializer(model.resolved_protocol, include_validation=False)
    wire = of_dict(serializer.serialize_to_request(params, operation))
    routes = Routes.of(model)
    named = routes.operation("", wire, bool) if routes else action_of("?", wire, lambda _: True)
    if named != operation.name:
        # Two names for one request; of one that is deprecated the newer one is found.
        assert model._service_description["operations"][operation.name].get("deprecated") or operation.name in SAME
        assert routes.operation(operation.name, wire, bool) == operation.name
    assert decode(model, operation.name, wire) == params


def test_empty_list_of_the_query_protocol():
    """An empty list, which the query protocol sends as an empty value, is read as an empty list."""
    model = SESSION.get_service_model("autoscaling")
    body = {"Action": "DetachInstances", "Version": "2011-01-01", "InstanceIds": "", "AutoScalingGroupName": "g"}
    assert decode(model, "DetachInstances", posted(body)) == {"InstanceIds": [], "AutoScalingGroupName": "g"}


@pytest.mark.parametrize(
    "body",
    [
        {"Action": "TerminateInstances", "InstanceId.1": "i-1", "Surprise": "x"},
        {"Action": "TerminateInstances", "InstanceId.1.Deeper": "i-1"},
        {"Action": "TerminateInstances", "DryRun": "maybe"},
        b"Action=TerminateInstances&InstanceId.1=i-1&InstanceId.1=i-2",
        b"\x1f\x8b\x08\x00compressed\xff",
        object(),
    ],
)
def test_what_cannot_be_read_completely_is_refused(body):
    """A body with unknown, duplicate, malformed or compressed parts raises Undecodable, which denies."""
    with pytest.raises(Undecodable):
        decode(SESSION.get_service_model("ec2"), "TerminateInstances", posted(body))


def test_json_with_unknown_parts_is_refused():
    """A JSON body with a member that is unknown to the operation raises Undecodable."""
    with pytest.raises(Undecodable):
        decode(SESSION.get_service_model("ssm"), "PutParameter", posted(json.dumps({"Nam": "x"})))


def test_the_action_on_the_wire_counts():
    """The operation is the one that the request names, wherever it does so, not the client's method."""

    def action(default="x", *, url="https://h/", headers=None, body=b""):
        return action_of(default, Outgoing("POST", url, headers or {}, body), lambda name: name == "TerminateInstances")

    assert action("DescribeInstances", body={"Action": "TerminateInstances"}) == "TerminateInstances"
    assert action(body=b"{}", headers={"x-amz-target": "AmazonSSM.PutParameter"}) == "PutParameter"
    assert action(body=b"Action=StopInstances&InstanceId.1=i-1") == "StopInstances"
    assert action(body=b"InstanceId.1=i-1&Action=StopInstances") == "StopInstances"
    assert action(url="https://h/?InstanceId.1=i-1&Action=StopInstances") == "StopInstances"
    assert action(url="https://h/service/X/operation/PutMetricData") == "PutMetricData"
    assert action(body={"Action": "DescribeHosts"}, url="https://h/?Action=TerminateInstances") == "TerminateInstances"
    assert action(body=b"<xml/>") == "x"


def test_a_form_in_the_url_is_read():
    """A GET request's parameters are read from its URL, without those of the signature."""
    model = SESSION.get_service_model("ec2")
    url = "https://h/?Action=TerminateInstances&Version=1&InstanceId.1=i-1&X-Amz-Date=x&AWSAccessKeyId=y"
    assert decode(model, "TerminateInstances", Outgoing("GET", url, {}, None)) == {"InstanceIds": ["i-1"]}
    with pytest.raises(Undecodable):
        decode(model, "TerminateInstances", posted({"InstanceId.1": "i-2"}, url))
    with pytest.raises(Undecodable):
        decode(model, "TerminateInstances", posted({"InstanceId.1": ["i-1", "i-2"]}))
