"""The embedded engine evaluates all policies as one package, and asks only areas that can have something to say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from attrs import evolve

from guardrails.evaluate import bundle
from guardrails.evaluate.checked import checked, compiled, parsed
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import EngineFailure
from guardrails.evaluate.rego import one_package
from guardrails.evaluate.rego.rewriting import written
from guardrails.evaluate.rego.syntax import Rule
from guardrails.evaluate.regorus import ask, new_engine
from tests.engines.documents import generated

SHIPPED = bundle.read([bundle.shipped()])
ENTRY = '{"rule": "own/rule", "target": "x", "message": "m", "remediation": "r"}'
# As a user's file may begin: what its area takes from others.
HEAD = "package guardrails.own\n\nimport data.guardrails.lib\n\n"


def _with(tmp_path, *modules, data=None):
    """The shipped policies and these of a user."""
    for number, text in enumerate(modules):
        (tmp_path / f"own{number}.rego").write_text(text)
    for folder, values in (data or {}).items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "data.json").write_text(json.dumps(values))
    return bundle.read([bundle.shipped(), Path(tmp_path)])


def _merged(policies):
    return one_package.merged(parsed(policies), policies.data)


def _rules(engine, asked):
    return {entry["rule"] for entry in engine.evaluate(asked).result["violations"]}


PARAMS = [
    {},
    {"untagged": "deny", "inferred": "ignore", "nothing_live": "allow", "untraced": "confirm", "disputed": "deny",
     "enforcement": {"live-cluster/terminate": "warn"}, "unreviewed": "deny", "opaque": "warn", "test_runs": "warn"},
    {"untagged": "allow", "nothing_live": "deny", "remaining": {"of": "healthy", "clusters": {"blue": {}}},
     "live": {"tag": {"key": "Live", "value": "true"}}, "rollback_window_s": 60, "unbreakable": []},
]  # fmt: skip


@pytest.mark.parametrize("params", PARAMS)
def test_the_same_answers_as_package_by_package(params):
    """For generated inputs and several parameters, one package gives the document that the packages give."""
    policies = bundle.with_params(SHIPPED, params)
    merged, apart = EmbeddedEngine(policies), new_engine(checked(policies))
    for seed in range(120):
        assert merged.evaluate(generated(seed)).result == ask(apart, generated(seed))


def test_the_shipped_policies_are_one_package():
    """No shipped policy keeps the others from being merged, and the result is one file of one package."""
    ((name, text),) = _merged(SHIPPED).items()
    assert name == one_package.MERGED
    assert text.startswith(f"package {one_package.PACKAGE}\n")
    assert "data.guardrails.lib" not in "".join(line for line in text.splitlines() if not line.startswith("#"))


FIRST_LINES = {
    '"terminate" in lib.effects': ("terminate", "stop"),
    'not "stop" in lib.effects': ("terminate", "stop"),
    'some effect in lib.effects\n\teffect == "terminate"': ("terminate", "stop"),
    'input.call.effects[0] == "terminate"': ("terminate", "stop"),
    'input.call.effects == ["terminate"]': ("terminate", "stop"),
    'startswith(input.call.effects[0], "term")': ("terminate", "stop"),
    'own_rule\n\tinput.call.effects == ["terminate"]': ("terminate", "stop"),
    'some first in input.call.effects; first == "terminate"': ("terminate", "stop"),
    'input.call.effects[_] == "terminate"': ("terminate", "stop"),
    'data.guardrails.params.untagged == "confirm"\n\t"terminate" in lib.effects': ("terminate", "stop"),
    'every effect in input.call.effects {\n\t\teffect == "terminate"\n\t}': ("terminate", "stop"),
}


@pytest.mark.cases(4)
@pytest.mark.parametrize("line", FIRST_LINES)
def test_a_rule_fires_whatever_its_first_line_is(line, tmp_path):
    """A user's rules with such a first line deny the call that they mean, and no other; the line is asked first."""
    denied, passed = FIRST_LINES[line]
    text = f"{HEAD}own_rule if input.call.operation\n\n"
    for entry in (ENTRY, ENTRY.replace("own/rule", "own/second")):
        text += f"deny contains {entry} if {{\n\t{line}\n}}\n\n"
    policies = _with(tmp_path, text)
    # What loops without a variable cannot be asked on its own.
    assert _asked_first(policies) == _asked_first(SHIPPED) + ("[_]" not in line)
    engine = EmbeddedEngine(policies)
    assert "own/rule" in _rules(engine, _asked(denied))
    assert "own/rule" not in _rules(engine, _asked(passed))


def test_the_rego_tests_pass_in_one_package_too(monkeypatch):
    """Every Rego test of the shipped policies, which `policy test` runs as written, also passes in one package.

    Tests set the input and parameters by `with`, which no policy may do, so parameters stay references here.
    """
    monkeypatch.setattr(Rule, "modified", False)
    monkeypatch.setattr(one_package._Names, "_param", lambda _, path: written(path))
    modules = parsed(bundle.read([bundle.shipped()], tests=True))
    merged, paths = one_package.merged(modules, SHIPPED.data), one_package.paths(modules)
    engine = new_engine(evolve(SHIPPED, modules=merged))
    tests = [path for path in paths if str(path[-1]).startswith("test_")]
    assert len(tests) > 500
    assert [path for path in tests if json.loads(engine.eval_rule_as_json(paths[path])) is not True] == []


def _asked_first(policies):
    """How many sets of the one package are asked only where a first line holds."""
    return len(re.findall(r"^asked_r\d+__ :=", _merged(policies)[one_package.MERGED], re.MULTILINE))


def test_a_line_for_each_rule_is_not_asked_first(tmp_path):
    """Where every rule has a line of its own, the rules are asked at once: it would take as long to ask their lines."""
    names = ("stop", "terminate")
    entries = {name: ENTRY.replace("own/rule", f"own/{name}") for name in names}
    rules = [f'deny contains {entries[name]} if "{name}" in lib.effects\n\n' for name in names]
    policies = _with(tmp_path, HEAD + "".join(rules))
    assert _asked_first(policies) == _asked_first(SHIPPED)
    assert "own/stop" not in _rules(EmbeddedEngine(policies), _asked("terminate"))
    assert "own/terminate" in _rules(EmbeddedEngine(policies), _asked("terminate"))


def test_one_rule_without_a_condition_keeps_its_area_asked(tmp_path):
    """An area is asked for every call where one of its rules has no line that could be asked first."""
    text = f'{HEAD}warn contains {ENTRY} if "stop" in lib.effects\n\nwarn contains {ENTRY}\n'
    assert "own/rule" in _rules(EmbeddedEngine(_with(tmp_path, text)), _asked("terminate"))


def test_every_rule_of_an_area_can_have_it_asked(tmp_path):
    """Of several rules, in several files, the one whose first line holds is evaluated."""
    operations = "".join(
        f'deny contains {ENTRY.replace("own/rule", f"own/{name}")} if input.call.operation == "{name}"\n\n'
        for name in ("Other", "T", "Another")
    )
    more = f'{HEAD}deny contains {ENTRY.replace("own/rule", "own/more")} if {{\n\t"stop" in lib.effects\n}}\n'
    engine = EmbeddedEngine(_with(tmp_path, HEAD + operations, more))
    assert _rules(engine, _asked("terminate")) >= {"own/T"}
    assert not _rules(engine, _asked("terminate")) & {"own/Other", "own/Another", "own/more"}
    assert _rules(engine, _asked("stop")) >= {"own/T", "own/more"}


APART = {
    "a variable with the name of a rule": """
helper := 1
deny contains E if {
    helper := input.call.effects[0]
    helper == "terminate"
}""",
    "a pattern with the name of a rule": """
helper := 1
first([helper]) := helper
deny contains E if first(input.call.effects) == "terminate"
""",
    "a modifier": """
fits if "terminate" in input.call.effects
deny contains E if {
    fits with input.call.service as "x"
}""",
    "two underscores": """
my__effects := input.call.effects
deny contains E if "terminate" in my__effects
""",
}


@pytest.mark.parametrize("reason", APART)
def test_what_cannot_be_one_package_is_evaluated_as_before(reason, tmp_path):
    """A policy that cannot be renamed safely keeps all as they are; its rule still denies, and only what it means."""
    policies = _with(tmp_path, HEAD + APART[reason].replace("contains E", f"contains {ENTRY}") + "\n")
    with pytest.raises(one_package.NotMergeable, match=r"own0\.rego:\d+: .+; "):
        _merged(policies)
    engine = EmbeddedEngine(policies)
    assert "own/rule" in _rules(engine, _asked("terminate"))
    assert "own/rule" not in _rules(engine, _asked("stop"))


def test_rules_over_data_stay_apart(tmp_path):
    """A data.json with the name of the package keeps the policies as they are."""
    with pytest.raises(one_package.NotMergeable, match=r"a data\.json has the name `_g`"):
        _merged(_with(tmp_path, data={one_package.PACKAGE: {"a": 1}}))


def test_parameters_of_every_type_are_read(tmp_path):
    """A rule reads a user's parameter whatever its type, also one that is not set."""
    values = {
        "word": "terminate", "quoted": 'a "b" \\ ü', "flag": False, "number": 3, "share": 0.25, "nothing": None,
        "list": ["terminate"], "table": {"word": "terminate"},
    }  # fmt: skip
    own = "data.guardrails.params.own"
    lines = [
        f'{own}.word == "terminate"', f'{own}.quoted == "a \\"b\\" \\\\ ü"', f"not {own}.flag", f"{own}.number == 3",
        f"{own}.share * 4 == 1", f"{own}.list[0] in lib.effects", f"{own}.nothing == null", f"not {own}.nothing.more",
        f'some key in ["word"]\n\t{own}.table[key] == "terminate"', f'object.get({own}, "gone", 7) == 7',
    ]  # fmt: skip
    rules = [
        f"deny contains {ENTRY.replace('own/rule', f'own/{number}')} if {{\n\t{line}\n}}\n\n"
        for number, line in enumerate(lines)
    ]
    policies = bundle.with_params(_with(tmp_path, HEAD + "".join(rules)), {"own": values})
    _merged(policies)
    assert _rules(EmbeddedEngine(policies), _asked("terminate")) >= {f"own/{number}" for number in range(len(lines))}


def test_a_failure_names_the_file_and_the_line(tmp_path):
    """What fails during a decision is still found by the file and the line that the author wrote."""
    text = f"{HEAD}deny contains {ENTRY} if {{\n\tlib.effects\n\tinput.call.operation + 1 == 2\n}}\n"
    with pytest.raises(EngineFailure, match=r"own0\.rego:7:"):
        EmbeddedEngine(_with(tmp_path, text)).evaluate(_asked("terminate"))


def test_an_error_in_a_second_file_is_found_too(tmp_path, monkeypatch):
    """Policies that are too long for one file of the engine are several, with the same answers and the same places."""
    monkeypatch.setattr(one_package, "_MOST_LINES", 500)
    text = f'{HEAD}deny contains {ENTRY} if {{\n\t"stop" in lib.effects\n\tinput.call.operation + 1 == 2\n}}\n'
    policies = _with(tmp_path, text)
    assert len(_merged(policies)) > 3
    # Parsed and merged with the limit of this test, not what another test has kept.
    made = EmbeddedEngine(policies, lambda given: evolve(given, modules=_merged(given)))
    assert made.evaluate(generated(0)).result == EmbeddedEngine(SHIPPED).evaluate(generated(0)).result
    with pytest.raises(EngineFailure, match=r"own0\.rego:7:"):
        made.evaluate(_asked("stop"))


FIXED = """
limit := 3
alias := limit
quoted := "a \\"b\\""
word := sprintf("%s", ["term"])
off := false
never := 1 if limit > 5
default level := "low"
level := "high" if data.guardrails.params.own == "x"
fails := 1 if sprintf(limit, []) == ""
of_input := input.call.effects[0]
through(x) := concat("", [x, of_input])
by_function := through("")
limited(limit) := limit
many contains limit
part.of := limit
"""
# Lines of a rule that holds for calls that terminate, and what they show.
USES = {
    "a number": 'count(input.call.effects) < limit\n"terminate" in lib.effects',
    "through another rule": '{"a": alias}.a == 3\n"terminate" in lib.effects',
    "with quotes": 'quoted == `a "b"`\n"terminate" in lib.effects',
    "built by a function": "startswith(input.call.effects[0], word)",
    "false, and none at all": 'not off\nnot never\n"terminate" in lib.effects',
    "of a parameter": 'level == "high"\n"terminate" in lib.effects',
    "of the input": 'of_input == "terminate"',
    "of the input, through a function": 'by_function == "terminate"',
    "beside an argument of that name": 'limited(4) == 4\nlimited(of_input) == "terminate"',
    "as a key": '["a", "b", "c", "d"][limit] == "d"\n"terminate" in lib.effects',
    "in a set": 'many == {limit}\n"terminate" in lib.effects',
    "in an object": 'part == {"of": 3}\n"terminate" in lib.effects',
}


def test_values_that_no_input_changes(tmp_path):
    """Rules with fixed values mean the same where their values are written out, for calls that they concern or not."""
    text = HEAD + FIXED + "\n"
    for number, lines in enumerate(USES.values()):
        body = "\n".join(f"\t{line}" for line in lines.splitlines())
        text += f"deny contains {ENTRY.replace('own/rule', f'own/{number}')} if {{\n{body}\n}}\n\n"
    policies = _with(tmp_path, text)
    values = {"guardrails": {"params": {**bundle.params_of(policies), "own": "x"}}}
    policies = evolve(policies, data={**policies.data, **values})
    merged, apart = EmbeddedEngine(policies), new_engine(checked(policies))
    assert compiled(policies).modules.keys() == {one_package.MERGED}
    assert _rules(merged, _asked("terminate")) >= {f"own/{number}" for number in range(len(USES))}
    for effect in ("terminate", "stop"):
        assert merged.evaluate(_asked(effect)).result == ask(apart, _asked(effect))
    assert not {rule for rule in _rules(merged, _asked("stop")) if rule.startswith("own/")}


def _asked(effect):
    """An input for a call "T" with this effect on a machine that is not live."""
    asked = generated(0)
    machine = {"type": "instance", "role": "target", "resolved": True, "clusters": ["green"], "tags": {},
               "public_ips": [], "facts": {}}  # fmt: skip
    call = {**asked["call"], "operation": "T", "effects": [effect]}
    return {**asked, "call": call, "targets": {"i-1": machine}, "break_glass": None}


NAMES = "package guardrails.own\n\nimport data.guardrails.lib\nimport data.guardrails.lib.terminated\n"
# Policies of a user, each with a rule for calls that terminate, and a value of its own parameter.
ODD = {
    "a rule with the name of an import": [
        NAMES
        + f"""
terminated contains id if {{ some id, target in input.targets; target.tags.Stage == "old" }}
deny contains {ENTRY} if {{ "terminate" in lib.effects; count(terminated) >= 0 }}"""
    ],
    "an import of a part of a rule": [
        'package guardrails.sizes\n\nlimits.prod := {"terminate"}\n',
        f"""package guardrails.own\n\nimport data.guardrails.sizes.limits.prod
deny contains {ENTRY} if {{ some effect in input.call.effects; effect in prod }}""",
    ],
    "a key with a backslash": [
        f"""package guardrails.own
deny contains {ENTRY} if {{ input.call.effects == data.names["CORP\\\\north"] }}"""
    ],
    "one alias in two files": [
        f"""package guardrails.own\n\nimport input.call as this
deny contains {ENTRY} if this.effects == ["terminate"]""",
        f"""package guardrails.own\n\nimport input.history as this
warn contains {ENTRY} if this.call_rate > 100000""",
    ],
    "an import of all of the input": [
        """package guardrails.own\n\nimport input as request
deny contains {"rule": "own/rule", "target": "x", "message": request.call.operation, "remediation": "r"} if {
	"terminate" in input.call.effects
}"""
    ],
    "names that the guard makes": [
        f"""package guardrails.{area}
deny contains {ENTRY} if {{ some effect in input.call.effects; effect == "terminate" }}"""
        for area in ("asked_0__own", "own")
    ],
}


@pytest.mark.parametrize("modules", ODD.values(), ids=ODD)
@pytest.mark.parametrize("merge", [True, False])
def test_odd_names(tmp_path, modules, merge, monkeypatch):
    """A user's rule fires, and the shipped ones beside it, as written, merged or not, whatever its names mean."""
    if not merge:
        monkeypatch.setattr(one_package, "merged", _refuse)
    policies = _with(tmp_path, *modules, data={"names": {"CORP\\north": ["terminate"]}})
    asked = _asked("terminate")
    asked["targets"]["i-1"] |= {"clusters": ["blue"], "tags": {"Stage": "old"}, "state": "running"}
    asked |= {"live": {**asked["live"], "known": True, "clusters": ["blue"]}}
    assert {"own/rule", "live-cluster/terminate"} <= _rules(EmbeddedEngine(policies), asked)


def _refuse(*_):
    raise one_package.NotMergeable("for the test")
