"""At every install() calls that must be denied are tried, and a guard that lets one pass is not installed."""

from __future__ import annotations

import botocore.client
import botocore.httpsession
import pytest

import guardrails
from guardrails import canary
from guardrails.guard import Guard


@pytest.fixture
def sent(monkeypatch):
    """Every request that leaves this process through botocore, which is none."""
    requests = []
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", lambda _, request: requests.append(request.url))
    return requests


@pytest.mark.parametrize("mode", ["enforce", "warn", "dryrun"])
def test_they_are_denied_and_leave_no_trace(mode, sent, install, log):
    """In every mode each canary violates a rule; nothing is sent, logged or counted."""
    guard = install(mode=mode)
    decisions = guard.sing()
    assert set(decisions) == set(canary.CALLS)
    assert all(decision.violations for decision in decisions.values())
    assert sent == []
    assert log.read_text() == ""


def test_whatever_sources_of_liveness_are_configured(sent, install, tmp_path):
    """A source that cannot be read, and another cluster tag, do not keep a sound guard from being installed."""
    guard = install(cluster_tag="Deployment", live={"sources": ["file"], "file": str(tmp_path / "none")})
    assert guard.sing()["TerminateInstances"].action == "deny"


def test_a_rule_that_is_only_watched(sent, install):
    """A rule in `dryrun` is violated all the same."""
    install(enforcement={"live-cluster/terminate": "dryrun"})


def _refused(said):
    before = botocore.client.BaseClient._make_api_call
    with pytest.raises(guardrails.GuardBroken, match=said):
        guardrails.install({"log": {"enabled": False}})
    assert botocore.client.BaseClient._make_api_call is before
    assert guardrails.installed.current() is None


def test_a_guard_that_does_not_see_calls(sent, monkeypatch):
    """A guard whose hooks are not asked is refused at install, and nothing of it stays."""
    monkeypatch.setattr("guardrails.intercept.judge.Judge.waves_through", lambda *_, **__: True)
    monkeypatch.setattr("guardrails.intercept.judge.Judge.review", lambda *_, **__: None)
    _refused("TerminateInstances on a machine of the live cluster passed it and would have been sent")
    assert sent == []


def test_a_catalogue_that_knows_nothing(sent, monkeypatch):
    """So is one that takes the call for harmless."""
    monkeypatch.setattr("guardrails.guard.classify", lambda *_: None)
    _refused("would have been sent")
    assert sent == []


def test_resolvers_that_see_no_cluster(sent, monkeypatch):
    """So is one whose look-ups are not understood."""
    monkeypatch.setattr("guardrails.resolve.inventory.Inventory._add", lambda *_: 1 / 0)
    _refused("cannot decide on TerminateInstances")


def test_policies_that_allow_one(sent, monkeypatch):
    """So is one whose policies have no objection to one of them."""
    decide = Guard._evaluate

    def lax(self, call, *rest):
        decision = decide(self, call, *rest)
        return decision if call.operation != "StopInstances" else guardrails.guard.evolve(decision, violations=())

    monkeypatch.setattr(Guard, "_evaluate", lax)
    _refused("its policies allow StopInstances")


def test_something_that_answers_in_awss_place(sent, monkeypatch):
    """So is one in front of which something answers."""
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", lambda *_: {})
    monkeypatch.setattr("guardrails.intercept.hooks.Interceptor.install", lambda _: None)
    _refused("something answered in AWS's place")
