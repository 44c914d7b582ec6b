"""Every shipped rule that blocks names a way forward: break glass where no look-up can tell, else one of its own."""

from __future__ import annotations

import re
from pathlib import Path

import guardrails

POLICIES = Path(__file__).parents[2] / "policies" / "guardrails"
VERDICT = (POLICIES / "verdict" / "verdict.rego").read_text("utf-8")
LEFTOVERS = {*re.findall(r'"([a-z-]+/[a-z-]+)"', VERDICT.partition("may_be_leftovers := {")[2].partition("}")[0])}
# The words of each other rule that say what to do. A new rule belongs here once its way was tried.
WAYS = {
    "addresses/displace": "without an address",
    "addresses/private-ip": "free address",
    "addresses/release": "break glass for addresses/release",
    "addresses/repoint": "running and healthy",
    "addresses/steal": "then move the address again",
    "caller/denials": "can approve this call",
    "capacity/addresses": "subnet",
    "capacity/headroom": "subnet",
    "capacity/quota": "quota",
    "capacity/rebuild": "parts",
    "environment/test-run": "simulated AWS",
    "freeze/in-force": "break the glass for freeze/in-force",
    "indirect/mismatch": "Check where the id came from",
    "indirect/unread": "break glass for indirect/unread",
    "indirect/untraced": "then try again",
    "live-cluster/admit": "register",
    "live-cluster/disputed": "agree",
    "live-cluster/empty-selector": "Name each resource",
    "live-cluster/entrance": "live.listeners",
    "live-cluster/join": "group of its own cluster",
    "live-cluster/launch-source": "another template",
    "live-cluster/mixed-batch": "one call per cluster",
    "live-cluster/nothing-live": "nothing_live",
    "live-cluster/replace": "beside the live one",
    "live-cluster/scale-in": "not below the current ones",
    "live-cluster/stale-evidence": "again",
    "live-cluster/switch": "then try again",
    "live-cluster/unknown-live": "sources",
    "live-cluster/unresolved": "leave out what no longer exists",
    "live-cluster/untagged": "break the glass",
    "opaque/command": "not live first",
    "protection/live-pointer": "then change the pointer",
    "remaining/minimum": "Take away fewer machines",
    "remaining/share": "Take away fewer machines",
    "remaining/shared-memory": "break the glass for this rule",
    "rollback/window": "break the glass for this rule",
    "unreviewed/operation": "review",
    "waves/live-health": "break the glass for waves/live-health",
    "waves/size": "In waves",
}
_STOPS = re.compile(r"^(?:deny|confirm) contains", re.MULTILINE)


def files() -> dict[str, str]:
    """The text of each shipped file with rules that block, by the rules in it."""
    found: dict[str, str] = {}
    for path in POLICIES.rglob("*.rego"):
        text = path.read_text("utf-8")
        if path.parent.name.endswith("_test") or not _STOPS.search(text):
            continue
        for block in text.split("# METADATA")[1:]:
            rule = re.search(r"^#   rule: (\S+)$", block, re.MULTILINE)
            if rule and _STOPS.search(block):
                found[rule[1]] = found.get(rule[1], "") + text
    return found


def test_each_rule_that_blocks_names_a_way():
    """It is one that break glass is named for, or the words that say what else to do are there."""
    shipped = files()
    assert len(shipped) > 40
    assert shipped.keys() == LEFTOVERS | WAYS.keys()
    assert not LEFTOVERS & WAYS.keys()
    assert [rule for rule, words in WAYS.items() if words not in shipped[rule]] == []


def test_break_glass_takes_each_of_these_rules(site, install):
    """The rules that messages name for leftovers can all be set aside."""
    install()
    with guardrails.break_glass(reason="leftovers", rules=sorted(LEFTOVERS)):
        site.ec2.describe_instances()
