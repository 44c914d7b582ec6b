"""What is read back from a serialized request is what botocore was given."""

from __future__ import annotations

import json

import botocore.session
import pytest
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.catalogue import Catalogue
from guardrails.intercept.outgoing import Outgoing, action_of, of_dict, query
from guardrails.intercept.wire import Undecodable, decode

CATALOGUE = Catalogue()
SESSION = botocore.session.Session()
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)


def _operations():
    for signing_name in sorted(CATALOGUE.services):
        model = SESSION.get_service_model(CATALOGUE.botocore_service(signing_name))
        for name in model.operation_names:
            if CATALOGUE.lookup(signing_name, name):
                yield model.operation_model(name)


OPERATIONS = sorted(_operations(), key=lambda operation: (operation.service_model.service_name, operation.name))


def values(shape, depth=0):
    """A strategy for values of a shape that survive the wire exactly (timestamps and blobs are rewritten by it)."""
    if shape.type_name == "structure":
        members = {
            name: values(member, depth + 1)
            for name, member in shape.members.items()
            if member.type_name not in ("timestamp", "blob") and depth < 3
        }
        # A structure without members leaves no trace on the wire.
        picked = st.fixed_dictionaries({}, optional=members)
        return picked.filter(bool) if depth and members else picked
    if shape.type_name == "list":
        return st.lists(values(shape.member, depth + 1), min_size=1, max_size=3)
    if shape.type_name == "map":
        return st.dictionaries(TEXT, values(shape.value, depth + 1), min_size=1, max_size=2)
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name in ("integer", "long"):
        return st.integers(-(2**31), 2**31)
    if shape.type_name in ("float", "double"):
        return st.floats(-1e6, 1e6, allow_nan=False)
    return st.sampled_from(shape.enum) if getattr(shape, "enum", None) else TEXT


def has(value, shape):
    """True when no structure or list inside is empty: those cannot be told from absent ones."""
    if isinstance(value, dict):
        return bool(value) and all(has(item, shape) for item in value.values())
    if isinstance(value, list):
        return bool(value) and all(has(item, shape) for item in value)
    return True


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_round_trip(operation, data):
    """Serializing with botocore and reading back gives the same parameters, for every governed operation."""
    params = data.draw(values(operation.input_shape))
    if params and not has(params, None):
        return
    serializer = create_serializer(operation.service_model.resolved_protocol, include_validation=False)
    wire = serializer.serialize_to_request(params, operation)
    assert action_of("?", of_dict(wire), lambda _: True) == operation.name
    assert decode(operation.service_model, operation.name, wire["body"]) == params


def test_empty_list_of_the_query_protocol():
    """An empty list, which the query protocol sends as an empty value, is read as an empty list."""
    model = SESSION.get_service_model("autoscaling")
    body = {"Action": "DetachInstances", "Version": "2011-01-01", "InstanceIds": "", "AutoScalingGroupName": "g"}
    assert decode(model, "DetachInstances", body) == {"InstanceIds": [], "AutoScalingGroupName": "g"}


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
    """A body with unknown, doubled, malformed or compressed parts raises Undecodable, which denies."""
    with pytest.raises(Undecodable):
        decode(SESSION.get_service_model("ec2"), "TerminateInstances", body)


def test_json_with_unknown_parts_is_refused():
    """A JSON body with a member that the operation does not know raises Undecodable."""
    with pytest.raises(Undecodable):
        decode(SESSION.get_service_model("ssm"), "PutParameter", json.dumps({"Nam": "x"}))


def test_the_action_on_the_wire_counts():
    """The operation is what the request says, wherever it says it, not what the client's method was called."""

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
    assert decode(model, "TerminateInstances", None, query(url)) == {"InstanceIds": ["i-1"]}
    with pytest.raises(Undecodable):
        decode(model, "TerminateInstances", {"InstanceId.1": "i-2"}, query(url))
    with pytest.raises(Undecodable):
        decode(model, "TerminateInstances", {"InstanceId.1": ["i-1", "i-2"]})
