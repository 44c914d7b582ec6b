"""`guardrails policy check`: every mistake with its place and its fix, on the real engine."""

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
    """check(text, *arguments, **files): checks a folder with `text` as its policy, and more files if given."""
    monkeypatch.chdir(tmp_path)

    def run(text, *arguments, **more):
        files = {"guardrails/night/night.rego": text, **more}
        for name, content in files.items():
            file = tmp_path / "own" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        # OPA's own check runs only if a test asks for it.
        no_opa = () if "--opa" in arguments else ("--no-opa",)
        return CliRunner().invoke(app, ["policy", "check", "own", *no_opa, *arguments])

    return run


def test_shipped():
    """The shipped policies have no mistakes."""
    done = CliRunner().invoke(app, ["policy", "check"])
    assert (done.exit_code, done.stdout.endswith("files, no mistakes\n")) == (0, True), done.output


def test_good(check):
    """A policy without mistakes passes."""
    done = check(GOOD)
    note = "opa check was not run; put opa on PATH to include it\n"
    assert (done.exit_code, done.stdout) == (0, note + "1 file, no mistakes\n")


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "part"),
    [
        ("some id, _ in", "some id, _ in in", "syntax", 14, ""),
        ("input.call.operation ==", "input.call.opertion ==", "input", 13, "did you mean `operation`?"),
        ('"It is night."', "sprintff(id)", "lint", 10, "unknown function sprintff"),
        ('"It is night."', "data.guardrails.params.nothing", "lint", 10, "nothing defines"),
        ('"It is night."', 'http.send({"url": id})', "lint", 10, "not allowed"),
        ('\t"remediation": "Wait.",\n', "", "entry", 7, "has no remediation"),
        ('"rule": "night/stop"', '"name": "night/stop"', "entry", 7, "has no rule"),
        ("# title: Nothing at night\n", "", "metadata", 6, "no title"),
        ("#   rule: night/stop", "#   rule: night/other", "metadata", 7, "use one id in both"),
        ("package guardrails.night", "package guardrails.day", "package", 1, "is in the folder of guardrails.night"),
        ("deny contains {", "deny := {", "entry", 7, "write `deny contains"),
        ("some id, _ in input.targets", "some id, _ in nowhere(input.targets, 1)", "lint", 14, "unknown function"),
    ],
)
def test_mistakes(check, old, new, code, line, part):
    """Each kind of mistake is reported with file, line and fix; the exit code is 1."""
    assert old in GOOD
    done = check(GOOD.replace(old, new), "--format", "json")
    assert done.exit_code == 1, done.output
    report = json.loads(done.stdout)
    assert [(mistake["file"], mistake["code"], mistake["line"]) for mistake in report] == [
        ("own/guardrails/night/night.rego", code, line)
    ]
    assert part in report[0]["message"]


def test_recursion(check):
    """Recursion is reported."""
    done = check(GOOD + "\na if b\n\nb if a\n")
    assert "recursion is not allowed" in done.stdout


def test_unsafe(check):
    """An unsafe variable is reported."""
    done = check(GOOD.replace('"StopInstances"', "nowhere"))
    assert done.exit_code == 1, done.output


def test_same_id(check):
    """An id that two areas use is reported."""
    other = {"guardrails/day/day.rego": GOOD.replace("package guardrails.night", "package guardrails.day")}
    assert "night/stop is also a rule of" in check(GOOD, **other).stdout


def test_an_id_of_a_shipped_rule(check):
    """The id of a shipped rule cannot be used again."""
    assert (
        "live-cluster/stop is also a rule of guardrails.live_cluster"
        in check(GOOD.replace("night/stop", "live-cluster/stop")).stdout
    )


@pytest.mark.parametrize(
    ("package", "folder"), [("guardrails.night.late", "guardrails/night/late"), ("night", "night")]
)
def test_never_evaluated(check, package, folder):
    """A package that the guard never evaluates is reported, because its rules would block nothing."""
    elsewhere = {f"{folder}/x.rego": GOOD.replace("package guardrails.night", f"package {package}")}
    report = json.loads(check("package guardrails.night\n", "--format", "json", **elsewhere).stdout)
    assert [mistake["message"] for mistake in report if mistake["code"] == "package"] == [
        f"{package}.deny is never evaluated; put it in a package guardrails.<area>"
    ]


def test_arguments(check):
    """A call of a library function with too many or too few arguments is reported, with the right number."""
    text = GOOD.replace("package guardrails.night", "package guardrails.night\n\nimport data.guardrails.lib")
    literal = text[text.index("{\n\t") : text.index(" if {")]
    for call, wrong in (
        ('lib.violation("night/stop", id, "m", "r")', ""),
        ('lib.violation("night/stop", id, "m")', "takes 4 arguments, not 3"),
        ('lib.violation("night/stop", id, "m", "r", "s", "t")', "takes 4 arguments, not 6"),
    ):
        done = check(text.replace(literal, call))
        assert (wrong in done.stdout, done.exit_code) == (True, 1 if wrong else 0), done.stdout


def test_a_broken_file_does_not_hide_others(check):
    """A file that does not parse does not hide the mistakes in another."""
    bad = {"guardrails/day/day.rego": GOOD.replace("night", "day").replace("call.operation", "call.opertion")}
    report = json.loads(check("package guardrails.night\n\nx if (\n", "--format", "json", **bad).stdout)
    assert [mistake["code"] for mistake in report] == ["input", "syntax"]


def test_what_only_opa_refuses(check, opa_on_path):
    """With OPA on PATH its strict check runs too: an unused variable, a type that does not match the schema."""
    assert check(GOOD, "--opa").stdout == "1 file, no mistakes\n"
    bad = GOOD.replace("some id, _", "unused := 1\n\tinput.call.operation > 3\n\tsome id, _")
    report = json.loads(check(bad, "--opa", "--format", "json").stdout)
    assert {(mistake["code"], mistake["line"]) for mistake in report} >= {("opa", 14)}
    assert not json.loads(check(bad, "--format", "json").stdout)


def test_missing_opa(check, monkeypatch):
    """--opa without OPA on PATH is one sentence and exit code 2."""
    monkeypatch.setenv("PATH", "/nowhere")
    done = check(GOOD, "--opa")
    assert (done.exit_code, "--opa needs" in done.stderr) == (2, True)


# Rego that the two engines evaluate differently (policies/README.md).
DIFFERENT = {
    "a package by a variable": 'some area in ["night"]\n\tcount(data.guardrails[area].deny) > 0',
    "a template string": 'input.call.operation == $"{input.call.service}"',
    "walk into a pattern": "[path, value] := walk(input)\n\tcount(path) > 0\n\tvalue == 1",
    "an object pattern": 'some {"state": state} in input.targets\n\tstate == "running"',
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_between_engines(check, case):
    """What the embedded engine evaluates differently from OPA is reported with its line."""
    done = check(GOOD.replace("some id, _ in input.targets", f"some id, _ in input.targets\n\t{DIFFERENT[case]}"))
    assert done.exit_code == 1, done.stdout
    assert "night.rego:15" in done.stdout or "night.rego:16" in done.stdout


# Lines with a part that may be undefined: then OPA ends the rule, and the embedded engine takes the `not` for true.
UNCLEAR = {
    "a comparison": "not input.capacity.machines > 3",
    "a difference": 'not input.capacity.grows != "blue"',
    "a sum": "not input.capacity.machines + 1 == 3",
    "in brackets": "not input.clusters[input.capacity.grows]",
    "in a list": 'not [input.capacity.grows] == ["blue"]',
    "in an object": 'not {"a": input.capacity.grows}.a == "blue"',
    "a function": 'not some_name(input.time) == "blue"',
    "a function of one value": "not is_string(of_one(input.time))",
    "what is required of another input": (
        'input.capacity.grows with input as {"capacity": {"grows": "x"}}\n\tnot is_string(input.capacity.grows)'
    ),
    "a rule": 'not some_rule != "blue"',
    "the least of none": "not min(input.freezes) == 3",
    "an argument": "not is_string(input.capacity.grows)",
    "a member": "not input.capacity.grows in input.live.clusters",
    "of an object that rules build": "not some_object.a > 3",
    "of such an object, by a key": "not is_string(some_object[input.time])",
    "of one of several objects": "not is_string(either.b)",
    "of a part of input with another name": "not is_string(this_call.tags.set)",
    "of what a rule is looped over": "some one in some_set\n\tnot is_string(one.name)",
    "of a value from a rule": "one := some_object[input.time]\n\tnot is_string(one.name)",
    "inside every": "every target in input.targets { not is_string(target.facts.nix) }",
    "inside a list": "count([1 | some target in input.targets; not is_string(target.facts.nix)]) > 0",
}
# The same answer on both engines.
CLEAR = [
    "not input.capacity.grows",
    "not input.capacity.machines == 3",
    "not some_rule",
    'not some_rule == "blue"',
    "not some_name(input.time)",
    "not count([name | name := input.capacity.grows]) == 1",
    "not always(input.time) == 3",
    'input.capacity.grows != ""\n\tnot input.capacity.grows == input.time',
    'some_rule != ""\n\tnot some_rule in input.live.clusters',
    "not min([1, 2]) == 1",
    "not is_string(an_object.a)",
    "not is_string(this_call.operation)",
    "some key in input.call.tags.removed\n\tnot is_string(key)",
    "some key, _ in some_object\n\tnot is_string(some_object[key])",
    "count([1 | some one in some_set; one.name; not is_string(one.name)]) > 0",
    'one := {"name": 1}\n\tnot is_string(one.name)',
    "either := 3\n\tnot is_string(either)",
    "every target in input.targets { not is_string(target.type) }",
]
_HELPERS = """
some_rule := "blue" if input.call.region == "eu-west-1"

some_name(x) := "blue" if x == "now"

of_one("now") := "blue"

always(x) := x

an_object := {"a": 1}

some_object[key] := target.facts if some key, target in input.targets

either := {"a": 1} if input.call.region == "eu-west-1"

either := {"b": 1} if input.call.region == "eu-west-2"

this_call := input.call

some_set contains target.facts if some target in input.targets
"""


def negating(line):
    """A good policy with this line in its rule."""
    return GOOD.replace("some id, _ in input.targets", f"some id, _ in input.targets\n\t{line}") + _HELPERS


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_is_negated_must_be_defined(check, case):
    """A `not` whose answer the engines disagree about is reported, whatever kind of part may be undefined."""
    done = check(negating(UNCLEAR[case]))
    assert "this `not` is undefined on OPA" in done.stdout, done.stdout


def test_a_constant_that_is_negated(check):
    """OPA 1.20.2 and 1.22.3 take a rule with nothing but `not true` for one that always holds."""
    assert "`not true` never holds" in check(negating("not true")).stdout


def test_verbs_of_sprintf(check):
    """A verb that only OPA writes as its author means is reported, those that both write alike are not."""
    text = GOOD + '\nhelper(x) := sprintf("{}", [x])\n'
    for verb in ("%t", "%5d", "%.2f", "%x"):
        assert f"does not write {verb} as OPA does" in check(text.replace("{}", verb)).stdout, verb
    for verb in ("%v", "%s", "%d", "100%% %v"):
        assert "as OPA does" not in check(text.replace("{}", verb)).stdout, verb


def test_arguments_that_the_engines_take_differently(check):
    """Empty strings and braces that only OPA takes are reported where they are written out; their siblings are not."""
    text = GOOD + "\nhelper(x) := {}\n"
    for call, code in (
        ('regex.split("", x)', ["argument"]),
        ('strings.count(x, "")', ["argument"]),
        ('regex.match("x{", x)', ["argument"]),
        (r"regex.match(`x\\{`, x)", ["argument"]),
        (r"regex.match(`^x\{a{2,}\pL\p{Greek}{3}$`, x)", []),
        ('strings.count("", x)', []),
        ('regex.split("a", "")', []),
    ):
        report = json.loads(check(text.replace("{}", call, 1), "--format", "json").stdout)
        assert [mistake["code"] for mistake in report] == code, call


@pytest.mark.parametrize("line", CLEAR)
def test_what_both_engines_negate_alike(check, line):
    """A `not` of a name, of a comparison by ==, of what is required or always there, is not reported."""
    done = check(negating(line))
    assert "this `not`" not in done.stdout, done.stdout


def test_all_at_once(check):
    """Several mistakes in several files are all reported, in order."""
    bad = GOOD.replace("call.operation", "call.opertion").replace("input.targets", "input.tragets")
    other = {"guardrails/day/day.rego": bad.replace("night", "day")}
    report = json.loads(check(bad, "--format", "json", **other).stdout)
    assert [(mistake["file"], mistake["line"]) for mistake in report] == [
        (f"own/guardrails/{name}/{name}.rego", line) for name in ("day", "night") for line in (13, 14)
    ]


def test_two_broken_files(check):
    """A file that does not parse does not hide the next."""
    other = {"guardrails/day/day.rego": "package guardrails.day\n\nx if {\n"}
    report = json.loads(check("package guardrails.night\n\nx if (\n", "--format", "json", **other).stdout)
    assert [mistake["code"] for mistake in report] == ["syntax", "syntax"]


def test_formats(check):
    """pretty, github and sarif report the same place."""
    bad = GOOD.replace("call.operation", "call.opertion")
    place = "own/guardrails/night/night.rego"
    assert f"{place}:13:" in check(bad).stdout
    assert check(bad, "--format", "github").stdout.startswith(f"::error file={place},line=13,col=")
    report = json.loads(check(bad, "--format", "sarif").stdout)
    (result,) = report["runs"][0]["results"]
    assert report["version"] == "2.1.0"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == place
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 13
