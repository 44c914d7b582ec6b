"""`guardrails policy check`: every mistake with its place and its mend, on the real engine."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app

GOOD = """package guardrails.night

# METADATA
# title: Nothing at night
# custom:
#   rule: night/stop
deny contains {
	"rule": "night/stop",
	"target": id,
	"message": "It is night.",
	"remediation": "Wait.",
} if {
	input.call.operation == "StopInstances"
	some id, _ in input.targets
}
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Check a folder with this text as its one policy, or with these files."""
    monkeypatch.chdir(tmp_path)

    def run(text, *arguments, **more):
        files = {"guardrails/night/night.rego": text, **more}
        for name, content in files.items():
            file = tmp_path / "own" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return CliRunner().invoke(app, ["policy", "check", "own", *arguments])

    return run


def test_shipped():
    """The shipped policies have no finding."""
    done = CliRunner().invoke(app, ["policy", "check"])
    assert (done.exit_code, done.stdout.endswith("files, no findings\n")) == (0, True), done.output


def test_good(check):
    """A policy without a mistake is said to have none."""
    done = check(GOOD)
    assert (done.exit_code, done.stdout) == (0, "1 files, no findings\n")


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "part"),
    [
        ("some id, _ in", "some id, _ in in", "syntax", 14, ""),
        ("input.call.operation ==", "input.call.opertion ==", "input", 13, "did you mean operation?"),
        ('"It is night."', "sprintff(id)", "lint", 10, "unknown function sprintff"),
        ('"It is night."', "data.guardrails.params.nothing", "lint", 10, "nothing defines"),
        ('"It is night."', 'http.send({"url": id})', "lint", 10, "not allowed"),
        ('\t"remediation": "Wait.",\n', "", "entry", 7, "lacks remediation"),
        ('"rule": "night/stop"', '"name": "night/stop"', "entry", 7, "lacks rule"),
        ("# title: Nothing at night\n", "", "metadata", 6, "no title"),
        ("#   rule: night/stop", "#   rule: night/other", "metadata", 7, "make them equal"),
        ("package guardrails.night", "package guardrails.day", "package", 1, "lies in guardrails.night"),
    ],
)
def test_mistakes(check, old, new, code, line, part):
    """Each kind of mistake is named with file and line, what it is and how to mend it; the exit code is 1."""
    assert old in GOOD
    done = check(GOOD.replace(old, new), "--format", "json")
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert [(one["file"], one["code"], one["line"]) for one in told] == [
        ("own/guardrails/night/night.rego", code, line)
    ]
    assert part in told[0]["message"]


def test_recursion(check):
    """Rules that need each other are named."""
    done = check(GOOD + "\na if b\n\nb if a\n")
    assert "recursion is not allowed" in done.stdout


def test_unsafe(check):
    """A variable that nothing gives a value is named."""
    done = check(GOOD.replace('"StopInstances"', "nowhere"))
    assert done.exit_code == 1, done.output


def test_same_id(check):
    """An id that two areas use is named."""
    other = {"guardrails/day/day.rego": GOOD.replace("package guardrails.night", "package guardrails.day")}
    assert "night/stop is a rule of" in check(GOOD, **other).stdout


def test_all_at_once(check):
    """Several mistakes in several files are all reported, in order."""
    bad = GOOD.replace("call.operation", "call.opertion").replace("input.targets", "input.tragets")
    other = {"guardrails/day/day.rego": bad.replace("night", "day")}
    told = json.loads(check(bad, "--format", "json", **other).stdout)
    assert [(one["file"], one["line"]) for one in told] == [
        (f"own/guardrails/{name}/{name}.rego", line) for name in ("day", "night") for line in (13, 14)
    ]


def test_two_broken_files(check):
    """A file that does not parse does not hide the next."""
    other = {"guardrails/day/day.rego": "package guardrails.day\n\nx if {\n"}
    told = json.loads(check("package guardrails.night\n\nx if (\n", "--format", "json", **other).stdout)
    assert [one["code"] for one in told] == ["syntax", "syntax"]


def test_formats(check):
    """pretty, github and sarif tell the same place."""
    bad = GOOD.replace("call.operation", "call.opertion")
    place = "own/guardrails/night/night.rego"
    assert f"{place}:13:" in check(bad).stdout
    assert check(bad, "--format", "github").stdout.startswith(f"::error file={place},line=13,col=")
    told = json.loads(check(bad, "--format", "sarif").stdout)
    (result,) = told["runs"][0]["results"]
    assert told["version"] == "2.1.0"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == place
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 13
