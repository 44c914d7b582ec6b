"""The shipped policies give the same answers on the embedded engine and on a real OPA, and fail closed when broken."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import guardrails
from guardrails.errors import PolicyError
from guardrails.evaluate import bundle
from guardrails.evaluate.checked import checked
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import EngineFailure, read_result
from guardrails.evaluate.rego import lint
from guardrails.evaluate.rego.builtins import ADDED, AVAILABLE
from guardrails.evaluate.regorus import new_engine

POLICIES = bundle.shipped()
REGO = sorted(POLICIES.rglob("*.rego"))


def _rego_tests():
    for path in REGO:
        text = path.read_text()
        package = re.search(r"^package (\S+)", text, re.MULTILINE)[1]
        for name in re.findall(r"^(test_\w+)", text, re.MULTILINE):
            yield f"data.{package}.{name}"


@pytest.mark.cases(120)
@pytest.mark.parametrize("rule", sorted(set(_rego_tests())))
def test_rego_tests_pass_on_the_embedded_engine(rule, all_policies):
    """Each test_ rule beside a policy is true on the embedded engine, as it is under `opa test`."""
    assert json.loads(all_policies.eval_rule_as_json(rule)) is True


@pytest.fixture(scope="module")
def all_policies():
    shipped = bundle.read([POLICIES])
    modules = {str(path): path.read_text() for path in REGO}
    engine = new_engine(checked(bundle.Bundle({**modules, **shipped.modules}, shipped.data, "")))
    engine.set_input_json("{}")
    return engine


@pytest.mark.long  # CI runs both by themselves
def test_opa_test(opa, run):
    """`opa test` passes, with and without bundle mode."""
    assert "PASS" in run(opa, "test", str(POLICIES))
    assert "PASS" in run(opa, "test", "-b", str(POLICIES))


def test_opa_check_strict(opa, run):
    """`opa check --strict` finds nothing, with the input's schema."""
    run(opa, "check", "--strict", "--schema", str(POLICIES / "schemas"), str(POLICIES / "guardrails"))


def test_opa_fmt(opa, run):
    """Every policy is formatted as `opa fmt` does."""
    run(opa, "fmt", "--fail", "--list", str(POLICIES))


def test_same_decisions_as_opa(opa, run, aws, log, install, tmp_path):
    """For real recorded inputs, live and not, both engines give the same document."""
    blue, green = aws.start_cluster("blue", 2, addresses=1), aws.start_cluster("green", 1)
    ec2 = aws.client("ec2")
    install(mode="dryrun")
    calls = [
        ("stop_instances", {"InstanceIds": [blue.instance_ids[0], green.instance_ids[0]]}),
        ("reboot_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
        ("release_address", {"AllocationId": blue.allocation_ids[0]}),
        ("associate_address", {"AllocationId": blue.allocation_ids[0], "InstanceId": green.instance_ids[0]}),
        ("modify_instance_attribute", {"InstanceId": blue.instance_ids[0], "SourceDestCheck": {"Value": False}}),
    ]
    for method, params in calls:
        # moto may refuse what the guard let through; the decision is in the log anyway.
        with contextlib.suppress(ClientError):
            getattr(ec2, method)(**params)
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(entries) == len(calls)
    for entry in entries:
        file = tmp_path / "input.json"
        file.write_text(json.dumps(entry["input"]))
        answer = run(opa, "eval", "-b", str(POLICIES), "-i", str(file), "-f", "raw", "data.guardrails.main.decision")
        assert json.loads(answer) == entry["result"]
        assert entry["result"]["violations"]


def test_every_rule_has_metadata():
    """Each rule id of METADATA is unique and comes with title, description, severity, remediation and incident."""
    ids = []
    for path in REGO:
        for block in re.findall(r"# METADATA\n((?:#.*\n)+)(?:deny|confirm|warn) contains", path.read_text()):
            for key in ("title:", "description:", "rule:", "severity:", "remediation:", "incident:"):
                assert key in block, (path, key)
            ids += re.findall(r"rule: (\S+)", block)
    assert len(ids) > 20
    assert set(ids) == {rule for rule in bundle.rule_ids(bundle.read([POLICIES])) if not rule.startswith("main/")}


def test_collector_is_what_the_loader_writes():
    """The shipped areas.rego names exactly the areas the loader finds, so OPA and the embedded engine ask the same."""
    entry = re.compile(r'"(\w+)": data\.guardrails\.(\w+)\.(deny|confirm|warn)')
    shipped = (POLICIES / "guardrails" / "areas" / "areas.rego").read_text()
    modules = [path.read_text() for path in REGO if not path.stem.endswith("_test")]
    assert sorted(entry.findall(shipped)) == sorted(entry.findall(bundle.collect(modules)))


def test_many_areas_of_a_user(site, aws, install, tmp_path):
    """Fifty areas with long names load, and the last one is asked."""
    for number in range(50):
        name = f"the_rules_of_the_team_with_number_{number}"
        area = tmp_path / "guardrails" / name
        area.mkdir(parents=True)
        (area / "rules.rego").write_text(
            f"package guardrails.{name}\n\n"
            f'deny contains {{"rule": "team{number}/no", "target": id, "message": "m", "remediation": "r"}} if {{\n'
            '\tsome id, _ in input.targets\n\tinput.call.operation == "StopInstances"\n}\n'
        )
    install(policies=[str(tmp_path)])
    with pytest.raises(guardrails.CallDenied, match="team49/no"):
        site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("StopInstances") == 0


def test_a_users_area_is_asked(site, aws, install, tmp_path):
    """A package in a user's folder is collected automatically; its rule denies."""
    area = tmp_path / "guardrails" / "weekend"
    area.mkdir(parents=True)
    (area / "weekend.rego").write_text(
        "package guardrails.weekend\n\n"
        'deny contains {"rule": "weekend/no", "target": id, "message": "not today", "remediation": "wait"} if {\n'
        "\tsome id, _ in input.targets\n}\n"
    )
    install(policies=[str(tmp_path)])
    with pytest.raises(guardrails.CallDenied, match="weekend/no"):
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 0


def test_policies_that_allow_the_accident_are_refused(tmp_path):
    """A folder that replaces the router with one that allows everything is refused at install."""
    main = tmp_path / "guardrails" / "main"
    main.mkdir(parents=True)
    (main / "main.rego").write_text('package guardrails.main\n\ndecision := {"action": "allow", "violations": []}\n')
    with pytest.raises(guardrails.PolicyError, match="allow terminating a machine of the live cluster"):
        guardrails.install({"policies": [str(tmp_path)], "log": {"enabled": False}})


@pytest.mark.parametrize(
    "result",
    [None, "<undefined>", [], {}, {"action": "allow"}, {"action": "ok", "violations": []},
     {"action": "deny", "violations": []}, {"action": "allow", "violations": [{}]},
     {"action": "allow", "violations": [
         {"rule": "a/b", "target": "t", "message": "m", "remediation": "r", "action": "deny"}]}],
)  # fmt: skip
def test_misshapen_results_are_no_answer(result):
    """Undefined, missing, malformed or contradictory results raise, and so deny."""
    with pytest.raises(EngineFailure):
        read_result(result)


def test_lone_surrogates_and_nan_do_no_harm():
    """A string that is not Unicode and values that are not JSON end in EngineFailure, and the engine still works."""
    engine = EmbeddedEngine(bundle.read([POLICIES]))
    for value in ("\ud800", float("nan"), object()):
        with pytest.raises(EngineFailure):
            engine.evaluate({"x": value})
    assert read_result(engine.evaluate({}).result)[0] == "deny"


@pytest.mark.parametrize("name", sorted(AVAILABLE - ADDED))
def test_builtin_list_is_the_engines(name):
    """Every function the linter accepts exists in the embedded engine."""
    for arity in range(5):
        arguments = ", ".join(["1"] * arity)
        text = f'package guardrails.main\n\ndecision := {{"x": {name}({arguments})}}\n'
        engine = new_engine(bundle.Bundle({"m.rego": text}, {}, ""))
        report = ""
        try:
            engine.eval_rule_as_json("data.guardrails.main.decision")
        except BaseException as error:
            report = str(error)
        assert "could not find function" not in report


# A rule in one package, reached through an import, that reads another package through an import.
BEHIND_IMPORTS = {
    "lib.rego": "package lib\n\nes := {e | some e in input.es}\n",
    "a1.rego": "package a\n\ndeny contains 1 if false\n",
    "a2.rego": 'package a\n\nimport data.lib\n\ndeny contains 2 if "e" in lib.es\n',
    "m.rego": "package m\n\nimport data.a\nimport data.lib as l\n\nz := [a.deny, l.es, f(3)]\n\nf(l) := l\n",
}


@pytest.mark.parametrize("order", list(itertools.permutations(BEHIND_IMPORTS)))
def test_imports_are_written_out(order):
    """Rules behind imports are found in any order of the files; names that only look like imports are kept."""
    engine = new_engine(checked(bundle.Bundle({name: BEHIND_IMPORTS[name] for name in order}, {}, "")))
    engine.set_input_json('{"es": ["e"]}')
    assert json.loads(engine.eval_rule_as_json("data.m.z")) == [[2], ["e"], 3]


def test_imports_are_still_evaluated_wrongly():
    """Why imports are written out: the engine loses a denial behind one. If this test fails, drop inline_imports.py."""
    engine = new_engine(bundle.Bundle(BEHIND_IMPORTS, {}, ""))
    engine.set_input_json('{"es": ["e"]}')
    assert json.loads(engine.eval_rule_as_json("data.m.z"))[0] == []


def test_the_same_policies_are_checked_once(monkeypatch):
    """The same policies and data are linted once in a process; other data, and what has a mistake, every time."""
    linted = []
    real = lint.check
    monkeypatch.setattr(lint, "check", lambda modules, data: (linted.append(data), real(modules, data)))
    text = 'package guardrails.main\n\nimport data.x\n\ndecision := {"value": x.y, "run": RUN}\n'
    text = text.replace("RUN", str(time.time_ns()))
    for data in ({"x": {"y": 1}}, {"x": {"y": 1}}, {"x": {"y": 2}}):
        engine = EmbeddedEngine(bundle.Bundle({"m.rego": text}, data, ""))
        assert engine.evaluate({}).result["value"] == data["x"]["y"]
    assert linted == [{"x": {"y": 1}}, {"x": {"y": 2}}]
    for _ in range(2):
        with pytest.raises(PolicyError, match="nothing defines"):
            EmbeddedEngine(bundle.Bundle({"m.rego": text}, {}, ""))


def test_shipped_folder_is_complete():
    """The schema and the parameters ship beside the policies."""
    assert isinstance(json.loads((POLICIES / "schemas" / "input.json").read_text()), dict)
    assert Path(POLICIES / "guardrails" / "params" / "data.json").is_file()


CANARY = {"call": {"effects": ["terminate"], "tags": None}, "targets": {}, "clusters": {}}


def test_a_failed_input_leaves_nothing_behind():
    """After a failed input, the next answer belongs to the next input, not to the previous one."""
    engine = EmbeddedEngine(bundle.read([POLICIES]))
    first = engine.evaluate(CANARY)
    with pytest.raises(EngineFailure):
        engine.evaluate({"x": object()})
    assert engine.evaluate({}) != first
    assert engine.evaluate(CANARY) == first


def test_a_guard_may_be_dropped_by_any_thread(monkeypatch):
    """When another thread drops a guard, the engine is left to the thread that made it, as it requires."""
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    made = [EmbeddedEngine(bundle.read([POLICIES]))]
    thread = threading.Thread(target=lambda: (made.clear(), gc.collect()))
    thread.start()
    thread.join()
    EmbeddedEngine(bundle.read([POLICIES])).evaluate({})
    assert complaints == []


def test_each_thread_has_its_engine():
    """Threads evaluate side by side; an engine of another thread would panic."""
    engine = EmbeddedEngine(bundle.read([POLICIES]))
    here = engine.evaluate(CANARY)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(engine.evaluate, [CANARY] * 40)) == [here] * 40


def test_a_huge_input_is_refused():
    """An input larger than any call ends in EngineFailure, and so in a denial."""
    engine = EmbeddedEngine(bundle.read([POLICIES]))
    with pytest.raises(EngineFailure, match="more than 16,000,000"):
        engine.evaluate({"x": "y" * 16_000_001})


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_person_can_interrupt(stop, monkeypatch):
    """Ctrl-C and exit pass through; the engine's own panics, which are BaseExceptions too, do not."""
    engine = EmbeddedEngine(bundle.read([POLICIES]))

    def interrupted(*_):
        raise stop

    monkeypatch.setattr("guardrails.evaluate.embedded.ask", interrupted)
    with pytest.raises(stop):
        engine.evaluate(CANARY)

    class PanicException(BaseException):
        """A stand-in: the real one cannot be made from Python."""

    def panicking(*_):
        raise PanicException("index out of bounds")

    monkeypatch.setattr("guardrails.evaluate.embedded.ask", panicking)
    with pytest.raises(EngineFailure):
        engine.evaluate(CANARY)


NETS = ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/24", "192.168.1.0/24", "2001:db8::/32", "2001:db8:1::/48"]


def test_added_functions_answer_as_opa_does(opa, run, tmp_path):
    """net.cidr_intersects and net.cidr_merge, which the engine lacks, give OPA's answers."""
    rego = (
        "package t\n\n"
        "meet := {[a, b] | some a in input.nets; some b in input.nets; net.cidr_intersects(a, b)}\n\n"
        "merged := net.cidr_merge(input.nets)\n"
    )
    (tmp_path / "t.rego").write_text(rego)
    (tmp_path / "input.json").write_text(json.dumps({"nets": NETS}))
    engine = new_engine(bundle.Bundle({"t.rego": rego}, {}, ""))
    engine.set_input_json(json.dumps({"nets": NETS}))
    for rule in ("meet", "merged"):
        ours = json.loads(engine.eval_rule_as_json(f"data.t.{rule}"))
        command = ("eval", "-d", str(tmp_path / "t.rego"), "-i", str(tmp_path / "input.json"), "-f", "raw")
        theirs = json.loads(run(opa, *command, f"data.t.{rule}"))
        assert sorted(map(str, ours)) == sorted(map(str, theirs))


@pytest.mark.parametrize(
    ("head", "level"), [("package guardrails.g # a note", "deny"), ("  package guardrails.g", "  deny")]
)
def test_an_area_with_odd_formatting_is_collected(head, level):
    """A comment after the package's name, or spaces before a rule, do not hide an area."""
    assert '"g": data.guardrails.g.deny' in bundle.collect([f"{head}\n\n{level} contains x if x := 1\n"])
