"""`policy compare` on values: exemptions in constants and long lists are found, and what no input shows is said."""

from __future__ import annotations

import json

import pytest

from guardrails.evaluate.bundle import read
from guardrails.policy.compare.run import Comparing
from guardrails.policy.compare.verdicts import PolicySet
from tests.policy.test_compare import MAIN

KEEP = """package guardrails.keep

deny contains {"rule": "keep/all", "target": id, "message": "It is kept.", "remediation": "Leave it."} if {
	"terminate" in input.call.effects
	some id, target in input.targets
	CONDITION
}

"""
KEYS = '"AKIAIOSFODNN7EXAMPLE (env)"', '"AKIAI44QH8DHBEXAMPLE (env)"'
PRINCIPAL = "not input.caller.principal in exempt"
CLUSTER = "some name in target.clusters\n\tnot regex.match(exempt, name)"
SPARED = "not id in data.guardrails.params.spared"
HOUR = "substring(input.time, 11, 2)"
LARGE = "count(target.facts) * 7919 > bound"
IDS = [f"i-0{number:04x}" for number in range(60)]


@pytest.fixture
def policies(tmp_path):
    """policies(condition, rest, spared): a set of policies with this condition, and what it uses."""

    def make(condition, rest="", spared=()):
        folder = tmp_path / str(len([*tmp_path.iterdir()])) / "guardrails"
        for area, file, text in (
            ("main", "main.rego", MAIN),
            ("keep", "keep.rego", KEEP.replace("CONDITION", condition) + rest),
            ("params", "data.json", json.dumps({"spared": spared})),
        ):
            (folder / area).mkdir(parents=True)
            (folder / area / file).write_text(text)
        return PolicySet("", read([folder.parent]))

    return make


EDITS = {
    "one hour less": ((f'{HOUR} in {{"09", "18"}}',), (f'{HOUR} in {{"09"}}',)),
    "one more principal": ((PRINCIPAL, f"exempt := {{{KEYS[0]}}}"), (PRINCIPAL, f"exempt := {{{KEYS[0]}, {KEYS[1]}}}")),
    "one more way in a pattern": ((CLUSTER, "exempt := `^dev-[0-9]+$`"), (CLUSTER, "exempt := `^(dev|prod)-[0-9]+$`")),
    "one more of many ids": ((SPARED, "", IDS[:-1]), (SPARED, "", IDS)),
}


@pytest.mark.parametrize("name", EDITS)
def test_one_more(policies, name):
    """One more value that is exempt is found, also among many; one that is exempt no longer is not called wider."""
    before, after = (policies(*some) for some in EDITS[name])
    assert [each.rule for each in Comparing(before, after).run().wider] == ["keep/all"]
    assert Comparing(after, before).run().wider == []


NAMED = "regex.match(`(?i)^vat`, target.tags.Name)\n\tinput.call.region in {REGIONS}"
ONE, TWO = NAMED.replace("REGIONS", '"eu-west-1"'), NAMED.replace("REGIONS", '"eu-west-1", "eu-west-2"')
ROUNDED = "floor(count(target.facts) * 0.1) * 7919 > 3000000"
THERE = 'input.call.region == "eu-north-1"'
EACH = 'every NAME in target.clusters {\n\t\tNAME == "x"\n\t}'
# By name: a condition and what it uses, before and after; and whether nothing is known.
SHOWN = {
    "a number": ((LARGE, "bound := 3000000"), (LARGE, "bound := 5000000"), True),
    "a calculation": ((LARGE, "bound := 1000 * (50 + 50)"), (LARGE, "bound := 1000 * (50 + 90)"), True),
    "a function": ((ROUNDED,), (ROUNDED.replace("floor", "ceil"),), True),
    "a pattern": ((ONE,), (ONE.replace("(?i)", ""),), True),
    "a pattern beside a condition that is stricter": ((ONE,), (TWO.replace("(?i)", ""),), True),
    "a condition that is stricter": ((ONE,), (TWO,), False),
    "other words": (("here", f"here if {THERE}"), ("here", 'here if "eu-north-1" == input.call.region'), False),
    "braces": (("here", f"here if {THERE}"), ("here", f"here if {{\n\t{THERE}\n}}"), False),
    "a name": ((EACH.replace("NAME", "one"),), (EACH.replace("NAME", "each"),), False),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_no_input_shows(policies, name):
    """Of a value that makes no difference on any input nothing is known; a rule in other words is the same."""
    before, after, is_silent = SHOWN[name]
    comparison = Comparing(policies(*before), policies(*after), neighbors=2000).run()
    assert (comparison.silent, comparison.wider) == (["keep/all"] if is_silent else [], [])


def test_a_line_above(policies):
    """Definitions that only stand on other lines are the same."""
    condition = EACH.replace("NAME", "one")
    assert Comparing(policies(condition), policies(f"\n\n\t{condition}")).same
