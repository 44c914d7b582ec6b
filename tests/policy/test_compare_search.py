"""The search of `policy compare`: weakenings that no input shows which differs from a known one in one part only."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from guardrails.evaluate.bundle import read
from guardrails.policy.compare.run import Comparing
from guardrails.policy.compare.verdicts import PolicySet
from tests.policy.test_compare import MAIN

# An entry for each rule, with conditions, and with helpers below it.
RULE = """package guardrails.{name}

deny contains {{"rule": "keep/{rule}", "target": id, "message": "It is kept.", "remediation": "Leave it."}} if {{
	some id, target in input.targets
{conditions}}}

{helpers}
"""
PARAMS = {"spared": ["orange"], "bounds": {"violet": 1}}
# By name: the conditions and helpers of the old rule, and a replacement that makes it weaker.
WEAKENED = {
    # The name of a cluster that a list in the parameters has, and one that is a key there.
    "listed": (
        "some name in target.clusters\n", "",
        "clusters\n", "clusters\nnot name in data.guardrails.params.spared\n",
    ),
    "key": ("some name in target.clusters\n", "", "clusters\n", "clusters\nnot data.guardrails.params.bounds[name]\n"),
    # More targets than any known input has.
    "count": ('target.role == "target"\ncount(input.targets) > 7\n', "", "7", "8"),
    # A day of the week.
    "day": ('time.weekday(input.now_s * 1000000000) == "Sunday"\ntarget.resolved\n', "", "Sunday", "Monday"),
    # An exemption that needs three things at once.
    "three": (
        "target.resolved\nnot spared(target)\n",
        """spared(target) if {
	target.tags.Owner == "ann"; input.call.region == "us-gov-east-1"
	input.caller.host == "ops-9"
}""",
        '== "ops-9"', 'in {"ops-9", "ops-10"}',
    ),
    # All of an address's machines, or one of them.
    "every": (
        "not moving(target)\n",
        """moving(target) if {
	count(target.facts.elastic_ips) > 0
	every address in target.facts.elastic_ips {
		address in target.public_ips
	}
}""",
        """every address in target.facts.elastic_ips {
		address in target.public_ips
	}""",
        """some address in target.facts.elastic_ips
	address in target.public_ips""",
    ),
    # An address that is on no machine.
    "idle": (
        'target.type == "address"\ntarget.clusters == []\nnot target.facts.instance\n', "",
        "not target.facts.instance\n", 'not target.facts.instance\nnot target.tags.Keep == "no"\n',
    ),
}  # fmt: skip


@pytest.fixture
def policies(tmp_path):
    """policies(rule, text): a set of policies with only this rule."""

    def make(rule, text, name="keep"):
        folder = tmp_path / f"{rule}-{len([*tmp_path.iterdir()])}"
        for path, content in {"main/main": MAIN, f"{name}/{name}": text}.items():
            file = folder / "guardrails" / f"{path}.rego"
            file.parent.mkdir(parents=True)
            file.write_text(content)
        (folder / "guardrails" / "params").mkdir()
        (folder / "guardrails" / "params" / "data.json").write_text(json.dumps(PARAMS))
        return PolicySet(rule, read([folder]))

    return make


def _found(old, new):
    """What the search finds from a few of the known inputs."""
    comparing = Comparing(old, new, neighbors=4000)
    starts = comparing.starts()
    for document in islice(comparing.known_inputs(), 0, 1500, 15):
        starts.add(document, comparing.findings.try_(document))
    assert not comparing.findings.any
    comparing.search(starts)
    return comparing


@pytest.mark.parametrize("rule", WEAKENED)
def test_a_weaker_rule(policies, rule):
    """The search finds an input on which the rule no longer acts."""
    conditions, helpers, before, after = WEAKENED[rule]
    old = RULE.format(name="keep", rule=rule, conditions=conditions, helpers=helpers)
    assert old.count(before) == 1
    comparing = _found(policies(rule, old), policies(rule, old.replace(before, after)))
    (wider,) = comparing.result().wider
    assert (wider.rule, wider.was, wider.now) == (f"keep/{rule}", "deny", "allow")


def test_nothing_known(policies):
    """Of the rules that no input makes act, those that differ are named, not those that are as before."""
    impossible = RULE.format(name="keep", rule="never", conditions="1 == 2\n", helpers="")
    other = RULE.format(name="other", rule="unchanged", conditions="1 == 3\n", helpers="")
    both = policies("never", impossible + other.partition("\n")[2])
    changed = policies("never", impossible.replace("== 2", "== 4") + other.partition("\n")[2])
    comparing = Comparing(both, changed)
    assert comparing.result().silent == ["keep/never"]
    assert Comparing(both, PolicySet("warns", both.bundle, "warn")).result().silent == []
