"""Rules that could never act are refused when policies are loaded; what may not act is reported at install."""

from __future__ import annotations

import json
import logging

import pytest
from click.testing import CliRunner

import guardrails
from guardrails import assembly
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.doctor import policies as doctor
from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.regorus import new_engine

ENTRY = '{"rule": "night/no", "target": "all", "message": "It is night.", "remediation": "Wait."}'
PACKAGE = "package guardrails.night\n\n"
METADATA = "# METADATA\n# title: At night\n# custom:\n#   rule: night/no\n"
BODY = ' if {\n\tinput.call.operation == "StopInstances"\n}\n'
GOOD = f"{PACKAGE}{METADATA}deny contains {ENTRY}{BODY}"
SET = "deny must be a set; write `deny contains {…} if {`"


@pytest.fixture
def write(tmp_path):
    """write({name: text}): a folder `own` with these files; returns its path as a string."""

    def made(files):
        for name, text in files.items():
            file = tmp_path / "own" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return str(tmp_path / "own")

    return made


SILENT = {
    "brackets": (f"{PACKAGE}deny[{ENTRY}]{BODY}", 3, SET),
    "complete": (f"{PACKAGE}deny := {ENTRY}{BODY}", 3, SET),
    "set as a value": (f"{PACKAGE}deny := {{{ENTRY}}}\n", 3, SET),
    "boolean": (f"{PACKAGE}deny{BODY}", 3, SET),
    "default": (f"{PACKAGE}default deny := false\n", 3, SET),
    "a set below": (f"{PACKAGE}deny.night contains {ENTRY}{BODY}", 3, SET),
    "function": (f"{PACKAGE}warn(call) := {ENTRY} if call\n", 3, "warn must be a set"),
    "beside a good one": (f"{GOOD}\nwarn if {{\n\ttrue\n}}\n", 11, "warn must be a set"),
    "package main": (f"package main\n\ndeny contains {ENTRY}{BODY}", 3, "put it in a package guardrails.<area>"),
    "nested package": (f"package guardrails.a.b\n\nconfirm contains {ENTRY}{BODY}", 3, "is never evaluated"),
    "package in brackets": (f'package guardrails["night"]\n\ndeny contains {ENTRY}{BODY}', 3, "is never evaluated"),
    "test package": (f"package guardrails.night_test\n\ndeny contains {ENTRY}{BODY}", 3, "among the tests"),
    "only allow": (f"{PACKAGE}default allow := false\n\nallow{BODY}", 3, "a call is allowed unless a rule denies it"),
    "only violation": (f"{PACKAGE}violation contains {ENTRY}{BODY}", 3, "name it deny, confirm or warn"),
    "violation of a text": (f'{PACKAGE}violation contains "no"{BODY}', 3, "write `deny contains"),
    "gatekeeper": (f'{PACKAGE}violation contains {{"msg": "no"}}{BODY}', 3, "write `deny contains"),
    "inflected": (f"{PACKAGE}denies contains {ENTRY}{BODY}", 3, "did you mean `deny contains"),
    "capital": (f"{PACKAGE}Deny contains {ENTRY}{BODY}", 3, "did you mean `deny contains"),
    "transposed": (f"{PACKAGE}dney contains {ENTRY}{BODY}", 3, "did you mean `deny contains"),
    "warning": (f"{PACKAGE}warnings contains {ENTRY}{BODY}", 3, "did you mean `warn contains"),
    "misspelt beside a good one": (f"{GOOD}\nconfrim contains {ENTRY}{BODY}", 11, "did you mean `confirm contains"),
    "conftest": (f"{GOOD}\ndeny_night contains msg if {{\n\tmsg := 1\n}}\n", 11, "name it deny, confirm or warn"),
    "another name": (f"{GOOD}\nproblems contains {ENTRY}{BODY}", 11, "or use it in such a rule"),
    "a string": (f'{PACKAGE}deny contains "no"{BODY}', 3, "deny gets a string here; add an object"),
    "a variable": (f'{PACKAGE}deny contains msg if {{\n\tmsg := sprintf("%s", [1])\n}}\n', 3,
                   "deny gets a string here"),
    "a number": (f"{PACKAGE}warn contains 1{BODY}", 3, "warn gets a number here"),
    "members missing": (f'{PACKAGE}deny contains {{"rule": "night/no", "target": "all"}}{BODY}', 3,
                        "the entry has no message and no remediation"),
    "members in a variable": (f'{PACKAGE}deny contains entry if {{\n\tentry := {{"msg": "no"}}\n}}\n', 3,
                              "the entry has no rule and no target"),
    "member of another type": (GOOD.replace('"all"', "1"), 7,
                               "the entry's target is a number"),
    "empty member": (GOOD.replace('"Wait."', '""'), 7,
                     "the entry's remediation is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "part"), SILENT.values(), ids=SILENT)
def test_refused(aws, install, write, text, line, part):
    """A rule that could never act is refused at install and by `policy check`, with file, line and fix."""
    folder = write({"night.rego": text})
    with pytest.raises(PolicyError) as refused:
        install(policies=[folder])
    assert str(refused.value).startswith(f"{folder}/night.rego:{line}:1: ")
    assert part in str(refused.value)
    checked = CliRunner().invoke(app, ["policy", "check", folder, "--no-opa", "--format", "json"])
    assert checked.exit_code == 1, checked.output
    assert any(mistake["line"] == line and part in mistake["message"] for mistake in json.loads(checked.stdout))


def test_a_rule_in_a_file_of_tests(aws, install, write):
    """A rule in a file named *_test.rego, which is not loaded, is refused, and so does `policy check`."""
    folder = write({"night.rego": GOOD, "late_test.rego": f"{PACKAGE}confirm contains {ENTRY}{BODY}"})
    with pytest.raises(PolicyError, match=r"late_test\.rego:3:1: guardrails\.night\.confirm is among the tests"):
        install(policies=[folder])
    checked = CliRunner().invoke(app, ["policy", "check", folder, "--no-opa"])
    assert "guardrails.night.confirm is among the tests" in checked.output


@pytest.mark.parametrize(
    "clock",
    ["time.now_ns()", 'uuid.rfc4122("x")', 'rand.intn("x", 9)', 'http.send({"url": "x"})', "opa.runtime()",
     'net.lookup_ip_addr("x")'],
)  # fmt: skip
def test_clocks_and_chance(aws, install, write, clock):
    """What a decision must not depend on (clocks, random numbers, the network) is refused at load."""
    folder = write({"night.rego": GOOD.replace("input.call", f"_ := {clock}\n\tinput.call")})
    with pytest.raises(PolicyError, match=r"night\.rego:8:\d+: \S+ is not allowed"):
        install(policies=[folder])


def test_a_clock_has_an_alternative(aws, install, write):
    """The error about the clock names the input's own time."""
    folder = write({"night.rego": GOOD.replace("input.call", "time.now_ns() > 1\n\tinput.call")})
    with pytest.raises(PolicyError, match=r"use input\.now_s"):
        install(policies=[folder])


# An ordinary folder: two areas, a library, helpers of every form, tests in both styles, data.
ORDINARY = {
    "guardrails/night/night.rego": f"""package guardrails.night

import data.team.lib

{METADATA}deny contains entry if {{
	some entry in candidates
	at_night
	lib.stops(input.call)
	not is_excepted
}}

candidates contains {ENTRY} if lib.enabled

default is_excepted := false

is_excepted if input.call.params.Force == true

at_night if {{
	hour := time.clock(input.now_s * 1000000000)[0]
	hour >= data.team.hours.from
}}

# For other programs that read this package.
default allow := false

allow if count(deny) == 0
""",
    "guardrails/night/helpers.rego": "package guardrails.night\n\nunused_list := [1, 2]\n\nwarm if true\n",
    "guardrails/day/day.rego": """package guardrails.day

# METADATA
# title: By day
# custom:
#   rule: day/no
warn contains data.team.day.warn[_] if input.call.operation == "RebootInstances"
""",
    "team/lib.rego": 'package team.lib\n\nenabled := true\n\nstops(call) if call.operation == "StopInstances"\n',
    "team/unused.rego": "package team.unused\n\nhelper(x) := x\n\nlimit := 3\n",
    "team/day.rego": 'package team.day\n\nwarn contains {"rule": "day/no", "target": "x", "message": "m", '
    '"remediation": "r"}\n',
    "guardrails/night_test/night_test.rego": """package guardrails.night_test

import data.guardrails.night

violation := {"a": 1}

deny contains "a mocked answer"

test_night if count(night.deny) == 1 with input as {"call": {"operation": "StopInstances"}, "now_s": 86399}

test_mocked if count(night.deny) == 1 with data.guardrails.night.deny as deny
""",
    "guardrails/night/same_test.rego": "package guardrails.night\n\ntest_same if count(deny) == 0 with input as {}\n",
    "guardrails/night/unfinished_test.rego": "package guardrails.night_test\n\ndeny contains {\n",
    "team/hours/data.json": '{"from": 0}',
}


def test_an_ordinary_folder(site, aws, install, write, caplog):
    """Helpers, libraries, tests and data of every form load, nothing is reported, and the rule acts."""
    with caplog.at_level(logging.WARNING, "guardrails"):
        install(policies=[write(ORDINARY)])
    assert caplog.records == []
    with pytest.raises(guardrails.CallDenied, match="night/no"):
        site.ec2.stop_instances(InstanceIds=list(site.green.instance_ids))
    site.ec2.reboot_instances(InstanceIds=list(site.green.instance_ids))
    assert (aws.count("StopInstances"), aws.count("RebootInstances")) == (0, 1)


def _rule(message, condition):
    return (
        f'{PACKAGE}{METADATA}deny contains {{"rule": "night/no", "target": id, "message": {message}, '
        f'"remediation": "r"}} if {{\n\tsome id, target in input.targets\n\t{condition}\n}}\n\nf(x) if x == 1\n'
    )


NAME = 'sprintf("%s", [target.tags.Name])'
DOUBTFUL = {
    "negated function": _rule('"m"', "not f(target.tags.Name)"),
    "negated built-in": _rule('"m"', 'not startswith(input.call.params.Name, "a")'),
    "negated member": _rule('"m"', "not input.call.params.Name in {1}"),
    "negated variable": _rule('"m"', "name := target.tags.Name\n\tnot f(name)"),
    "message": _rule(NAME, "true"),
    "message in a variable": _rule("text", f"text := {NAME}"),
    "message with a variable": _rule('sprintf("%s", [name])', "name := target.tags.Name"),
    "message over null": _rule("input.break_glass.reason", "true"),
    "to_number": _rule('"m"', "target.tags.Size\n\tto_number(target.tags.Size) > 3"),
    "to_number of any digits": _rule('"m"', "regex.match(`^[0-9]+$`, id)\n\tto_number(id) > 3"),
    "unknown fact": _rule('"m"', "input.call.opertion"),
}
SURE = {
    "negated fact": _rule('"m"', "not target.tags.Name"),
    "negated helper of something there": _rule('"m"', "not f(target.state)"),
    "required before": _rule('"m"', "target.tags.Name\n\tnot f(target.tags.Name)"),
    "message of something required": _rule(NAME, 'startswith(target.tags.Name, "keep")'),
    "message of something required by a name": _rule('sprintf("%s", [n])', 'n := target.tags.Name\n\tn != "a"'),
    "message with a default": _rule('sprintf("%s", [object.get(target.tags, "Name", "-")])', "true"),
    "to_number of a number": _rule('"m"', "regex.match(`^(0|[1-9][0-9]*)$`, id)\n\tto_number(id) > 3"),
}


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL)
def test_doubtful_rules_are_reported(aws, install, write, text, caplog):
    """What `policy check` finds in rules that load, install() and doctor say too, with file and line."""
    folder = write({"night.rego": text})
    with caplog.at_level(logging.WARNING, "guardrails"):
        install(policies=[folder])
    (said,) = [record.message for record in caplog.records]
    assert said.startswith(f"a policy may not do what it should: {folder}/night.rego:")
    checked = CliRunner().invoke(app, ["policy", "check", folder, "--no-opa", "--format", "json"])
    (mistake,) = json.loads(checked.stdout)
    assert mistake["message"] in said
    notes = [found.sentence for found in doctor.examine(load({"policies": [folder]}), 0) if found.state == "note"]
    assert [mistake["message"] in note for note in notes].count(True) == 1


@pytest.mark.parametrize("text", SURE.values(), ids=SURE)
def test_sure_rules_are_not_reported(write, text):
    """The same expressions about facts that cannot be missing are not reported."""
    assert assembly.findings(load({"policies": [write({"night.rego": text})]})) == []


@pytest.mark.parametrize(
    ("expression", "given"),
    [("to_number(input.x)", "12a"), ("to_number(input.x)", "007"), ("to_number(input.x)", ""), ("not f(input.y)", "1"),
     ('not startswith(input.y, "a")', "1"), ("not input.y in {1}", "1")],
)  # fmt: skip
def test_the_engines_do_differ(opa, run, tmp_path, expression, given):
    """The reason for these reports: the embedded engine and OPA answer differently."""
    text = f"package t\n\nx := 1 if {expression}\n\nf(y) if y == 1\n"
    (tmp_path / "t.rego").write_text(text)
    (tmp_path / "input.json").write_text(json.dumps({"x": given}))
    theirs = run(
        opa, "eval", "-d", str(tmp_path / "t.rego"), "-i", str(tmp_path / "input.json"), "-f", "raw", "data.t.x"
    )
    engine = new_engine(Bundle({"t.rego": text}, {}, ""))
    engine.set_input_json(json.dumps({"x": given}))
    try:
        ours = engine.eval_rule_as_json("data.t.x")
    except BaseException:
        ours = "it fails"
    assert theirs.strip() != ours
