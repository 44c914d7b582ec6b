"""Every public incident: it happens without the guard, not with it, and its innocent sibling passes."""

from __future__ import annotations

import re

import pytest

import guardrails
from guardrails.evaluate import bundle
from tests.scenarios import SCENARIOS

NAMES = sorted(SCENARIOS)


def by(stopped):
    """The scenarios that end this way."""
    return [name for name in NAMES if SCENARIOS[name].stopped == stopped]


@pytest.mark.parametrize("name", NAMES)
def test_it_happens_without_the_guard(aws, name):
    """The harm is done: the scenario can fail."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    assert not scenario.happened(aws, world)
    scenario.harm(aws, world)
    assert scenario.happened(aws, world)


def configured(scenario, folder):
    """The guard's configuration."""
    return scenario.config(folder) if callable(scenario.config) else scenario.config


@pytest.mark.parametrize("name", by("denied"))
def test_the_guard_stops_it(aws, install, tmp_path, name):
    """The rule of the incident blocks it, and no harmful request arrives at the server."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    aws.clear()
    install(**configured(scenario, tmp_path))
    with pytest.raises(guardrails.CallDenied) as caught:
        scenario.harm(aws, world)
    assert scenario.rule in {violation.rule for violation in caught.value.decision.violations}, str(caught.value)
    assert aws.count(*scenario.harmful) == 0
    guardrails.uninstall()
    assert not scenario.happened(aws, world)


@pytest.mark.parametrize("name", by("slowed"))
def test_the_guard_slows_it_down(aws, install, tmp_path, name):
    """Calls that harm only by their speed pass slowly, and the harm does not happen."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    install(**configured(scenario, tmp_path))
    scenario.harm(aws, world)
    assert not scenario.happened(aws, world)


@pytest.mark.parametrize("name", by("not installed"))
def test_a_guard_that_would_let_it_through_does_not_start(aws, install, tmp_path, name):
    """install() fails its self-test before the script has done anything."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    with pytest.raises(guardrails.PolicyError, match=scenario.rule):
        install(**configured(scenario, tmp_path / "policies"))
    assert not scenario.happened(aws, world)


@pytest.mark.parametrize("name", [name for name in NAMES if SCENARIOS[name].stopped != "not installed"])
def test_the_innocent_sibling_passes(aws, install, tmp_path, name):
    """The same call passes where it does no harm."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    install(**configured(scenario, tmp_path))
    scenario.innocent(aws, world)
    guardrails.uninstall()
    assert scenario.passed(aws, world)


def test_every_incident_of_a_rule_is_played():
    """Every incident that a rule names has a scenario."""
    rules = "\n".join(path.read_text("utf-8") for path in (bundle.shipped() / "guardrails").rglob("*.rego"))
    named = {
        re.findall(r"\w+", name)[0] for line in re.findall(r"#   incident: (.*)", rules) for name in line.split("; ")
    }
    played = {word for scenario in SCENARIOS.values() for word in re.findall(r"\w+", scenario.incident)}
    assert len(named) > 8
    assert named <= played
