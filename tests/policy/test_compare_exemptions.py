"""`policy compare` on everyday ways to weaken a rule: another level, an exemption, a later bound.

Each has a sibling that looks alike and weakens nothing.
"""

from __future__ import annotations

import json
from copy import deepcopy
from itertools import islice

import pytest
from attrs import evolve

from guardrails.evaluate.bundle import read, shipped
from guardrails.policy.compare.run import Comparing
from guardrails.policy.compare.verdicts import PolicySet

MAIN = """package guardrails.main

import data.guardrails.areas
import data.guardrails.params

actions contains object.union(entry, {"action": object.get(params.enforcement, entry.rule, "deny")}) if {
	some _, entries in areas.answers.deny
	some entry in entries
}

# METADATA
# entrypoint: true
decision := {"action": "deny", "violations": [each | some each in actions]} if {
	"deny" in {each.action | some each in actions}
} else := {"action": "allow", "violations": [each | some each in actions]}
"""
# The second rule hides the first one on everything that was not found.
RULES = """package guardrails.keep

deny contains {"rule": "keep/database", "target": id, "message": "It is kept.", "remediation": "Leave it."} if {
	some id, target in input.targets
	target.role == "target"
CONDITION
}

deny contains {"rule": "keep/unresolved", "target": id, "message": "It is kept.", "remediation": "Leave it."} if {
	some id, target in input.targets
	not target.resolved
}
"""
# An approval among the parameters of the call.
APPROVED = """not approved
}

approved if {
	some block in input.call.params.TagSpecifications
	some tag in block.Tags
	tag.Key == "Approved"
	tag.Value == "yes\""""
# By name: a condition, the one that replaces it, and whether that is wider.
EDITS = {
    "one id": ("true", 'id != "i-0d1"', True),
    "the beginning of an id": ("true", 'not startswith(id, "db-")', True),
    "an id that no target has": ("not id == 7", "not id == 8", False),
    "ids in the parameters": ("true", "not id in data.guardrails.params.spared", True),
    "an age": ("input.live.sources[_].age_s > 70", "input.live.sources[_].age_s > 90", True),
    "an age that is lower": ("input.live.sources[_].age_s > 90", "input.live.sources[_].age_s > 70", False),
    "alternatives": ("true", "not regex.match(`^(ci|tmp)-[0-9]+$`, target.tags.Name)", True),
    "a glob": ("true", 'not glob.match("{ci,tmp}-[a-c]?", [], target.tags.Name)', True),
    "a role": ("true", 'not endswith(input.caller.principal, ":role/deployer")', True),
    "a part of a role": ("true", 'not split(input.caller.principal, "/")[1] == "deploy"', True),
    "a role by another word": ('input.caller.kind != "agent"', 'not input.caller.kind == "agent"', False),
    "a tag in the call": ("true", APPROVED, True),
    "a tag in the call, more narrowly": (APPROVED, APPROVED.replace('"yes"', '"yes"\n\ttag.Sure == "x"'), False),
    "ids in the call": ("true", 'not input.call.params.InstanceIds == ["i-0d1"]', True),
    "a value in other letters": ('not target.tags.Env == "dev"', 'not lower(target.tags.Env) == "dev"', True),
    "the end of a value": ('not input.caller.host == "ops-1"', 'not endswith(input.caller.host, "ops-1")', True),
    "an expression without an end": ("not regex.match(`^ci-[0-9]$`, target.tags.Name)",
                                     "not regex.match(`^ci-[0-9]`, target.tags.Name)", True),
    "a value with spaces": ("true", 'not target.tags.Team == "the old team"', True),
    "a moment": ("not input.now_s < 1764547200", "not input.now_s < 1798761600", True),
    "a day that no year has": ('object.get(target.tags, "Until", "9999-12-31") > "2023-02-31"',
                               'object.get(target.tags, "Until", "9999-12-31") > "2023-02-31"', False),
    "a cluster's name": ('some name in target.clusters\n\tcontains(name, "shop")',
                         'some name in target.clusters\n\tstartswith(name, "shop")', True),
    "a cluster's name in other letters": ('some name in target.clusters\n\tlower(name) == "shop"',
                                          'some name in target.clusters\n\tname == "shop"', True),
    "the middle of an id": ('contains(id, "0d")', 'startswith(id, "0d")', True),
    "a part of what is in a list": ('some one in target.private_ips\n\tcontains(one, "10.9.")',
                                    'some one in target.private_ips\n\tstartswith(one, "10.9.")', True),
    "a value with spaces around it": ('trim_space(target.tags.Env) == "prod"', 'target.tags.Env == "prod"', True),
    "a value with another piece": ('replace(target.tags.Env, "_", "-") == "a-b"', 'target.tags.Env == "a-b"', True),
    "the second of several values": ('some one in input.call.params.Filters\n\t"prod" in one.Values',
                                     'some one in input.call.params.Filters\n\tone.Values[0] == "prod"', True),
    "a date": ("true", "not time.parse_rfc3339_ns(target.tags.Expires) < input.now_s * 1000000000", True),
}  # fmt: skip


@pytest.fixture
def policies(tmp_path):
    """policies(condition, levels): a set of policies with this condition in its first rule."""

    def make(condition, levels=()):
        folder = tmp_path / str(len([*tmp_path.iterdir()]))
        for name, text in {"main": MAIN, "keep": RULES.replace("CONDITION", condition)}.items():
            (folder / "guardrails" / name).mkdir(parents=True)
            (folder / "guardrails" / name / f"{name}.rego").write_text(text)
        (folder / "guardrails" / "params").mkdir()
        params = {"spared": ["i-0d2"], "enforcement": dict(levels)}
        (folder / "guardrails" / "params" / "data.json").write_text(json.dumps(params))
        return PolicySet("", read([folder]))

    return make


def _wider(old, new, neighbors=600):
    """The rules that a search finds wider, from a few of the known inputs."""
    return {each.rule for each in _compared(old, new, neighbors).wider}


def _compared(old, new, neighbors=600):
    comparing = Comparing(old, new, neighbors=neighbors)
    starts = comparing.starts()
    for document in islice(comparing.known_inputs(), 0, 1500, 50):
        starts.add(document, comparing.findings.try_(document))
    comparing.search(starts)
    return comparing.result()


@pytest.mark.parametrize("name", EDITS)
def test_a_condition(policies, name):
    """An edit that weakens the rule is found, and one that does not is not taken for one that does."""
    before, after, is_wider = EDITS[name]
    assert _wider(policies(before), policies(after)) == ({"keep/database"} if is_wider else set())


@pytest.mark.parametrize(
    ("after", "silent"),
    [
        ('target.type != "volume"\n\tnot base64.decode(target.tags.Secret) == "yes"', ["keep/database"]),
        ('not target.type == "volume"', []),
    ],
)
def test_what_the_search_does_not_reach(policies, after, silent):
    """Nothing is known of a rule whose new condition held on all inputs; it is if it did not hold on some."""
    comparison = _compared(policies('target.type != "volume"'), policies(after), 300)
    assert (comparison.silent, comparison.wider) == (silent, [])


def _with(policies, text, hosts):
    """The policies of this text, with these values in a data.json that is no parameter."""
    bundle = policies("not input.caller.host in data.guardrails.exempt.hosts").bundle
    modules = {file: module.replace("package guardrails.keep", text) for file, module in bundle.modules.items()}
    data = {"guardrails": {**bundle.data["guardrails"], "exempt": {"hosts": hosts}}}
    return PolicySet("", evolve(bundle, modules=modules, data=data))


def test_a_value_that_is_no_parameter(policies):
    """One more value in a data.json of any folder is a change, and is found."""
    text = "package guardrails.keep"
    assert _wider(_with(policies, text, ["ops-7"]), _with(policies, text, ["ops-7", "ops-8"])) == {"keep/database"}
    assert _wider(_with(policies, text, ["ops-7"]), _with(policies, text, ["ops-7"])) == set()


def test_an_import_of_another_part(policies):
    """A rule that reads another part of the input by the same name is another rule."""
    text = 'package guardrails.keep\n\nimport input.{} as it\n\nquiet if it.{} == "x"\n'
    old, new = (_with(policies, text.format(part, "kind"), []) for part in ("caller", "call"))
    assert Comparing(old, new).result().changed
    assert not Comparing(old, old).result().changed


@pytest.mark.parametrize(("level", "found"), [("dryrun", {"keep/database"}), ("deny", set())])
def test_a_level(policies, level, found):
    """A rule that only watches now is found where another rule hides it at first; its own level in words is not."""
    condition = 'target.tags.Role == "database"'
    assert _wider(policies(condition), policies(condition, {"keep/database": level})) == found


def test_a_level_behind_another_rule(policies):
    """However many inputs another rule denies as well, the first one that it does not deny shows the new level."""
    comparing = Comparing(policies("true"), policies("true", {"keep/database": "dryrun"}))
    document = next(each for each in comparing.known_inputs() if len(each["targets"]) == 1)
    (target,) = document["targets"].values()
    for resolved in (False, True):
        target["resolved"] = resolved
        for number in range(60):
            comparing.findings.try_({**document, "caller": {**document["caller"], "pid": number}})
        assert comparing.findings.any == resolved


def test_a_rule_that_a_break_glass_covers_now(tmp_path):
    """Where a rule acts, an emergency for all rules is tried: one that could not be set aside can be now."""
    old = read([shipped()])
    data = deepcopy(old.data)
    data["guardrails"]["params"]["unbreakable"].remove("environment/test-run")
    comparing = Comparing(PolicySet("old", old), PolicySet("new", evolve(old, data=data)))
    document = next(each for each in comparing.known_inputs() if each["live"]["known"] and len(each["targets"]) == 1)
    document["caller"]["test_run"] = True
    starts = comparing.starts()
    starts.add(document, comparing.findings.try_(document))
    assert not comparing.findings.any
    comparing.permit(starts)
    assert comparing.findings.is_weaker("environment/test-run")
