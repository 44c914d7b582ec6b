"""The table of properties against CloudFormation's schemas, and patches."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import jmespath
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from guardrails.aws.cloudformation import table
from guardrails.resolve.changes.patches import patched
from guardrails.resolve.changes.properties import always_harmless, harmful, present
from guardrails.resolve.changes.rows import rows_of

FILE = resources.files("guardrails.aws").joinpath("cloudformation_properties.json")
TABLE = json.loads(FILE.read_text("utf-8"))


def properties_of(kind: str) -> set[str]:
    """The properties of a type in CloudFormation's own schema."""
    schema: Any = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return set(schema["properties"])


@pytest.mark.parametrize("kind", sorted(TABLE["types"]))
def test_properties_are_those_of_the_schemas(kind: str) -> None:
    """Every property exists, every expression is JMESPath, and what a row is like exists."""
    row, known = TABLE["types"][kind], properties_of(kind)
    assert kind in table().types
    assert {*row["harmless"]} - {"*"} <= known
    for expression in row["harmless"].values():
        jmespath.compile(expression)
        # JMESPath reads `!a.b` as `(!a).b`.
        assert not re.search(r"![a-z_]+\.", expression, re.IGNORECASE), expression
    assert rows_of(*row["like"].split(":")) if "like" in row else row["harmless"]
    if "now" in row:
        assert present(kind, "id", dict.fromkeys(known, "x")) is not None


def test_harmless_names_are_properties() -> None:
    """Each is a property of some type that can hurt a machine, and they are in order."""
    known = {name for kind in table().types for name in properties_of(kind)}
    assert set(TABLE["harmless"]) <= known
    assert TABLE["harmless"] == sorted(set(TABLE["harmless"]))
    assert list(TABLE["types"]) == sorted(TABLE["types"])


def test_what_no_row_knows_counts() -> None:
    """A property without a row must stay as it is; a tag without evidence may change."""
    assert harmful("AWS::EC2::Brandnew", {"A": 1, "B": 2}, {"A": 2, "B": 2, "C": 3}, (), None) == ["A", "C"]
    assert harmful("AWS::EC2::VPC", {"Tags": {"Owner": "a"}}, {"Tags": {"Owner": "b"}}, ("Cluster",), None) == []
    assert harmful("AWS::EC2::VPC", {"Tags": {"Cluster": "a"}}, {}, ("Cluster",), None) == ["Tags"]
    assert harmful("AWS::EC2::VPC", {"Tags": ["?"]}, {"Tags": ["!"]}, ("Cluster",), None) == ["Tags"]
    assert always_harmless("AWS::EC2::Brandnew", "Description")
    assert not always_harmless("AWS::EC2::Brandnew", "A")


PATCHES: list[tuple[list[dict[str, Any]], Any]] = [
    ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3], "b": {"c/d": 1}}),
    ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1, 2], "b": {"c/d": 1}}),
    ([{"op": "remove", "path": "/a/1"}, {"op": "replace", "path": "/b/c~1d", "value": 2}], {"a": [1], "b": {"c/d": 2}}),
    ([{"op": "move", "from": "/a/0", "path": "/e"}], {"a": [2], "b": {"c/d": 1}, "e": 1}),
    ([{"op": "copy", "from": "/b", "path": "/e"}], {"a": [1, 2], "b": {"c/d": 1}, "e": {"c/d": 1}}),
    ([{"op": "test", "path": "/a", "value": [1, 2]}, {"op": "replace", "path": "", "value": {}}], {}),
]


@pytest.mark.parametrize(("patch", "after"), PATCHES)
def test_patches(patch: list[dict[str, Any]], after: Any) -> None:
    """Every operation of RFC 6902; what was there stays as it was."""
    before = {"a": [1, 2], "b": {"c/d": 1}}
    assert patched(before, patch) == after
    assert before == {"a": [1, 2], "b": {"c/d": 1}}


@pytest.mark.parametrize(
    "step",
    [
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "remove", "path": "/a/9"},
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "test", "path": "/a", "value": 1},
        {"op": "else", "path": "/a"},
        {"path": "/a"},
        "x",
    ],
)
def test_patches_that_do_not_fit(step: Any) -> None:
    """They are errors, so nothing is known of what they make."""
    with pytest.raises((LookupError, TypeError, ValueError)):
        patched({"a": [1]}, [step])
