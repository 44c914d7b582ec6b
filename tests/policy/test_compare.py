"""`policy compare`: new policies that are wider than the old ones are found, with an input that shows it."""

from __future__ import annotations

import json
import shutil
import subprocess

import jsonschema
import pytest
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.evaluate import bundle, bundle_file
from guardrails.policy.compare.run import Comparing
from guardrails.policy.compare.verdicts import PolicySet

SHIPPED = bundle.shipped()
# A whole set of policies with one area, so that a comparison takes a second.
MAIN = """package guardrails.main

import data.guardrails.areas

found contains object.union(entry, {"action": "deny"}) if {
	some _, entries in areas.answers.deny
	some entry in entries
}

# METADATA
# entrypoint: true
decision := {"action": "deny", "violations": [entry | some entry in found]} if {
	count(found) > 0
} else := {"action": "allow", "violations": []}
"""
KEEP = """package guardrails.keep

import data.guardrails.keep_names

deny contains {"rule": "keep/named", "target": id, "message": "It is kept.", "remediation": "Rename it."} if {
	input.call.region == "eu-north-1"
	some id, target in input.targets
	startswith(target.tags.Name, keep_names.prefix)
	target.facts.disks > data.guardrails.params.disks
}
"""
NAMES = 'package guardrails.keep_names\n\nprefix := "keep"\n'


@pytest.fixture
def policies(tmp_path):
    """policies(name, keep=…, disks=…): a folder with a whole set of policies."""

    def make(name, keep=KEEP, disks=3, names=NAMES):
        folder = tmp_path / name
        texts = {"main/main": MAIN, "keep/keep": keep, "keep_names/keep_names": names}
        for path, text in texts.items():
            file = folder / "guardrails" / f"{path}.rego"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (folder / "guardrails" / "params").mkdir()
        (folder / "guardrails" / "params" / "data.json").write_text(json.dumps({"disks": disks}))
        return folder

    return make


def _run(*args, code):
    done = CliRunner().invoke(app, ["policy", *map(str, args)])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.stdout


def test_an_import_that_stands_for_something_else(policies):
    """A helper of the same name from another package is a change, although the rule's text is the same."""
    old, new = policies("old"), policies("new", keep=KEEP.replace("keep_names\n", "other_names as keep_names\n", 1))
    for folder in (old, new):
        (folder / "guardrails" / "other_names").mkdir()
        file = folder / "guardrails" / "other_names" / "other_names.rego"
        file.write_text('package guardrails.other_names\n\nprefix := "nothing-is-called-so"\n')
    text = _run("compare", old, new, code=1)
    assert "keep/named" in text


def test_a_removed_rule(tmp_path):
    """Without a rule of the shipped policies, an input is found that only it denied: valid, small, and evaluable."""
    folder = tmp_path / "new"
    shutil.copytree(SHIPPED, folder)
    file = folder / "guardrails" / "network" / "network.rego"
    file.write_text(file.read_text().replace("touched.nacl", "touched.nothing"))
    written = tmp_path / "found"
    printed = _run("compare", SHIPPED, folder, "--write", written, "--neighbors", 200, code=1)
    assert "wider than before in 1 rule" in printed
    assert "network/acl" in printed
    (found,) = written.iterdir()
    document = json.loads(found.read_text())
    jsonschema.validate(document, json.loads((SHIPPED / "schemas" / "input.json").read_text()))
    assert [target["type"] for target in document["targets"].values()] == ["nacl"]
    assert len(document["clusters"]) <= 1
    config = tmp_path / "guardrails.toml"
    config.write_text("[state]\nenabled = false\n")
    _run("--config", config, "eval", found, code=3)
    assert "network/acl" in _run("--config", config, "explain", found, code=0)


def test_an_else_without_a_condition(policies):
    """A definition that changed may end with an `else` that always holds."""
    rule = KEEP.replace("target.facts.disks > data.guardrails.params.disks", "disks(target) > 3")
    kept = rule + "\ndisks(target) := target.facts.disks if target.facts.known else := VALUE\n"
    old, new = policies("old", keep=kept.replace("VALUE", "5")), policies("new", keep=kept.replace("VALUE", "1"))
    assert "wider" in _run("compare", old, new, code=1)


def test_nothing_that_was_foreseen(policies):
    """A rule about a region, the beginning of a tag and a number is followed to an input on which it acts."""
    removed = policies("removed", keep=KEEP.replace('"eu-north-1"', '"eu-north-2"'))
    shown = json.loads(_run("compare", policies("old"), removed, "--format", "json", code=1))
    (wider,) = shown["wider"]
    assert (wider["rule"], wider["was"], wider["now"]) == ("keep/named", "deny", "allow")
    assert wider["input"]["call"]["region"] == "eu-north-1"
    (target,) = wider["input"]["targets"].values()
    assert target["tags"]["Name"].startswith("keep")
    disks = target["facts"]["disks"]
    # In Rego strings, lists and objects are above all numbers.
    assert isinstance(disks, (str, list, dict)) or disks in (4, 5)


def test_a_parameter(policies):
    """A bound that is one higher is wider by the inputs at the bound; one that is lower is not."""
    old, looser = policies("old"), policies("looser", disks=4)
    (wider,) = json.loads(_run("compare", old, looser, "--format", "json", code=1))["wider"]
    assert [target["facts"]["disks"] for target in wider["input"]["targets"].values()] == [4]
    shown = json.loads(_run("compare", looser, old, "--format", "json", "--both", code=0))
    assert [each["rule"] for each in shown["stricter"]] == ["keep/named"]
    assert shown["documents"] > 5000


def test_the_same_in_other_words(policies):
    """The same policies need no input; with another layout and other names they are not wider."""
    old = policies("old")
    assert "the same rules and parameters" in _run("compare", old, old, code=0)
    laid_out = KEEP.replace("\tsome id", "\n\n\t# The machines.\n\tsome id")
    assert "the same rules and parameters" in _run("compare", old, policies("laid-out", keep=laid_out), code=0)
    renamed = policies(
        "renamed", keep=KEEP.replace("target.", "it.").replace("target in", "it in").replace(".prefix", ".start"),
        names=NAMES.replace("prefix", "start"),
    )  # fmt: skip
    assert "not wider than before over" in _run("compare", old, renamed, "--neighbors", 500, code=0)


def test_a_rule_under_another_name(policies):
    """A rule that has only another id and message is not wider: decisions are as strict as before."""
    renamed = KEEP.replace("keep/named", "keep/called").replace("It is kept.", "It stays.")
    shown = json.loads(_run("compare", policies("old"), policies("new", keep=renamed), "--format", "json", code=0))
    assert shown["affected"] == ["keep/named"]
    assert not shown["silent"]


def test_what_can_be_named(policies, tmp_path, monkeypatch):
    """A bundle file, a configuration and a revision of git are compared as a folder is."""
    old = policies("old")
    packed = tmp_path / "old.tar.gz"
    read = bundle.read([old])
    bundle_file.write(packed, bundle_file.parts(read.modules.values(), read.data, "1"))
    git = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    for arguments in (["init", "-q"], ["add", "old"], ["commit", "-qm", "old"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    for name in (packed, "git:HEAD:old"):
        assert "the same rules and parameters" in _run("compare", old, name, code=0)
    (tmp_path / "a.toml").write_text("[state]\nenabled = false\n")
    assert "the same rules and parameters" in _run("compare", SHIPPED, "a.toml", code=0)
    for wrong in ("git:HEAD", "git:no-such-revision:old", "git:HEAD:../..", "absent", "a.txt"):
        (tmp_path / "a.txt").write_text("")
        _run("compare", old, wrong, code=2)


def test_the_mode(policies):
    """The same policies in the mode warn allow what they denied."""
    read = bundle.read([policies("old")])
    comparing = Comparing(PolicySet("old", read), PolicySet("new", read, "warn"))
    assert [(each.was, each.now) for each in comparing.run().wider] == [("deny", "warn")]


def _committed(folder):
    git = ["git", "-C", str(folder), "-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "old"]):
        subprocess.run([*git, *arguments], check=True)


def test_where_ci_marks(policies, tmp_path, monkeypatch):
    """The marked file is the one in the repository that NEW has: of the rule, or beside where it was."""
    new = policies("mine", disks=4)
    _committed(tmp_path)
    (tmp_path / "below").mkdir()
    place = "mine/guardrails/keep/keep.rego"
    monkeypatch.chdir(tmp_path / "below")
    again = ("compare", "git:HEAD:mine", new, "--format", "github")
    (new / "guardrails" / "params" / "data.json").write_text('{"disks": 9}')
    assert f"file={place},line=5," in _run(*again, code=1)
    (tmp_path / place).unlink()
    (tmp_path / place).with_name("other.rego").write_text("package guardrails.keep\n\nunused := 1\n")
    (result,) = json.loads(_run(*again[:-1], "sarif", code=1))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == place.replace("keep.r", "other.r")


def test_what_is_said_to_a_counterexample(policies, tmp_path):
    """The commands that are named for a written counterexample show OLD's decision and NEW's."""
    old, new, folder = policies("old"), policies("new", disks=4), tmp_path / "found"
    last = _run("compare", old, new, "--write", folder, code=1).splitlines()[-1]
    (found,) = folder.iterdir()
    assert f"`guardrails policy explain {found} --policies {old}` and `… --policies {new}`" in last
    assert "keep/named" in _run("explain", found, "--policies", old, code=0)
    assert "No rule fires" in _run("explain", found, "--policies", new, code=0)
    assert _run("eval", found, "--policies", old, code=3).startswith("DENY")
    assert _run("eval", found, "--policies", new, code=0).startswith("ALLOW")


def test_what_ci_reads(policies):
    """GitHub, code scanning and JUnit get the rule with its file."""
    old, new = policies("old"), policies("new", disks=4)
    assert _run("compare", old, new, "--format", "github", code=1).startswith("::error file=")
    (result,) = json.loads(_run("compare", old, new, "--format", "sarif", code=1))["runs"][0]["results"]
    assert result["ruleId"] == "keep/named"
    assert '<failure message="deny becomes allow' in _run("compare", old, new, "--format", "junit", code=1)


def test_what_no_input_shows(policies):
    """In code scanning, a rule about which nothing is known is a note at the new policies."""
    old = policies("old", keep=KEEP.replace("target.facts.disks", "count(target.facts) * 7919"), disks=3000000)
    new = policies("new", keep=KEEP.replace("target.facts.disks", "count(target.facts) * 7919"), disks=5000000)
    (result,) = json.loads(_run("compare", old, new, "--format", "sarif", code=0))["runs"][0]["results"]
    assert (result["level"], result["ruleId"]) == ("note", "keep/named")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith(".rego")


def test_what_is_not_compared(tmp_path):
    """Settings in which two configurations differ, and that policies do not see, are named."""
    for name, text in (("a.toml", 'waves = "refuse"\n'), ("b.toml", 'waves = "off"\n')):
        (tmp_path / name).write_text(text)
    said = _run("compare", tmp_path / "b.toml", tmp_path / "b.toml", code=0)
    assert "Not compared" not in said
    said = _run("compare", tmp_path / "a.toml", tmp_path / "b.toml", "--neighbors", "0", code=0)
    assert "Not compared: waves. The configurations differ there, and no policy sees it." in said


def test_old_policies_that_fail(policies):
    """Where the old ones fail on an input, which blocks the call, and the new ones do not, the sentence says so."""
    loop = "some _ in target.facts.zones\n\tstartswith"
    old, new = (policies(name, keep=KEEP.replace("startswith", f"{guard}{loop}")) for name, guard in (
        ("old", ""), ("new", "is_array(target.facts.zones)\n\t"),
    ))  # fmt: skip
    assert "the old policies fail on" in _run("compare", old, new, code=1)
