"""The embedded engine evaluates all policies as one package, and asks only areas that can have something to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.evaluate import bundle
from guardrails.evaluate.embedded import EmbeddedEngine, checked, parsed
from guardrails.evaluate.engine import EngineFailure
from guardrails.evaluate.rego import one_package
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
    """No shipped policy keeps the others from being merged, and each of their sets has a condition."""
    modules = _merged(SHIPPED)
    assert all("package decisions" in text for text in modules.values())
    collector = next(text for name, text in modules.items() if name.endswith("areas.rego"))
    asked = [line.strip() for line in collector.splitlines() if line.startswith("\t")]
    assert len(asked) > 15
    assert all(": asked__" in line for line in asked)


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


@pytest.mark.parametrize("line", FIRST_LINES)
def test_a_rule_fires_whatever_its_first_line_is(line, tmp_path):
    """A user's rule with such a first line denies the call that it means, and no other."""
    denied, passed = FIRST_LINES[line]
    text = f"{HEAD}own_rule if input.call.operation\n\ndeny contains {ENTRY} if {{\n\t{line}\n}}\n"
    engine = EmbeddedEngine(_with(tmp_path, text))
    assert "own/rule" in _rules(engine, _asked(denied))
    assert "own/rule" not in _rules(engine, _asked(passed))


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
    with pytest.raises(one_package.NotMergeable):
        _merged(policies)
    engine = EmbeddedEngine(policies)
    assert "own/rule" in _rules(engine, _asked("terminate"))
    assert "own/rule" not in _rules(engine, _asked("stop"))


def test_rules_over_data_stay_apart(tmp_path):
    """A data.json with the name of a package keeps the policies as they are."""
    with pytest.raises(one_package.NotMergeable):
        _merged(_with(tmp_path, data={"decisions": {"a": 1}}))


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
