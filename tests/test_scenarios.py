"""Every public incident, both ways: it happens without the guard, not with it, and its innocent sibling passes."""

from __future__ import annotations

import pytest

import guardrails
from tests.scenarios import SCENARIOS

NAMES = sorted(SCENARIOS)


@pytest.mark.parametrize("name", NAMES)
def test_it_happens_without_the_guard(aws, name):
    """The harm is done: the scenario can fail."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    assert not scenario.happened(aws, world)
    scenario.harm(aws, world)
    assert scenario.happened(aws, world)


@pytest.mark.parametrize("name", NAMES)
def test_the_guard_stops_it(aws, install, name):
    """The rule of the incident blocks it, and no harmful request arrives at the server."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    aws.clear()
    install(**scenario.config)
    with pytest.raises(guardrails.CallDenied) as caught:
        scenario.harm(aws, world)
    assert scenario.rule in {violation.rule for violation in caught.value.decision.violations}, str(caught.value)
    assert aws.count(*scenario.harmful) == 0
    guardrails.uninstall()
    assert not scenario.happened(aws, world)


@pytest.mark.parametrize("name", NAMES)
def test_the_innocent_sibling_passes(aws, install, name):
    """The same call where it harms nobody goes through."""
    scenario = SCENARIOS[name]
    world = scenario.arrange(aws)
    install(**scenario.config)
    scenario.innocent(aws, world)
    guardrails.uninstall()
    assert scenario.passed(aws, world)
