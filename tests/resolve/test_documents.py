"""What resolvers find out becomes the input of policies: the keys of the schema, and none that does not apply."""

from __future__ import annotations

import json
import typing

import pytest

from guardrails.evaluate import bundle, rego_input
from guardrails.resolve.capacity import capacity
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.resolve.resources.registry import Inventory, clusters_of, followups, known_types, plan, targets_of
from guardrails.values import (
    Answer,
    Call,
    Caller,
    Capacity,
    Facts,
    Live,
    OtherSubnet,
    Quota,
    SourceReport,
    SubnetRoom,
    TargetFacts,
    TargetRef,
    Unknown,
)

SCHEMA = json.loads((bundle.shipped() / "schemas" / "input.json").read_text("utf-8"))
LIVE = Live(known=True, disputed=False, clusters=("blue",), sources=(SourceReport("eip", ("blue",), 1.0, "seen"),))
CALLER = Caller("arn:aws:iam::1:user/ops", "ops", "host", "script.py", interactive=False, notebook=False, pid=1)
MACHINE = {
    "InstanceId": "i-1", "State": {"Name": "running"}, "SubnetId": "subnet-1",
    "Tags": [{"Key": "Cluster", "Value": "blue"}],
}  # fmt: skip
SUBNET = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailableIpAddressCount": 7, "AvailabilityZone": "a"}


def document(call, **answers):
    """The input for a call, as JSON; `answers` are the items of look-ups, by operation."""
    given = {"DescribeInstances": [{"OwnerId": "1", "Instances": [MACHINE]}], **answers}

    def answer(lookups):
        return {lookup.key(): Answer(tuple(given.get(lookup.operation, ())), 1.0) for lookup in lookups}

    answered = answer([*plan(call, ("Cluster",)), *capacity.lookups(call), INSTANCES, ADDRESSES])
    answered |= answer([*followups(call, answered, ("Cluster",)), *capacity.followups(call, answered)])
    inventory = Inventory(Region.of(answered), answered[ADDRESSES.key()].items, Ownership())
    targets = targets_of(call, answered, inventory, LIVE.clusters)
    clusters = clusters_of(answered, inventory, targets, LIVE)
    needed = capacity.facts(call, answered, (), inventory, targets, LIVE.clusters)
    asked = rego_input.build(call, Facts(targets, clusters, LIVE, 1.0, capacity=needed), CALLER, 2.0)
    return json.loads(json.dumps(asked))


def misshapen(value, schema, where="input"):
    """Where a document has other keys than the schema says."""
    if isinstance(value, list):
        return [
            place
            for number, item in enumerate(value)
            for place in misshapen(item, schema.get("items", {}), f"{where}[{number}]")
        ]
    if not isinstance(value, dict):
        return []
    schema = next((each for each in schema.get("anyOf", ()) if each.get("type") == "object"), schema)
    known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    places = [f"{where}.{key} is missing" for key in schema.get("required", ()) if key not in value]
    for key, each in value.items():
        if key not in known and more is False:
            places.append(f"{where}.{key} is not in the schema")
        places += misshapen(each, known.get(key, more or {}), f"{where}.{key}")
    return places


def test_the_document_of_a_termination():
    """Every key of the schema is there; what does not apply to a machine is absent from its facts."""
    call = Call("ec2", "TerminateInstances", {}, "eu-west-1", "", effects=("terminate",),
                targets=(TargetRef("i-1", "instance"), TargetRef("subnet-1", "subnet")))  # fmt: skip
    asked = document(call, DescribeSubnets=[SUBNET])
    assert misshapen(asked, SCHEMA) == []
    assert asked["targets"]["i-1"]["facts"] == {"elastic_ips": [], "zone": None}
    assert asked["targets"]["subnet-1"]["facts"] == {
        "free_ips": 7,
        "cidr": None,
        "zone": "a",
        "machines": 1,
        "untagged": [],
    }
    assert asked["capacity"] is None


def test_the_document_of_a_launch():
    """What a launch needs has the schema's keys, and no other."""
    params = {"MaxCount": 2, "MinCount": 1, "SubnetId": "subnet-1", "InstanceType": "t3.small"}
    call = Call("ec2", "RunInstances", params, "eu-west-1", "", effects=("capacity",))
    asked = document(
        call, DescribeSubnets=[SUBNET], GetServiceQuota=[{"Value": 32.0}],
        DescribeInstanceTypes=[{"InstanceType": "t3.small", "VCpuInfo": {"DefaultVCpus": 2}}],
    )  # fmt: skip
    assert misshapen(asked, SCHEMA) == []
    assert (asked["capacity"]["machines"], asked["capacity"]["least"]) == (2, 1)
    assert asked["capacity"]["places"][0]["free"] == 7


@pytest.mark.parametrize("kind", sorted(known_types()))
def test_no_type_has_other_facts(kind):
    """Whatever the type, its facts are keys of TargetFacts, and the document has the very same."""
    call = Call("ec2", "X", {"HostedZoneId": "Z1"}, "eu-west-1", "", effects=("network",),
                targets=(TargetRef("nothing", kind),))  # fmt: skip
    facts = document(call)["targets"]["nothing"]["facts"]
    assert set(facts) <= set(typing.get_type_hints(TargetFacts))


def test_capacity_has_the_keys_of_the_schema():
    """The types of `capacity` and the schema name the same keys."""
    schema = SCHEMA["properties"]["capacity"]
    place = schema["properties"]["places"]["items"]
    for kind, described in [
        (Capacity, schema),
        (SubnetRoom, place),
        (OtherSubnet, place["properties"]["alternatives"]["items"]),
        (Quota, schema["properties"]["quotas"]["items"]),
        (Unknown, schema["properties"]["unknown"]["items"]),
    ]:
        assert set(typing.get_type_hints(kind)) == set(described["required"]) == set(described["properties"])


def test_the_schema_is_compared():
    """A key too many or too few is noticed, also inside a list."""
    schema = {
        "properties": {"a": {"items": {"required": ["b"], "properties": {"b": {}}, "additionalProperties": False}}}
    }
    assert misshapen({"a": [{"b": 1}]}, schema) == []
    assert misshapen({"a": [{"c": 1}]}, schema) == ["input.a[0].b is missing", "input.a[0].c is not in the schema"]
