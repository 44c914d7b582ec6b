"""Every member of every row: what is there, set again, harms no one, and something else is judged.

Parameters and present state are generated from botocore's models. In one state all texts are alike, and so are all
numbers and switches: what a call sets is then what is there, under whatever name. States are tried until one shows that
the row knows a repetition; in that state, another value has to be a change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from attrs import evolve, frozen
from botocore.model import ListShape, MapShape, Shape, StructureShape

from guardrails.resolve.changes.rows import Row
from guardrails.values import Answer
from tests.resolve.test_changes import CATALOGUE, LOADER, ROWS, fields, members

POLICY = '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
INDEX = {"IndexName": "i", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}
TEMPLATE = {"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "1"}}
# What the models do not say: parameters that mean something only together, members that exclude each other, and strings
# with others in them. Operation, parameters that repeat what is there, and how AWS describes that.
GIVEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("UpdateResource",
     {"TypeName": "T", "Identifier": "i", "PatchDocument": '[{"op": "replace", "path": "/A", "value": 5}]'},
     {"Identifier": "i", "Properties": '{"A": 5}'}),
    ("UpdateTable", {"TableName": "t", "GlobalSecondaryIndexUpdates": [{"Update": INDEX}]},
     {"GlobalSecondaryIndexes": [INDEX]}),
    ("UpdateTable",
     {"TableName": "t", "ReplicaUpdates": [{"Update": {"RegionName": "r", "KMSMasterKeyId": "k"}}]},
     {"Replicas": [{"RegionName": "r", "KMSMasterKeyId": "k"}]}),
    ("ModifyFleet", {"FleetId": "f", "LaunchTemplateConfigs": [TEMPLATE]}, {"LaunchTemplateConfigs": [TEMPLATE]}),
    ("ModifyInstanceAttribute", {"InstanceId": "i", "Attribute": "disableApiTermination", "Value": "false"},
     {"DisableApiTermination": {"Value": False}}),
    ("ModifyInstanceAttribute", {"InstanceId": "i", "Attribute": "disableApiStop", "Value": "false"},
     {"DisableApiStop": {"Value": False}}),
    ("ModifyInstanceAttribute", {"InstanceId": "i", "Attribute": "instanceInitiatedShutdownBehavior", "Value": "stop"},
     {"InstanceInitiatedShutdownBehavior": {"Value": "stop"}}),
    ("ModifyNetworkInterfaceAttribute",
     {"NetworkInterfaceId": "eni-1", "Attachment": {"AttachmentId": "a", "DeleteOnTermination": True}},
     {"NetworkInterfaceId": "eni-1", "Attachment": {"AttachmentId": "a", "DeleteOnTermination": True}}),
    ("SetSubnets", {"LoadBalancerArn": "arn:l", "SubnetMappings": [{"SubnetId": "s"}]},
     {"AvailabilityZones": [{"SubnetId": "s"}]}),
    ("UpdateEndpointGroup",
     {"EndpointGroupArn": "arn:e", "EndpointConfigurations": [{"EndpointId": "i", "Weight": 5}]},
     {"EndpointDescriptions": [{"EndpointId": "i", "Weight": 5}]}),
    ("SetTopicAttributes", {"TopicArn": "arn:t", "AttributeName": "Policy", "AttributeValue": POLICY},
     {"Policy": POLICY}),
]  # fmt: skip
# Rows that cannot see whether a value is repeated: AWS describes it in a form of its own.
UNSEEN = {("UpdateAddon", "podIdentityAssociations"), ("ModifyReplicationGroup", "PreferredMaintenanceWindow")}


@frozen
class World:
    """How values are made: a number, a switch, a text or the place of an enumerated one; which members and lists."""

    number: int = 5
    switch: bool = False
    text: str = "5"
    choice: int | None = None
    only: frozenset[str] = frozenset()
    empty: bool = False

    def make(self, shape: Shape, seen: tuple[str, ...] = ()) -> Any:
        """A value of this shape with every member; None within itself."""
        if shape.name in seen:
            return None
        inner = (*seen, shape.name)
        if isinstance(shape, StructureShape):
            made = {name: self.make(each, inner) for name, each in shape.members.items() if self._has(name, seen)}
            return {name: value for name, value in made.items() if value is not None}
        if isinstance(shape, ListShape):
            item = self.make(shape.member, inner)
            nothing = self.empty and (len(seen) > 1 or not (seen or isinstance(item, dict)))
            return [] if item is None or nothing else [item]
        if isinstance(shape, MapShape):
            return {self.make(shape.key, inner): self.make(shape.value, inner)}
        if shape.type_name in ("integer", "long", "float", "double"):
            return self.number
        if shape.type_name == "boolean":
            return self.switch
        names = getattr(shape, "enum", ()) if self.choice is not None else ()
        return names[self.choice % len(names)] if names else self.text

    def _has(self, name: str, seen: tuple[str, ...]) -> bool:
        return not self.only or len(seen) < 2 or name in self.only


def worlds(expression: str, shared: frozenset[str]) -> Iterator[World]:
    """States to try; the literals of an expression are such texts, too."""
    texts = ["5", POLICY, *re.findall(r"'([^']*)'", expression)]
    for only, empty in ((frozenset[str](), False), (shared, False), (frozenset[str](), True)):
        for number, switch, choice in product((5, 0), (False, True), (None, 0, 1, 2, 3)):
            for text in texts if choice is None else texts[:1]:
                yield World(number, switch, text, choice, only, empty)


def others(value: Any) -> Iterator[Any]:
    """Values that differ from this one, in one place or in all."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value - 1, value + 1, 0)
    elif isinstance(value, str):
        yield from ("4", "other", *(POLICY.replace(*each) for each in (("s3", "ec2"), ("Allow", "Deny"))))
    elif isinstance(value, list):
        yield from ([], [*value, *value], *([each] for item in value[:1] for each in others(item)))
    elif isinstance(value, dict):
        for key in value:
            yield from ({**value, key: each} for each in others(value[key]))
        yield {key: next(others(each)) for key, each in value.items() if each != {}}


def output(row: Row) -> Shape:
    shape = LOADER.get_service_model(row.service).operation_model(row.lookup).output_shape
    assert isinstance(shape, StructureShape)
    return shape if row.items == "@" else shape.members[row.items]


def answers(row: Row, params: Mapping[str, Any], world: World) -> dict[str, Answer]:
    """What AWS answers to the look-ups of a row."""
    found = {}
    for each in filter(None, (row, row.also)):
        lookup, items = each.ask(params), world.make(output(each))
        if lookup:
            found[lookup.key()] = Answer(tuple(items) if isinstance(items, list) else (items,), 0.0)
    return found


def harmless(row: Row, name: str, params: Mapping[str, Any], known: Mapping[str, Answer]) -> bool | None:
    """Whether the row finds that a parameter harms no one; None where it was not asked."""
    try:
        seen = row.seen(params, known)
    except TypeError:
        # The state does not fit the row.
        return None
    return None if seen is None else name in row.harms_no_one(seen)


def proved(row: Row, name: str, expression: str, mine: StructureShape) -> tuple[bool, bool]:
    """Whether a state shows that a repetition harms no one, and another value does."""
    inner = members(output(row))
    shared = frozenset((members(mine) & inner) | fields(expression))
    repeated = False
    for world in worlds(expression, shared):
        every = world.make(mine)
        here = {each for each in every if each in fields(expression)} | row.names | {name}
        for keep in (set(every), set(every) & (inner | here), here, here - unset(expression)):
            params = {key: value for key, value in every.items() if key in keep}
            known = answers(row, params, world)
            if name not in params or not harmless(row, name, params, known):
                continue
            repeated = True
            if judged(row, name, expression, params, known, world):
                return True, True
    return repeated, False


def given(row: Row, operation: str, name: str) -> bool:
    """Whether a written state shows both."""
    for about, params, item in GIVEN:
        lookup = row.ask(params) if about == operation else None
        known = {lookup.key(): Answer((item,), 0.0)} if lookup else {}
        if known and name in params and harmless(row, name, params, known):
            return any(harmless(row, name, {**params, name: each}, known) is False for each in others(params[name]))
    return False


def unset(expression: str) -> set[str]:
    """The parameters that an expression wants to be missing."""
    return set(re.findall(r"params\.(\w+) == `null`", expression))


def judged(
    row: Row, name: str, expression: str, params: dict[str, Any], known: Mapping[str, Answer], world: World
) -> bool:
    """Whether another value counts; where the row does not look at the value, another state or other parameters."""
    if any(harmless(row, name, {**params, name: each}, known) is False for each in others(params[name])):
        return True
    looked_at = set(re.findall(r"params\.(\w+)", expression)) & params.keys()
    if any(harmless(row, name, {**params, key: x}, known) is False for key in looked_at for x in others(params[key])):
        return True
    if re.search(r"\bnew\b", expression) and not world.empty:
        return False
    states = (evolve(world, empty=False), evolve(world, switch=not world.switch), evolve(world, text="other"))
    return any(harmless(row, name, params, answers(row, params, each)) is False for each in states)


def named(row: Row, key: str, operation: str, mine: StructureShape) -> Iterator[tuple[str, str]]:
    """The parameters that matter and that a row says something about, each with its expression."""
    item = output(row)
    item = item.member if isinstance(item, ListShape) else item
    names = {each for expression in row.params.values() for each in fields(expression)} | row.names
    there = set(getattr(item, "members", ())) - names
    rest = row.harmless.get("*", "")
    for name in mine.members:
        expression = row.harmless.get(name) or rest or f"same(new, old.{name})"
        said = name in row.harmless or (name in there and matters(key, operation, name))
        compared = not rest or name in row.harmless or "(params, old)" in rest or name in fields(rest)
        if said and compared and (not row.covers or name in row.covers) and name not in unset(expression):
            yield name, expression


def matters(key: str, operation: str, name: str) -> bool:
    """Whether the catalogue says that a parameter does something."""
    entry = CATALOGUE.lookup(key, operation)
    assert entry is not None
    return bool(entry.effects or entry.others) or any(name in form.when.fields for form in entry.forms)


@pytest.mark.parametrize(("key", "operation", "row"), ROWS)
def test_every_member(key: str, operation: str, row: Row) -> None:
    """Each named member: repeated it harms no one, another value is judged, and so is any where nothing is known."""
    mine = LOADER.get_service_model(CATALOGUE.botocore_service(key)).operation_model(operation).input_shape
    assert isinstance(mine, StructureShape)
    for name, expression in named(row, key, operation, mine):
        # Of some parameters no value harms anyone.
        if expression == "`true`" or (operation, name) in UNSEEN:
            continue
        found = (True, True) if given(row, operation, name) else proved(row, name, expression, mine)
        assert found == (True, True), (name, expression)
