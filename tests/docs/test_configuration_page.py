"""The tables of keys and parameters are whole, and what is generated from them is up to date and true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import attrs
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.config import schema
from guardrails.config.keys import KEYS, TABLES
from guardrails.config.load import load
from guardrails.config.schema import Mismatch
from guardrails.config.settings import SOURCES, Settings
from guardrails.evaluate import policy_params
from guardrails.evaluate.bundle import params_of, read, shipped
from tests.docs import configuration_page
from tests.docs.configuration_page import PAGE, SCHEMA

NOWHERE = Path("/nonexistent")
# What Settings knows about the files, rather than from them.
ORIGINS = {"where", "where_inside", "file", "organisation", "found_upward", "floor"}


def test_files_are_up_to_date():
    """The page and the schema are what `python -m tests.docs.configuration_page` writes."""
    for file, text in configuration_page.files().items():
        assert file.read_text("utf-8") == text, file


def test_every_source_has_a_row():
    """The guide's table of sources of liveness has each of them once, with what it needs."""
    table = (PAGE.parent / "running.md").read_text("utf-8").partition("| source |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    assert sorted(name for row in rows for name in re.findall("`([^`]+)`", row)) == sorted(SOURCES)


def test_every_setting_has_a_key():
    """Each attribute of Settings and of its tables is a key with a description, and each key is an attribute."""
    names = set()
    for field in attrs.fields(Settings):
        value = getattr(Settings(), field.name)
        tables = attrs.fields(type(value)) if attrs.has(type(value)) else ()
        names |= {f"{field.name}.{inner.name}" for inner in tables} or {field.name}
    assert names - ORIGINS == set(KEYS)
    assert all(key.description.endswith(".") for key in KEYS.values())


@pytest.mark.parametrize("name", KEYS)
def test_examples(name, tmp_path):
    """A key's example loads, is not its default, and the default of a constant loads as itself."""
    key, file = KEYS[name], tmp_path / "guardrails.toml"
    file.write_text(f"{name} = {key.example}\n")
    settings = load(file, organisation=NOWHERE)
    assert settings.where == {name: f"{file}:1"}
    value = settings
    for step in key.path:
        value = getattr(value, step)
    assert value != key.default
    assert value is not None
    default = list(key.default) if isinstance(key.default, tuple) else key.default
    if default is not None and not key.default_words:
        assert key.kind.check(default, tmp_path) == key.default


def test_every_parameter_has_a_schema():
    """The schema has each shipped parameter, also inside tables, and its default, which it accepts."""
    declared, document = params_of(read((shipped(),))), policy_params.schema()
    assert set(document["properties"]) == set(declared)
    policy_params.check(declared, declared)
    for name in ("capacity", "cutover", "remaining", "live"):
        assert set(document["properties"][name]["properties"]) == set(declared[name])
    assert set(document["definitions"]["bounds"]["properties"]) == set(declared["remaining"]["bounds"])


def _validator():
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def test_the_schema_for_editors():
    """It is a valid schema of draft 2020-12, accepts every example, alone and together, and the shipped defaults."""
    validator = _validator()
    jsonschema.Draft202012Validator.check_schema(validator.schema)
    together = ""
    for table in ("", *TABLES):
        together += f"[{table}]\n" if table else ""
        for key in KEYS.values():
            if key.path[:-1] == ((table,) if table else ()):
                together += f"{key.path[-1]} = {key.example}\n"
                validator.validate(tomllib.loads(f"{key.name} = {key.example}"))
    validator.validate(tomllib.loads(together))
    validator.validate({"params": {"untagged": "allow", "my_own": 5}, "locked": ["mode"]})


@pytest.mark.parametrize(
    "wrong",
    [
        'modee = "warn"',
        'live.source = ["eip"]',
        'mode = "on"',
        "log.keep = -1",
        'params.untagged = "alow"',
        "params.remaining.clusters.a.max_share = 2",
        "params.capacity.headrom = 1",
        'locked = ["modee"]',
        'live.tag = { key = "x" }',
    ],
)
def test_the_schema_refuses(wrong):
    """Unknown keys, at the top and in tables, and values that a key or a parameter cannot have."""
    assert not _validator().is_valid(tomllib.loads(wrong))


def test_the_pages_blocks(tmp_path):
    """The page's example loads, its bare keys are known to the schema, and its command prints the schema's path."""
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    assert set(blocks) == {"toml", "bash"}
    file = tmp_path / "guardrails.toml"
    file.write_text(blocks["toml"])
    assert load(file, organisation=NOWHERE).live.sources == ("eip", "tag")
    _validator().validate(tomllib.loads(blocks["toml"]))
    command = blocks["bash"].replace("python -c", f"{sys.executable} -c")
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=SCHEMA.parent.parent.parent, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).samefile(SCHEMA)


NAMES = st.sampled_from(["key", "value", "bounds", "clusters", "min_running", "max_share", "live-cluster/stop", "x"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 20_000)
    | st.sampled_from([0.5, -0.1, "", "deny", "eip", "eu-1", "a b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
PARAMETERS = policy_params.schema()
SCHEMAS = [key.kind.schema for key in KEYS.values()] + [
    {"definitions": PARAMETERS["definitions"], **inner} for inner in PARAMETERS["properties"].values()
]


@given(st.sampled_from(SCHEMAS), VALUES)
def test_the_checker_agrees_with_jsonschema(part, value):
    """Our checker accepts what the jsonschema library accepts, for every schema that we have."""
    try:
        schema.validate(value, part)
        accepted = True
    except Mismatch:
        accepted = False
    assert accepted == jsonschema.Draft7Validator(part).is_valid(value)
