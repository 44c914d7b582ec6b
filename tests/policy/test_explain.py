"""`policy explain` and `policy eval`: why a recorded call was denied, and the decision on an input document."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app


@pytest.fixture
def config(tmp_path, log):
    file = tmp_path / "guardrails.toml"
    file.write_text(f'[log]\npath = "{log}"\n')
    return file


@pytest.fixture
def denied(site, install):
    """The id of the decision that denied terminating a live machine."""
    install()
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    return caught.value.decision.id


def _run(config, *args, code=0, text=None):
    done = CliRunner().invoke(app, ["policy", "--config", str(config), *args], input=text)
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def test_why(site, denied, config):
    """Shown are the rule, its title, its conditions with the values they saw, and what would let the call pass."""
    printed = " ".join(_run(config, "explain", denied[:8]).stdout.split())
    assert "DENY ec2:TerminateInstances" in printed
    assert "live-cluster/terminate Live machines are not terminated" in printed
    assert 'true "terminate" in lib.effects [lib.effects is ["ip", "storage", "terminate"]]' in printed
    assert f'lib.live_targets is {{"{site.blue.instance_ids[0]}": ["blue"]}}' in printed
    # A condition that only names a value cannot fail, so it is not shown.
    assert "verb :=" not in printed
    assert 'verb = "terminate"' in printed
    assert site.blue.instance_ids[0] in printed
    assert "lets the call pass when any of these conditions is not true" in printed
    assert "Instead: Check the ids" in printed
    assert "live-cluster/stop" not in printed


def test_every_rule_on_request(denied, config):
    """With --all every rule is shown, and for one that did not fire the condition that was not true."""
    shown = json.loads(_run(config, "explain", denied, "--all", "--format", "json").stdout)
    by_rule = {}
    for rule in shown["rules"]:
        by_rule.setdefault(rule["rule"], []).append(rule)
    assert len(by_rule) > 40
    assert all(rule["title"] for rule in shown["rules"])
    assert "?" not in by_rule
    stop = by_rule["live-cluster/stop"][0]
    assert not stop["fired"]
    assert [condition["held"] for condition in stop["conditions"]].count(False) == 1
    fired = {rule["rule"] for rule in shown["rules"] if rule["fired"]}
    assert fired == {violation["rule"] for violation in shown["recorded"]["result"]["violations"]}


def test_fired_is_what_was_decided(site, install, config, log):
    """The rules that fire are those of the recorded decision, whether the call was allowed or denied."""
    install()
    machine, standby = site.blue.instance_ids[0], site.green.instance_ids[0]
    calls = (
        lambda: site.ec2.stop_instances(InstanceIds=[machine, standby]),
        lambda: site.ec2.stop_instances(InstanceIds=[standby]),
        lambda: site.ec2.delete_tags(Resources=[machine], Tags=[{"Key": "Cluster"}]),
        lambda: site.ec2.terminate_instances(InstanceIds=["i-0123456789abcdef0"]),
    )
    for call in calls:
        try:
            call()
        except guardrails.CallDenied:
            continue
        except Exception:  # the simulated AWS refuses it, but it was decided
            continue
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(entries) == len(calls)
    for entry in entries:
        shown = json.loads(_run(config, "explain", entry["decision_id"], "--format", "json").stdout)
        decided = {violation["rule"] for violation in entry["result"]["violations"]}
        assert {rule["rule"] for rule in shown["rules"]} == decided


def test_unknown_and_ambiguous_ids(denied, config, log):
    """An unknown id is one sentence that names the log, and so is the beginning of two ids."""
    assert f"{log}: no decision zzz" in _run(config, "explain", "zzz", code=2).stderr
    entry = json.loads(log.read_text())
    other = {**entry, "decision_id": denied[:8] + "-other"}
    log.write_text(json.dumps(entry) + "\n" + json.dumps(other) + "\n")
    assert "2 decisions begin with" in _run(config, "explain", denied[:8], code=2).stderr


def test_undecided_is_said(site, aws, install, config, log):
    """A call that was decided without the policies is shown with the reason."""
    install()
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    with pytest.raises(guardrails.GuardUnavailable) as caught:
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert "The policies were not evaluated" in _run(config, "explain", caught.value.decision.id).stdout


def test_a_check_before_the_rules(denied, config, log, tmp_path):
    """A denial by a check of the input is shown with its place and what helps; a rule that is gone is called so."""
    entry = json.loads(log.read_text())
    file = tmp_path / "input.json"
    file.write_text(json.dumps({**entry["input"], "call": {**entry["input"]["call"], "tags": "?"}}))
    printed = " ".join(_run(config, "explain", str(file)).stdout.split())
    assert "main/malformed-input" in printed
    assert "intake.rego:" in printed
    assert "its input lacks call.tags" in printed
    assert "`guardrails doctor` finds facts that the guard cannot get" in printed
    entry["result"]["violations"][0]["rule"] = "live-cluster/gone"
    log.write_text(json.dumps(entry) + "\n")
    (check, *_) = json.loads(_run(config, "explain", denied, "--format", "json").stdout)["checks"]
    assert (check["rule"], check["file"]) == ("live-cluster/gone", "")
    assert "removed or renamed since" in check["origin"]


def test_eval(denied, config, log, tmp_path):
    """A document or a log entry gets its decision, exit code 3 if that blocks; anything else is one sentence."""
    entry = json.loads(log.read_text())
    shown = json.loads(_run(config, "eval", "--format", "json", code=3, text=json.dumps(entry)).stdout)
    assert shown == entry["result"]
    file = tmp_path / "input.json"
    document = {**entry["input"], "call": {**entry["input"]["call"], "effects": []}}
    file.write_text(json.dumps(document))
    assert _run(config, "eval", str(file)).stdout.startswith("ALLOW")
    assert "not valid JSON" in _run(config, "eval", code=2, text="{").stderr
    assert "not a JSON object" in _run(config, "eval", code=2, text="[]").stderr
    assert "DENY" in _run(config, "eval", code=3, text="{}").stdout
