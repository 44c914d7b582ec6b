"""`guardrails policy test`: real runs on both engines over small policies of a user."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.policy.test import embedded, opa_test, suite

POLICY = """package guardrails.naming

import data.guardrails.lib

kept(name) if startswith(name, "keep")

named(target) := target.tags.Name if {
	target.tags.Name != ""
	print("named", target.tags.Name)
}

deny contains lib.violation("naming/keep", id, "kept", "rename it") if {
	"terminate" in lib.effects
	some id, target in lib.targets
	kept(named(target))
}
"""
TESTS = """package guardrails.naming_test

import data.guardrails.naming

asked(name) := {
	"call": {"effects": ["terminate"]},
	"targets": {"i-1": {"role": "target", "tags": {"Name": name}}},
}

test_kept if count(naming.deny) == 1 with input as asked("keep-db")

test_kept_by_its_helper if naming.kept("keep")
"""
FAILING = """
test_undefined if {
	print("about", "to fail")
	naming.kept("web")
}

test_false := false

test_error if 1 / 0 == 1
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder with one area, and a test of it."""
    monkeypatch.chdir(tmp_path)
    for place, text in (("naming/naming", POLICY), ("naming_test/naming_test", TESTS)):
        path = tmp_path / "mine" / "guardrails" / f"{place}.rego"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path / "mine"


@pytest.fixture
def failing(folder):
    """The same with a test that is undefined, one that is false and one that breaks."""
    path = folder / "guardrails" / "naming_test" / "naming_test.rego"
    path.write_text(TESTS + FAILING)
    return folder


def run_test(*arguments):
    return CliRunner().invoke(app, ["policy", "test", *map(str, arguments)])


def test_passing(folder):
    """Only the folder's tests are run, with the shipped policies at hand; all pass and the exit code is 0."""
    done = run_test(folder)
    assert (done.exit_code, done.stdout) == (0, "2 tests, 2 passed, 0 failed\n")


def test_shipped():
    """Without a folder and a configuration the shipped tests are run; their policies are covered whole."""
    done = run_test("--threshold", "100")
    assert done.exit_code == 0
    assert done.stdout.endswith(", 100.0 % of lines covered\n")


def test_failing(failing):
    """Undefined, false and an error each fail with their reason, place and what was printed; the exit code is 1."""
    done = run_test(failing)
    assert done.exit_code == 1
    assert "FAIL  guardrails.naming_test.test_undefined  mine/guardrails/naming_test/naming_test.rego:14" in done.stdout
    assert "undefined: a condition is not true" in done.stdout
    assert "about to fail" in done.stdout
    assert "it is false, not true" in done.stdout
    assert re.search(r"naming_test\.rego:21:\d+: .*divi", done.stdout)
    assert "named keep-db" not in done.stdout
    assert done.stdout.endswith("5 tests, 2 passed, 3 failed\n")


def test_verbose_and_run(failing):
    """-v shows passing tests and their output; --run picks by package and name."""
    done = run_test(failing, "-v", "--run", r"naming_test\.test_kept$")
    assert done.exit_code == 0
    assert "pass  guardrails.naming_test.test_kept " in done.stdout
    assert "named keep-db" in done.stdout
    assert done.stdout.endswith("1 test, 1 passed, 0 failed\n")


def test_nothing_matches(folder):
    """No test is no success."""
    done = run_test(folder, "--run", "nothing")
    assert done.exit_code == 1
    assert "no tests found" in done.stderr


def test_nothing_matches_on_opa(folder, opa_on_path):
    """Nor is it one on OPA."""
    done = run_test(folder, "--run", "nothing", "--engine", "opa")
    assert done.exit_code == 1
    assert "no tests found" in done.stderr


def test_coverage(failing):
    """Lines that no test evaluates are named, after an error too; files of tests and shipped ones are left out."""
    policy = failing / "guardrails" / "naming" / "naming.rego"
    policy.write_text(POLICY + "\nunused if {\n\tinput.x == 1\n\tinput.y == 2\n}\n")
    done = run_test(failing, "--coverage", "--format", "json")
    document = json.loads(done.stdout)["coverage"]
    (file,) = document["files"]
    assert file["file"] == str(policy)
    assert file["missing"] == [19, 20]
    assert 50 < file["percent"] < 100
    assert document["percent"] == file["percent"]
    low = run_test(failing, "--run", "test_kept", "--threshold", "99")
    assert low.exit_code == 1
    assert "naming.rego  not covered: 19-20" in low.stdout
    assert "is below the threshold 99 %" in low.stderr
    assert run_test(failing, "--run", "test_kept", "--threshold", "50").exit_code == 0


def test_junit(failing, tmp_path):
    """The XML has a suite for the package, with its failures and what they printed."""
    assert run_test(failing, "--junit", tmp_path / "out.xml").exit_code == 1
    (found,) = ET.parse(tmp_path / "out.xml").getroot()
    assert (found.get("name"), found.get("tests"), found.get("failures")) == ("guardrails.naming_test", "5", "3")
    case = found.find("testcase[@name='test_undefined']")
    assert case.find("failure").get("message") == "undefined: a condition is not true"
    assert "about to fail" in case.find("system-out").text


def test_json(failing):
    """--format json is one document with every test."""
    document = json.loads(run_test(failing, "--format", "json").stdout)
    assert (document["passed"], document["failed"]) == (2, 3)
    by_name = {entry["name"]: entry for entry in document["tests"]}
    assert by_name["test_kept"]["passed"] is True
    assert by_name["test_false"]["line"] == 19
    assert by_name["test_error"]["reason"].endswith("divide by zero")


def test_on_opa(failing, opa_on_path):
    """The real `opa test` gives the same outcomes, and what it printed."""
    there = suite.load([failing])
    ours, real = embedded.run(there, there.tests), opa_test.run(there, there.tests)
    assert [one.passed for one in ours] == [one.passed for one in real]
    done = run_test(failing, "--engine", "opa")
    assert done.exit_code == 1
    assert "about to fail" in done.stdout
    assert done.stdout.endswith("5 tests, 2 passed, 3 failed\n")


def test_parity(folder, opa_on_path):
    """--parity fails for a test on which the engines differ, and says on which it passes."""
    assert run_test(folder, "--parity").exit_code == 0
    path = folder / "guardrails" / "naming_test" / "naming_test.rego"
    path.write_text(TESTS + '\ntest_emoji if count("\U0001f600") == 1\n', "utf-8")
    done = run_test(folder, "--parity")
    assert done.exit_code == 1
    assert "passes on opa only" in done.stdout
    assert "1 differ between the engines" in done.stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("package guardrails.naming_test\n\ntest_x if {\n", "naming_test.rego:"),
        ("package guardrails.naming_test\n\ntest_x if nothing(1)\n", "3:18: unknown function nothing"),
        ("package guardrails.naming_test\n\ntest_x if y == 1\n", "naming_test.rego:3:11: "),
    ],
)
def test_broken(folder, text, sentence):
    """A file that does not load is one sentence with file and line, and exit code 2."""
    (folder / "guardrails" / "naming_test" / "naming_test.rego").write_text(text)
    done = run_test(folder)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"guardrails: {folder}")
    assert sentence in done.stderr


def test_wrong_usage(folder, tmp_path, monkeypatch):
    """A folder that is not there, a broken pattern, a missing opa, coverage on opa: one sentence, exit code 2."""
    monkeypatch.setenv("PATH", "")
    for arguments, sentence in (
        ([tmp_path / "no"], "no such policy folder"),
        ([folder, "--run", "("], "is not a regular expression"),
        ([folder, "--engine", "opa"], "no `opa` on PATH"),
        ([folder, "--engine", "opa", "--coverage"], "needs the embedded engine"),
        ([folder, "--junit", tmp_path / "no" / "x"], "cannot be written"),
    ):
        done = run_test(*arguments)
        assert (done.exit_code, sentence in done.stderr) == (2, True), done.output


def test_a_test_with_cases_is_refused(folder):
    """A rule test_x[case] would pass with cases missing; it fails with what to write instead."""
    path = folder / "guardrails" / "naming_test" / "naming_test.rego"
    path.write_text(TESTS + '\ntest_cases[name] if {\n\tsome name in ["keep", "web"]\n\tnaming.kept(name)\n}\n')
    done = run_test(folder, "--run", "test_cases")
    assert done.exit_code == 1
    assert "write one rule per case" in done.stdout
