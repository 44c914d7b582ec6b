"""The rule book: complete for the shipped rules, true to the configuration, and safe with whatever a policy says."""

from __future__ import annotations

import re
import shlex

import botocore.session
import pytest
from botocore import xform_name
from click.testing import CliRunner

from guardrails import assembly
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.evaluate.bundle import rule_ids
from guardrails.policy.check import metadata
from guardrails.policy.docs import chapters

MODELS = botocore.session.get_session()
BOOK = {chapter.rule: chapter for chapter in chapters.chapters(assembly.policies(load({})))}
# The AWS CLI writes booleans as two flags, and some commands take other names than botocore's.
CLI_NAMES = {
    "count": "min_count",
    "no-disable-api-termination": "disable_api_termination",
    "no-map-public-ip-on-launch": "map_public_ip_on_launch",
    "secondary-private-ip-address-count": "secondary_private_ip_address_count",
}


def _docs(*arguments, config="", folder=None, code=0):
    done = CliRunner().invoke(app, ["policy", "--config", str(config), "docs", *map(str, arguments)])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "guardrails.toml"
    file.write_text("")
    return file


def test_every_shipped_rule_is_in_the_book():
    """Each rule has a title, what it stops, its incident, and an avoided and a preferred call."""
    # What main says of a broken rule or input is no rule.
    assert set(BOOK) == {rule for rule in rule_ids(assembly.policies(load({}))) if not rule.startswith("main/")}
    for chapter in BOOK.values():
        told = (chapter.title, chapter.definitions[0].description, chapter.incident, chapter.avoid, chapter.prefer)
        assert all(told), chapter.rule


def test_a_rules_place_is_that_of_every_checkout():
    """It begins at the policies' own folder guardrails, also below another one of that name: a clone, a package."""
    assert {chapter.place.count("guardrails/") for chapter in BOOK.values()} == {1}
    assert all(chapter.place.startswith("guardrails/") for chapter in BOOK.values())


EXAMPLES = [(f"{rule} {kind}", getattr(one, kind)) for rule, one in BOOK.items() for kind in ("avoid", "prefer")]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_the_examples_are_calls_that_exist(name, text):
    """An example is a command of the AWS CLI whose operation and parameters botocore knows."""
    words = shlex.split(text)
    if words[0] == "pip" or "BRAND_NEW_OPERATION" in words:
        assert name.startswith("unreviewed/")
        return
    assert words[0] == "aws"
    service = MODELS.get_service_model(words[1])
    operations = {xform_name(one).replace("_", "-"): one for one in service.operation_names}
    members = service.operation_model(operations[words[2]]).input_shape.members
    known = {xform_name(member) for member in members} | {"endpoint_url"}
    for flag in (word.removeprefix("--") for word in words[3:] if word.startswith("--")):
        assert CLI_NAMES.get(flag, flag.replace("-", "_")) in known, flag


def test_parameters_are_those_the_rule_asks():
    """A rule's parameters are those it or its helpers ask, with the values of this configuration, and no others."""
    told = {rule: chapter.parameters for rule, chapter in BOOK.items()}
    steal = {"cutover.min_share": 1.0, "rollback_window_s": 3600, "untagged": "confirm"}
    assert told["addresses/steal"] == steal
    assert told["rollback/window"] == {"rollback_window_s": 3600}
    assert told["capacity/rebuild"] == {"capacity.rebuild_minutes": 10, "capacity.rebuild_share": 0.5}
    assert told["live-cluster/terminate"] == {"inferred": "bounds"}
    asked = {"inferred", "remaining.bounds", "remaining.clusters", "remaining.of", "window_s"}
    assert set(told["remaining/share"]) == asked
    made = assembly.policies(
        load({"params": {"cutover": {"min_share": 0.5}}, "enforcement": {"addresses/steal": "warn"}})
    )
    steal = next(one for one in chapters.chapters(made) if one.rule == "addresses/steal")
    assert (steal.parameters["cutover.min_share"], steal.enforcement) == (0.5, "warn")


@pytest.mark.every(1)
def test_both_pages_tell_the_same(config, tmp_path):
    """Markdown and HTML have every rule with its facts; the page fetches nothing and runs nothing."""
    text = _docs(config=config)
    page = tmp_path / "book.html"
    assert f"{len(BOOK)} rules" in _docs("-o", page, config=config)
    html = page.read_text()
    for chapter in BOOK.values():
        assert f"`{chapter.rule}`" in text
        assert f'id="{chapter.rule}"' in html
        assert chapter.place in text
        assert chapter.place in html
    assert "<script" not in html
    assert not re.search(r"(src|href)=\"(?!#)", html)


OWN = """package guardrails.odd

# METADATA
# title: <script>alert(1)</script> *all* of it
# description: >-
#   Two lines
#   of text.
# custom:
#   rule: odd/one
#   avoid: 'aws x: <b>'
warn contains {
	"rule": "odd/one",
	"target": "x",
	"message": "m",
	"remediation": "r",
} if {
	input.call.params.x > data.guardrails.params.odd.limit
}
"""


def test_a_rule_of_ones_own(config, tmp_path):
    """A user's rule is in the book with what its METADATA says, however odd, and its own parameter."""
    folder = tmp_path / "own" / "guardrails" / "odd"
    folder.mkdir(parents=True)
    (folder / "odd.rego").write_text(OWN)
    params = tmp_path / "own" / "guardrails" / "params"
    params.mkdir()
    (params / "data.json").write_text('{"odd": {"limit": 3}}')
    config.write_text('policies = ["own"]\n')
    text = _docs(config=config)
    assert "`odd/one` warns. Two lines of text." in text
    assert "- parameter odd.limit: `3`" in text
    html = _docs("--format", "html", config=config)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; *all* of it" in html


def test_a_file_that_cannot_be_written(config, tmp_path):
    """An output in a folder that is not there ends in one sentence."""
    assert "cannot be written" in _docs("-o", tmp_path / "no" / "book.md", config=config, code=2)


@pytest.mark.parametrize(
    ("comments", "told"),
    [
        (["# METADATA", "# title: a", "# custom:", "#   rule: a/b"], {"title": "a", "rule": "a/b"}),
        (["# old", "# METADATA", "# title: a"], {"title": "a"}),
        (["# only a comment"], {}),
        (["# METADATA", "# - a list"], {}),
        (["# METADATA"], {}),
        ([], {}),
    ],
)
def test_metadata(comments, told):
    """METADATA is what stands under its mark, custom members beside the others."""
    assert metadata.above([*comments, "deny contains 1"], len(comments) + 1) == told


def test_metadata_that_is_no_yaml(tmp_path):
    """Broken METADATA is said with a sentence, also by policy check with its place."""
    with pytest.raises(ValueError, match="mapping values"):
        metadata.above(["# METADATA", "# title: a: b", "deny contains 1"], 3)
    folder = tmp_path / "own" / "guardrails" / "odd"
    folder.mkdir(parents=True)
    (folder / "odd.rego").write_text(OWN.replace("title: <script>", "title: a: b"))
    done = CliRunner().invoke(app, ["policy", "check", str(tmp_path / "own")])
    assert done.exit_code == 1
    assert "odd.rego:11" in done.output.replace("\n", "")
    assert "not YAML" in done.output
