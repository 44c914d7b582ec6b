"""At every install() calls that must be denied are tried, and a guard that lets one pass is not installed."""

from __future__ import annotations

import time

import botocore.client
import botocore.httpsession
import botocore.loaders
import botocore.model
import botocore.session
import pytest
from attrs import evolve

import guardrails
from guardrails import pipeline, self_test
from guardrails.enforce.break_glass.grant import environment_value
from guardrails.evaluate import bundle
from guardrails.pipeline import Pipeline
from guardrails.self_test import small_client
from guardrails.values import Outcome


@pytest.fixture
def sent(monkeypatch):
    """Every request that leaves this process through botocore, which is none."""
    requests = []
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", lambda _, request: requests.append(request.url))
    return requests


@pytest.mark.parametrize("mode", ["enforce", "warn", "dryrun"])
def test_they_are_denied_and_leave_no_trace(mode, sent, install, log):
    """In every mode each canary is denied by a rule; nothing is sent, logged or counted."""
    guard = install(mode=mode)
    decisions = guard.self_test()
    assert set(decisions) == set(self_test.MUST_BE_DENIED)
    assert all(decision.action == "deny" and decision.violations for decision in decisions.values())
    assert sent == []
    assert log.read_text() == ""


def test_whatever_sources_of_liveness_are_configured(sent, install, tmp_path):
    """A source that cannot be read, and another cluster tag, do not keep a sound guard from being installed."""
    guard = install(cluster_tag="Deployment", live={"sources": ["file"], "file": str(tmp_path / "none")})
    assert guard.self_test()["TerminateInstances"].action == "deny"


@pytest.mark.parametrize("word", ["dryrun", "warn"])
def test_a_rule_that_the_configuration_weakens(word, install, caplog):
    """A rule in `dryrun` or `warn` may let a canary pass, in silence: somebody wants it so."""
    rules = ("live-cluster/terminate", "live-cluster/stop", "remaining/minimum", "remaining/share", "addresses/release")
    guard = install(enforcement=dict.fromkeys(rules, word))
    assert guard.self_test()["TerminateInstances"].action == {"dryrun": "allow", "warn": "warn"}[word]
    assert caplog.records == []


def test_a_broken_glass_is_not_theirs(sent, install, monkeypatch):
    """What GUARDRAILS_BREAK_GLASS sets aside is judged for the canaries as ever."""
    rules = ["live-cluster/stop", "remaining/minimum", "remaining/share", "addresses/release"]
    monkeypatch.setenv("GUARDRAILS_BREAK_GLASS", environment_value("INC-42", rules, time.time() + 600))
    guard = install()
    assert guard.self_test()["StopInstances"].action == "deny"


def _refused(said, **config):
    before = botocore.client.BaseClient._make_api_call
    with pytest.raises(guardrails.GuardBroken, match=said):
        guardrails.install({"log": {"enabled": False}, **config})
    assert botocore.client.BaseClient._make_api_call is before
    assert guardrails.process.current() is None


def test_a_guard_that_does_not_see_calls(sent, monkeypatch):
    """A guard whose hooks are not asked is refused at install, and nothing of it stays."""
    monkeypatch.setattr("guardrails.intercept.judge.Judge.clearly_ungoverned", lambda *_, **__: True)
    monkeypatch.setattr("guardrails.intercept.reviewing.Reviewer._review", lambda *_, **__: None)
    _refused("TerminateInstances on a machine of the live cluster got past it and would have been sent")
    assert sent == []


def test_a_catalogue_that_knows_nothing(sent, monkeypatch):
    """So is one that takes the call for harmless."""
    monkeypatch.setattr("guardrails.decider.classify", lambda *_: None)
    _refused("would have been sent")
    assert sent == []


def test_resolvers_that_see_no_cluster(sent, monkeypatch):
    """So is one whose look-ups are not understood."""
    monkeypatch.setattr("guardrails.resolve.inventory.Inventory._add", lambda *_: 1 / 0)
    _refused("cannot decide on TerminateInstances")


def _verdict(monkeypatch, change):
    """Let `change` have every verdict of the policies."""
    decide = Pipeline._evaluate
    monkeypatch.setattr(Pipeline, "_evaluate", lambda self, call, *rest: change(decide(self, call, *rest)))


def test_policies_that_allow_one(sent, monkeypatch):
    """So is one whose policies have no objection to one of them."""
    _verdict(
        monkeypatch, lambda one: evolve(one, action="allow", violations=()) if one.call.operation[0] == "S" else one
    )
    _refused("StopInstances on a machine of the live cluster would have been sent, and no rule in `enforcement`")


def test_a_verdict_that_only_warns(sent, monkeypatch):
    """So is one that names the rules and lets the call go."""
    _verdict(monkeypatch, lambda one: evolve(one, action="warn"))
    _refused("TerminateInstances on a machine of the live cluster would have been sent")


@pytest.mark.parametrize("outcome", [Outcome(send=True, enforcement="allow"), Outcome(send=True, enforcement="warn")])
def test_an_enforcement_that_sends(outcome, sent, monkeypatch):
    """So is one that decides correctly and still sends the call."""
    monkeypatch.setattr(pipeline, "enforce", lambda *_: outcome)
    _refused("would have been sent")
    assert sent == []


def test_an_enforcement_that_sends_what_the_configuration_denies(sent, monkeypatch):
    """So is that one where `enforcement` names the rules, with the word that denies."""
    monkeypatch.setattr(pipeline, "enforce", lambda *_: Outcome(send=True, enforcement="allow"))
    rules = ("live-cluster/terminate", "live-cluster/stop", "addresses/release")
    _refused("would have been sent", enforcement=dict.fromkeys(rules, "deny"))
    assert sent == []


def test_something_that_breaks_the_clients(monkeypatch):
    """What keeps the calls from being made at all is a sentence."""
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", lambda *_: 1 / 0)
    _refused("ended in ZeroDivisionError")


def test_an_aws_configuration_that_makes_no_client(monkeypatch):
    """So is a word in AWS's own configuration that botocore does not know."""
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "bogus")
    with pytest.raises(guardrails.ConfigError, match="botocore cannot make a client here"):
        guardrails.install({"log": {"enabled": False}})
    assert guardrails.process.current() is None


def test_the_small_model_is_botocores():
    """What the canaries' client knows of EC2 is what botocore knows of it: a call is serialized in the same way."""
    full = botocore.session.Session().get_service_model("ec2")
    small = botocore.model.ServiceModel(small_client.MODEL, "ec2")
    assert small.metadata.items() <= full.metadata.items()
    for name in small.operation_names:
        ours, theirs = small.operation_model(name), full.operation_model(name)
        assert (ours.http, ours.name, ours.auth) == (theirs.http, theirs.name, theirs.auth)
        assert {key: _written(shape) for key, shape in ours.input_shape.members.items()}.items() <= {
            key: _written(shape) for key, shape in theirs.input_shape.members.items()
        }.items()


def _written(shape):
    """How a parameter is written into a request."""
    member = _written(shape.member) if shape.type_name == "list" else None
    return shape.type_name, shape.serialization, member


def test_a_botocore_that_needs_more_than_the_small_data(sent, monkeypatch):
    """Where a later botocore finds too little in the small data, the client is made from botocore's own."""
    monkeypatch.setattr("guardrails.self_test.small_client._RULES", {})
    assert install_and_try() == set(self_test.MUST_BE_DENIED)
    assert sent == []


def test_a_start_reads_no_model_of_ec2(sent, monkeypatch):
    """install() reads none of botocore's service models: EC2's alone would take 18 MB and a tenth of a second."""
    read = []
    load = botocore.loaders.Loader.load_service_model
    monkeypatch.setattr(
        botocore.loaders.Loader, "load_service_model", lambda self, *named: read.append(named) or load(self, *named)
    )
    assert install_and_try() == set(self_test.MUST_BE_DENIED)
    assert read == []


def install_and_try():
    """The names of the canaries that were denied."""
    try:
        return set(guardrails.install({"log": {"enabled": False}}).self_test())
    finally:
        guardrails.uninstall()


def test_an_admission_that_does_not_raise(sent, monkeypatch):
    """So is one that swallows its own denial."""
    admit = Pipeline.admit

    def lax(self, call, origin, deliver):
        try:
            return admit(self, call, origin, deliver)
        except guardrails.CallDenied as error:
            return error.decision.id

    monkeypatch.setattr(Pipeline, "admit", lax)
    _refused("would have been sent")


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        (("sign", "add_auth"), "StopInstances as a presigned URL"),
        (("make_request", "sign", "add_auth", "send"), "as a presigned URL|past the client's events"),
        (("send",), "StopInstances in the place of a harmless call"),
    ],
)
def test_a_gate_that_is_missing(gates, said, monkeypatch):
    """So is one without one of its gates, and nothing leaves by it."""
    opened = []
    monkeypatch.setattr(
        botocore.httpsession.URLLib3Session, "_get_connection_manager", lambda _, url, *__: opened.append(url)
    )
    for gate in gates:
        file = "endpoint" if gate == "make_request" else "wrappers"
        monkeypatch.setattr(f"guardrails.intercept.{file}.{gate}", lambda *arguments: arguments[-1])
    _refused(said)
    assert opened == []


def test_something_that_answers_in_awss_place(sent, monkeypatch):
    """So is one in front of which something answers."""
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", lambda *_: {})
    monkeypatch.setattr("guardrails.intercept.hooks.Interceptor.install", lambda _: None)
    _refused("something else answered for AWS")


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("verdict/verdict.rego", "known(action) := action if {", 'known(action) := "warn" if {'),
        ("live_cluster/live_cluster.rego", "deny contains", "warn contains"),
        (
            "verdict/verdict.rego",
            "after_break_glass(rule, action) := ",
            'after_break_glass(rule, action) := "warn" if {\n\ttrue\n} else := ',
        ),
    ],
)
@pytest.mark.parametrize("enforcement", [{}, {"live-cluster/terminate": "deny"}])
def test_replaced_policies_that_only_warn(enforcement, file, before, after, sent, tmp_path):
    """Policies that take the place of the shipped ones, and warn of the accident only, are refused."""
    shipped = (bundle.shipped() / "guardrails" / file).read_text()
    assert before in shipped
    own = tmp_path / "own" / "guardrails" / file
    own.parent.mkdir(parents=True)
    own.write_text(shipped.replace(before, after))
    refused = (guardrails.PolicyError, guardrails.GuardBroken)
    with pytest.raises(refused, match=r"allow terminating a machine of the live cluster|would have been sent"):
        guardrails.install({"log": {"enabled": False}, "policies": [str(tmp_path / "own")], "enforcement": enforcement})
    assert guardrails.process.current() is None
