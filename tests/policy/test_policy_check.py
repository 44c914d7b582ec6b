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
        # OPA's own strict check is asked where a test says so.
        asked = () if "--opa" in arguments else ("--no-opa",)
        return CliRunner().invoke(app, ["policy", "check", "own", *asked, *arguments])

    return run


def test_shipped():
    """The shipped policies have no finding."""
    done = CliRunner().invoke(app, ["policy", "check"])
    assert (done.exit_code, done.stdout.endswith("files, no findings\n")) == (0, True), done.output


def test_good(check):
    """A policy without a mistake is said to have none."""
    done = check(GOOD)
    asked = "OPA was not asked: put opa on PATH to have its strict check as well\n"
    assert (done.exit_code, done.stdout) == (0, asked + "1 files, no findings\n")


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
        ("deny contains {", "deny := {", "entry", 7, "write `deny contains"),
        ("some id, _ in input.targets", "some id, _ in nowhere(input.targets, 1)", "lint", 14, "unknown function"),
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


def test_an_id_of_a_shipped_rule(check):
    """A shipped rule's id is taken."""
    assert (
        "live-cluster/stop is a rule of guardrails.live_cluster"
        in check(GOOD.replace("night/stop", "live-cluster/stop")).stdout
    )


@pytest.mark.parametrize(
    ("package", "folder"), [("guardrails.night.late", "guardrails/night/late"), ("night", "night")]
)
def test_nobody_asks(check, package, folder):
    """A package that the guard never asks is named, because its rules would block nothing."""
    elsewhere = {f"{folder}/x.rego": GOOD.replace("package guardrails.night", f"package {package}")}
    told = json.loads(check("package guardrails.night\n", "--format", "json", **elsewhere).stdout)
    assert [one["message"] for one in told if one["code"] == "package"] == [
        f"nobody asks the deny of {package}; the package of an area is guardrails.<area>"
    ]


def test_arguments(check):
    """A function of ours that gets too many or too few arguments is named, and what it takes."""
    text = GOOD.replace("package guardrails.night", "package guardrails.night\n\nimport data.guardrails.lib")
    literal = text[text.index("{\n\t") : text.index(" if {")]
    for call, wrong in (
        ('lib.violation("night/stop", id, "m", "r")', ""),
        ('lib.violation("night/stop", id, "m")', "takes 4 arguments, not 3"),
        ('lib.violation("night/stop", id, "m", "r", "s", "t")', "takes 4 arguments, not 6"),
    ):
        done = check(text.replace(literal, call))
        assert (wrong in done.stdout, done.exit_code) == (True, 1 if wrong else 0), done.stdout


def test_a_broken_file_hides_little(check):
    """A file that does not parse does not hide what is wrong with another one by itself."""
    bad = {"guardrails/day/day.rego": GOOD.replace("night", "day").replace("call.operation", "call.opertion")}
    told = json.loads(check("package guardrails.night\n\nx if (\n", "--format", "json", **bad).stdout)
    assert [one["code"] for one in told] == ["input", "syntax"]


def test_what_only_opa_refuses(check, opa_on_path):
    """With OPA on PATH its strict check is asked, too: an unused variable, a type that does not fit the schema."""
    assert check(GOOD, "--opa").stdout == "1 files, no findings\n"
    bad = GOOD.replace("some id, _", "unused := 1\n\tinput.call.operation > 3\n\tsome id, _")
    told = json.loads(check(bad, "--opa", "--format", "json").stdout)
    assert {(one["code"], one["line"]) for one in told} >= {("opa", 14)}
    assert not json.loads(check(bad, "--format", "json").stdout)


def test_opa_that_is_not_there(check, monkeypatch):
    """Asking for OPA where there is none is a sentence; an OPA that gives no answer, too."""
    monkeypatch.setenv("PATH", "/nowhere")
    done = check(GOOD, "--opa")
    assert (done.exit_code, "--opa needs" in done.stderr) == (2, True)


# What the two engines give otherwise (policies/README.md): refused, or nothing that both evaluate.
DIFFERENT = {
    "a package by a variable": 'some area in ["night"]\n\tcount(data.guardrails[area].deny) > 0',
    "a template string": 'input.call.operation == $"{input.call.service}"',
    "walk into a pattern": "[path, value] := walk(input)\n\tcount(path) > 0\n\tvalue == 1",
    "an object pattern": 'some {"state": state} in input.targets\n\tstate == "running"',
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_between_engines(check, case):
    """What the embedded engine gives otherwise than OPA is named with its line and how to write it."""
    done = check(GOOD.replace("some id, _ in input.targets", f"some id, _ in input.targets\n\t{DIFFERENT[case]}"))
    assert done.exit_code == 1, done.stdout
    assert "night.rego:15" in done.stdout or "night.rego:16" in done.stdout


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
