"""Explain and eval: why a recorded call was denied, with the values its rule saw; the verdict on a document."""

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
    """The id of the decision on terminating a live machine."""
    install()
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    return caught.value.decision.id


def _run(config, *args, code=0, text=None):
    done = CliRunner().invoke(app, ["policy", "--config", str(config), *args], input=text)
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def test_why(site, denied, config):
    """The rule, its title, its conditions with the values they saw, and what would let the call pass are told."""
    told = " ".join(_run(config, "explain", denied[:8]).stdout.split())
    assert "DENY ec2:TerminateInstances" in told
    assert "live-cluster/terminate Live machines are not terminated" in told
    assert 'holds "terminate" in lib.effects [lib.effects is ["ip", "storage", "terminate"]]' in told
    assert f'lib.live_targets is {{"{site.blue.instance_ids[0]}": ["blue"]}}' in told
    # What only gives something a name is no condition that could fail.
    assert "verb :=" not in told
    assert 'verb = "terminate"' in told
    assert site.blue.instance_ids[0] in told
    assert "passes this rule as soon as one of these conditions does not hold" in told
    assert "Instead: Check the ids" in told
    assert "live-cluster/stop" not in told


def test_every_rule_on_request(denied, config):
    """With --all every rule is told, and for one that did not fire the condition that did not hold."""
    told = json.loads(_run(config, "explain", denied, "--all", "--format", "json").stdout)
    by_rule = {}
    for one in told["rules"]:
        by_rule.setdefault(one["rule"], []).append(one)
    assert len(by_rule) > 40
    assert all(one["title"] for one in told["rules"])
    assert "?" not in by_rule
    stop = by_rule["live-cluster/stop"][0]
    assert not stop["fired"]
    assert [condition["held"] for condition in stop["conditions"]].count(False) == 1
    fired = {one["rule"] for one in told["rules"] if one["fired"]}
    assert fired == {violation["rule"] for violation in told["recorded"]["result"]["violations"]}


def test_fired_is_what_was_decided(site, install, config, log):
    """Of allowed and denied calls alike, the rules that are said to fire are those of the decision."""
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
        except Exception:  # what the simulated AWS refuses is decided on all the same
            continue
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(entries) == len(calls)
    for entry in entries:
        told = json.loads(_run(config, "explain", entry["decision_id"], "--format", "json").stdout)
        decided = {violation["rule"] for violation in entry["result"]["violations"]}
        assert {one["rule"] for one in told["rules"]} == decided


def test_unknown_and_ambiguous_ids(denied, config, log):
    """An id that is not there, or the beginning of two, is refused with one sentence."""
    assert "no decision zzz" in _run(config, "explain", "zzz", code=2).stderr
    entry = json.loads(log.read_text())
    other = {**entry, "decision_id": denied[:8] + "-other"}
    log.write_text(json.dumps(entry) + "\n" + json.dumps(other) + "\n")
    assert "the beginning of 2 decisions" in _run(config, "explain", denied[:8], code=2).stderr


def test_undecided_is_said(site, aws, install, config, log):
    """A call that no policy was asked about is told with its reason."""
    install()
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    with pytest.raises(guardrails.GuardUnavailable) as caught:
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert "No policy was asked" in _run(config, "explain", caught.value.decision.id).stdout


def test_eval(denied, config, log, tmp_path):
    """A document, or a line of the log, gets the verdict and exit code 3 where it blocks; other text, a sentence."""
    entry = json.loads(log.read_text())
    told = json.loads(_run(config, "eval", "--format", "json", code=3, text=json.dumps(entry)).stdout)
    assert told == entry["result"]
    file = tmp_path / "input.json"
    document = {**entry["input"], "call": {**entry["input"]["call"], "effects": []}}
    file.write_text(json.dumps(document))
    assert _run(config, "eval", str(file)).stdout.startswith("ALLOW")
    assert "not valid JSON" in _run(config, "eval", code=2, text="{").stderr
    assert "must hold a JSON object" in _run(config, "eval", code=2, text="[]").stderr
    assert "DENY" in _run(config, "eval", code=3, text="{}").stdout
