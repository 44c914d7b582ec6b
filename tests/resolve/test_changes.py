"""What an update changes: the table against botocore's models, and the comparison itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from guardrails.classify.catalogue import Catalogue
from guardrails.resolve import changes
from guardrails.resolve.changes.compare import search, true
from guardrails.resolve.changes.rows import Row, rows_of

CATALOGUE, LOADER = Catalogue(), botocore.session.get_session()
FOLDER = Path(str(changes.__file__)).parent
ROWS = [
    pytest.param(file.stem, operation, row, id=f"{file.stem}-{operation}-{number}")
    for file in sorted(FOLDER.glob("*.json"))
    for operation in json.loads(file.read_text("utf-8"))["operations"]
    for number, row in enumerate(rows_of(file.stem, operation))
]
WORDS = {"new", "old", "items", "params", "also"}
# Keys of maps whose keys a model does not list.
KEYS = {"GetTopicAttributes": {"Policy", "KmsMasterKeyId", "ContentBasedDeduplication"}}


def members(shape: Shape | None) -> set[str]:
    """The names of every member of a shape, at any depth."""
    names: set[str] = set()
    todo: list[Any] = [shape]
    seen: set[str] = set()
    while todo:
        each = todo.pop()
        if each is None or each.name in seen:
            continue
        seen.add(each.name)
        if isinstance(each, StructureShape):
            names |= each.members.keys()
            todo += each.members.values()
        elif isinstance(each, ListShape):
            todo.append(each.member)
        elif isinstance(each, MapShape):
            names |= {*getattr(each.key, "enum", ())}
            todo.append(each.value)
    return names


def fields(expression: str) -> set[str]:
    """The names in an expression; those that it gives to parts of its own, and reads again, are left out."""
    own = set(re.findall(r"[{,] ?(\w+): ", expression)) - {"items"}
    todo, names = [jmespath.compile(expression).parsed], set()
    while todo:
        node = todo.pop()
        if node["type"] == "field":
            names.add(node["value"])
        todo += node["children"]
    return names - own - WORDS


@pytest.mark.parametrize(("key", "operation", "row"), ROWS)
def test_rows_fit_the_models(key: str, operation: str, row: Row) -> None:
    """Operation, look-up, parameters and members exist, and the catalogue judges the operation."""
    mine = LOADER.get_service_model(CATALOGUE.botocore_service(key)).operation_model(operation).input_shape
    look_up = LOADER.get_service_model(row.service).operation_model(row.lookup)
    assert mine is not None
    assert look_up.input_shape is not None
    assert look_up.output_shape is not None
    assert row.lookup.startswith(("Describe", "Get", "List"))
    assert set(row.params) <= look_up.input_shape.members.keys()
    assert set(look_up.input_shape.required_members) <= set(row.params)
    assert row.items in {*look_up.output_shape.members, "@"}
    assert {*row.harmless} - {"*"} | row.covers | row.names <= mine.members.keys()
    both = members(mine) | members(look_up.output_shape) | KEYS.get(row.lookup, set())
    for beside in row.besides:
        view = LOADER.get_service_model(beside.service).operation_model(beside.lookup)
        assert view.input_shape is not None
        assert set(view.input_shape.required_members) <= set(beside.params) <= view.input_shape.members.keys()
        assert fields(beside.idle) <= members(mine) | members(view.output_shape) | {"Statement"}
        assert all(fields(expression) <= members(mine) for expression in beside.params.values())
    entry = CATALOGUE.lookup(key, operation)
    assert entry is not None
    assert row.forms.keys() <= {form.meaning for form in entry.forms}
    if row.also:
        also = LOADER.get_service_model(row.also.service).operation_model(row.also.lookup)
        assert also.input_shape is not None
        assert also.output_shape is not None
        assert {*row.also.params} <= also.input_shape.members.keys()
        both |= members(also.output_shape)
        assert all(fields(expression) <= members(mine) for expression in row.also.params.values())
    for expression in (*row.harmless.values(), *row.forms.values(), row.each, *row.where, *filter(None, [row.idle])):
        assert fields(expression) <= both, expression
        # JMESPath reads `!a.b` as `(!a).b`.
        assert not re.search(r"![a-z_]+\.", expression, re.IGNORECASE), expression
    for expression in (*row.params.values(), *row.where.values()):
        assert fields(expression) <= members(mine), expression


@pytest.mark.parametrize(("key", "operation", "row"), ROWS)
def test_names_alone_change_nothing(key: str, operation: str, row: Row) -> None:
    """What names the target is nothing that a value is set by."""
    assert not row.names & {*row.harmless} - row.covers, (key, operation)
    # A call without a value to compare is compared as a whole.
    assert not (row.idle and row.harmless), (key, operation)


def test_files_are_diffable() -> None:
    """One operation per line, in alphabetical order."""
    for path in FOLDER.glob("*.json"):
        names = re.findall(r'^"(\w+)": \[', path.read_text("utf-8"), re.MULTILINE)
        assert names == sorted(json.loads(path.read_text("utf-8"))["operations"]), path.name


@pytest.mark.parametrize(
    ("expression", "new", "old"),
    [
        ("same(new, old.A)", 3, {"A": 3.0}),
        ("same(new, old.A)", "3", {"A": 3}),
        ("same(new, old.A)", {"LaunchTemplateId": "lt-1"},
         {"A": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web", "Version": "$Default"}}),
        ("same(new, old.A)", {"B": [1, {"C": ""}]}, {"A": {"B": [1, {}], "D": False, "E": None}}),
        ("same(new, old.A)", {"OnDemandBaseCapacity": 0}, {"A": {"SpotAllocationStrategy": "lowest-price"}}),
        ("kept(new, old.A)", {"B": 1, "D": None}, {"A": {"B": 1, "C": 5}}),
        ("holds(split(new), split(old.A))", "c, a,b", {"A": "a,b"}),
        ("alike(new, old.A)", [1, 2], {"A": [2, 1]}),
        ("same(json(new), json(old.A))", '{"a": ["x"], "b": ["1", "2"]}', {"A": '{"b":["2","1"],"a":"x"}'}),
        ("repeats(new, old.A)", '[{"op": "replace", "path": "/B/1/C", "value": 5}]', {"A": '{"B": [1, {"C": 5}]}'}),
        ("same(tail(new), tail(old.A))", "web:3", {"A": "arn:aws:ecs:eu-west-1:1:task-definition/web:3"}),
        ("same(actions(new), actions(old.A))", [{"Type": "forward", "TargetGroupArn": "x"}],
         {"A": [{"Type": "forward", "TargetGroupArn": "x", "Order": 1, "ForwardConfig": {"TargetGroups": [
             {"TargetGroupArn": "x", "Weight": 1}], "TargetGroupStickinessConfig": {"Enabled": False}}}]}),
        ("deletes_no_sooner(new, old.A)", [{"Status": "Enabled", "Prefix": "a", "Expiration": {"Days": 9}}],
         {"A": [{"Status": "Enabled", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 9}}]}),
        ("version_of(new, old.A) == ['arn:aws:lambda:eu-west-1:123456789012:function:api', '7']",
         "arn:aws:lambda:eu-west-1:123456789012:function:api:7", {}),
        ("version_of(new, old.A) == ['7', '8']", "7", {"A": "8"}),
        ("alike(conditions(new), conditions(old.A))", [{"Field": "path-pattern", "Values": ["/a"]}],
         {"A": [{"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/a"]}}]}),
    ],
)  # fmt: skip
def test_what_aws_writes_in_another_way_is_the_same(expression: str, new: Any, old: Any) -> None:
    """Defaults that AWS fills in, both names of a template, the order of sets, and JSON documents are not changes."""
    assert true(expression, {"new": new, "old": old})


@pytest.mark.parametrize(
    ("expression", "new", "old"),
    [
        ("same(new, old.A)", None, {"A": None}),
        ("same(new, old.A)", 1, {}),
        ("same(new, old.A)", 1, None),
        ("same(new, old.A)", 1, {"A": True}),
        ("same(new, old.A)", 0, {"A": False}),
        ("same(new, old.A)", {"B": 1}, {"A": {"B": 1, "C": 5}}),
        ("same(new, old.A)", {"LaunchTemplateName": "web"},
         {"A": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web", "Version": "3"}}),
        ("same(new, old.A)", [1], {"A": [1, 2]}),
        ("kept(new, old.A)", {"B": 1}, {"A": {}}),
        ("holds(new, old.A)", ["a"], {"A": []}),
        ("holds(new, old.A)", ["a"], {}),
        ("holds(new, old.A)", ["a"], {"A": ["a", "b"]}),
        ("holds(split(new), split(old.A))", "a", {"A": ""}),
        ("alike(new, old.A)", [1], {"A": [2, 1]}),
        ("new >= old.A", 1, {}),
        ("new >= old.A", "2", {"A": 1}),
        ("same(json(new), json(old.A))", "{", {"A": "{"}),
        ("repeats(new, old.A)", '[{"op": "replace", "path": "/B", "value": 6}]', {"A": '{"B": 5}'}),
        ("repeats(new, old.A)", '[{"op": "replace", "path": "/C", "value": 5}]', {"A": '{"B": 5}'}),
        ("repeats(new, old.A)", '[{"op": "remove", "path": "/B"}]', {"A": '{"B": 5}'}),
        ("repeats(new, old.A)", '{"op": "replace"}', {"A": '{"B": 5}'}),
        ("same(json(new), json(old.A))", '{"a": ["x"]}', {"A": '{"a": ["x", "y"]}'}),
        ("same(actions(new), actions(old.A))", [{"Type": "forward", "TargetGroupArn": "x"}],
         {"A": [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "x", "Weight": 0}]}}]}),
        ("deletes_no_sooner(new, old.A)", [{"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 9}}],
         {"A": [{"Status": "Enabled", "NoncurrentVersionExpiration": {
             "NoncurrentDays": 9, "NewerNoncurrentVersions": 3}}]}),
        ("deletes_no_sooner(new, old.A)", [{"Status": "Enabled", "Expiration": {"Days": 9}}],
         {"A": [{"Status": "Enabled", "Expiration": {"Date": "2030-01-01"}}]}),
        ("deletes_no_sooner(new, old.A)", [{"Status": "Enabled", "Expiration": {"Days": 9}}],
         {"A": [{"Status": "Disabled", "Expiration": {"Days": 9}}]}),
        ("version_of(new, old.A)[1] == '7'", "api:7", {"A": "8"}),
        ("version_of(new, old.A)[1] == '7'", "api:live", {}),
    ],
)  # fmt: skip
def test_what_is_not_known_to_be_the_same_has_changed(expression: str, new: Any, old: Any) -> None:
    """A missing member, another type and another value are changes, and so is what cannot be compared."""
    assert not true(expression, {"new": new, "old": old})


def test_a_list_of_differences() -> None:
    """`added` are the items that are not there yet."""
    attributes = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert search("added(new, old)", {"new": attributes, "old": attributes[:1]}) == attributes[1:]
