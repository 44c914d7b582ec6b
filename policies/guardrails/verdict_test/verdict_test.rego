# METADATA
# title: Tests of the router's functions
package guardrails.verdict_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.verdict

entry(rule) := {"rule": rule, "target": "i-1", "message": "m", "remediation": "r"}

nothing := {"deny": {}, "confirm": {}, "warn": {}}

answers(level, areas) := object.union(nothing, {level: areas})

denies(rule) := answers("deny", {"area": {entry(rule)}})

fine := fixtures.request("T", ["terminate"], {"i-1": fixtures.machine("green")})

actions(entries) := {violation.action | some violation in entries}

test_the_strongest_action_wins if {
	verdict.strongest({{"action": "warn"}, {"action": "deny"}, {"action": "confirm"}}) == "deny"
	verdict.strongest({{"action": "warn"}, {"action": "confirm"}}) == "confirm"
	verdict.strongest({{"action": "warn"}, {"action": "dryrun"}}) == "warn"
	verdict.strongest({{"action": "dryrun"}}) == "allow"
	verdict.strongest(set()) == "allow"
}

test_a_level_is_its_action if {
	every level in ["deny", "confirm", "warn"] {
		entries := verdict.violations(answers(level, {"area": {entry("a/b")}})) with input as fine
		entries == {object.union(entry("a/b"), {"action": level})}
	}
}

test_areas_are_collected if {
	several := object.union(nothing, {
		"deny": {"one": {entry("a/b")}, "two": {entry("c/d")}},
		"warn": {"one": {entry("e/f")}},
	})
	entries := verdict.violations(several) with input as fine
	{violation.rule: violation.action | some violation in entries} == {"a/b": "deny", "c/d": "deny", "e/f": "warn"}
}

test_enforcement_replaces_the_action if {
	every word in ["deny", "confirm", "warn", "dryrun"] {
		entries := verdict.violations(denies("a/b")) with input as fine
			with data.guardrails.params.enforcement as {"a/b": word}
		actions(entries) == {word}
	}
}

test_enforcement_of_one_rule_leaves_the_others if {
	entries := verdict.violations(denies("a/b")) with input as fine
		with data.guardrails.params.enforcement as {"a/c": "warn"}
	actions(entries) == {"deny"}
}

test_an_unknown_action_denies if {
	every word in ["off", "", null, "DENY"] {
		entries := verdict.violations(answers("warn", {"area": {entry("a/b")}})) with input as fine
			with data.guardrails.params.enforcement as {"a/b": word}
		actions(entries) == {"deny"}
	}
}

test_no_enforcement_leaves_the_levels if {
	entries := verdict.violations(denies("a/b")) with input as fine with data.guardrails.params as {"cluster_tag": "C"}
	actions(entries) == {"deny"}
}

test_violations_are_in_order if {
	entries := {
		object.union(entry("b/b"), {"action": "deny"}),
		object.union(entry("a/a"), {"action": "warn", "target": "i-2"}),
		object.union(entry("a/a"), {"action": "deny", "target": "i-1"}),
	}
	[[violation.rule, violation.target] | some violation in verdict.ordered(entries)] == [
		["a/a", "i-1"],
		["a/a", "i-2"],
		["b/b", "i-1"],
	]
	verdict.ordered({object.union(entry("b/b"), {"action": "deny"})}) == [object.union(entry("b/b"), {"action": "deny"})]
}

test_other_members_of_an_entry_are_dropped if {
	talkative := object.union(entry("a/b"), {"action": "allow", "more": 1})
	entries := verdict.violations(answers("deny", {"area": {talkative}})) with input as fine
	entries == {object.union(entry("a/b"), {"action": "deny"})}
}

broken(changes) := object.union(fine, {"break_glass": object.union(
	{"reason": "INC-42", "rules": ["a/b"], "until_s": fine.now_s + 60},
	changes,
)})

test_break_glass_turns_a_denial_into_a_warning if {
	every level in ["deny", "confirm"] {
		entries := verdict.violations(answers(level, {"area": {entry("a/b"), entry("a/c")}})) with input as broken({})
		{violation.rule: violation.action | some violation in entries} == {"a/b": "warn", "a/c": level}
	}
}

test_break_glass_does_not_strengthen if {
	entries := verdict.violations(denies("a/b")) with input as broken({})
		with data.guardrails.params.enforcement as {"a/b": "dryrun"}
	actions(entries) == {"dryrun"}
}

test_break_glass_expires if {
	every until in [fine.now_s, fine.now_s - 1, null, "later"] {
		entries := verdict.violations(denies("a/b")) with input as broken({"until_s": until})
		actions(entries) == {"deny"}
	}
}

test_break_glass_needs_a_time if {
	every now in [null, "0"] {
		entries := verdict.violations(denies("a/b")) with input as object.union(broken({}), {"now_s": now})
		"deny" in actions(entries)
	}
}

test_unbreakable_rules_still_deny if {
	entries := verdict.violations(denies("a/b")) with input as broken({})
		with data.guardrails.params.unbreakable as ["a/b"]
	actions(entries) == {"deny"}
}

test_break_glass_does_not_cover_broken_policies if {
	rules := {"rules": ["main/malformed", "main/malformed-input"]}
	entries := verdict.violations(answers("deny", {"area": {{"rule": 1}}})) with input as broken(rules)
	actions(entries) == {"deny"}
}

grant := {"rules": ["a/b"], "until_s": 200}

approved_at(now, approvals) := object.union(fine, {"now_s": now, "approvals": approvals})

test_an_approval_turns_a_denial_into_a_warning if {
	every level in ["deny", "confirm"] {
		entries := verdict.violations(answers(level, {"area": {entry("a/b")}})) with input as approved_at(100, [grant])
			with data.guardrails.params.approvals as {"a/b": {"minutes": 5}}
		actions(entries) == {"warn"}
	}
}

test_an_approval_leaves_other_rules if {
	entries := verdict.violations(denies("a/c")) with input as approved_at(100, [grant])
		with data.guardrails.params.approvals as {"a/b": {"minutes": 5}, "a/c": {"minutes": 5}}
	actions(entries) == {"deny"}
}

test_an_approval_changes_no_dryrun if {
	entries := verdict.violations(denies("a/b")) with input as approved_at(100, [grant])
		with data.guardrails.params.approvals as {"a/b": {"minutes": 5}}
		with data.guardrails.params.enforcement as {"a/b": "dryrun"}
	actions(entries) == {"dryrun"}
}

test_an_approval_ends if {
	entries := verdict.violations(denies("a/b")) with input as approved_at(200, [grant])
		with data.guardrails.params.approvals as {"a/b": {"minutes": 5}}
	actions(entries) == {"deny"}
}

test_an_approval_without_an_end_does_not_count if {
	every until in [null, "later"] {
		odd := object.union(grant, {"until_s": until})
		entries := verdict.violations(denies("a/b")) with input as approved_at(100, [odd])
			with data.guardrails.params.approvals as {"a/b": {"minutes": 5}}
		actions(entries) == {"deny"}
	}
}

test_an_approval_needs_the_time if {
	entries := verdict.violations(denies("a/b")) with input as approved_at(null, [grant])
		with data.guardrails.params.approvals as {"a/b": {"minutes": 5}}
	actions(entries) == {"deny"}
}

test_what_the_parameter_does_not_name_stays_denied if {
	every terms in [{}, {"a/b": {"minutes": 0}}, {"a/b": {"minutes": "5"}}, {"a/b": {}}] {
		entries := verdict.violations(denies("a/b")) with input as approved_at(100, [grant])
			with data.guardrails.params.approvals as terms
		actions(entries) == {"deny"}
	}
}

test_every_rule_that_blocks_must_be_approvable if {
	both := {"a/b": {"by": ["alice"], "minutes": 5}, "c/d": {"minutes": 9}}
	blocked := {object.union(entry("a/b"), {"action": "deny"}), object.union(entry("c/d"), {"action": "confirm"})}
	found := verdict.approval_terms(blocked) with data.guardrails.params.approvals as both
	found == {"approvable": {"a/b": {"by": ["alice"], "minutes": 5}, "c/d": {"by": ["*"], "minutes": 9}}}
	alone := verdict.approval_terms(blocked) with data.guardrails.params.approvals as {"a/b": {"minutes": 5}}
	alone == {}
}

test_what_asks_for_confirmation_has_common_terms if {
	common := {"confirm": {"by": ["bob"], "minutes": 7}, "c/d": {"minutes": 9}, "e/f": {"minutes": 0}}
	every rule, terms in {"a/b": {"by": ["bob"], "minutes": 7}, "c/d": {"by": ["*"], "minutes": 9}} {
		asked := {object.union(entry(rule), {"action": "confirm"})}
		found := verdict.approval_terms(asked) with data.guardrails.params.approvals as common
		found == {"approvable": {rule: terms}}
	}
	every rule, action in {"e/f": "confirm", "a/b": "deny", "g/h": "deny"} {
		blocked := {object.union(entry(rule), {"action": action})}
		found := verdict.approval_terms(blocked) with data.guardrails.params.approvals as common
		found == {}
	}
}

test_a_rule_that_also_denies_needs_terms_of_its_own if {
	both := {object.union(entry("a/b"), {"action": "confirm"}), object.union(entry("a/b"), {"action": "deny"})}
	found := verdict.approval_terms(both) with data.guardrails.params.approvals as {"confirm": {"minutes": 7}}
	found == {}
}

test_an_approval_of_what_asks_leaves_what_denies if {
	every level, action in {"confirm": "warn", "deny": "deny"} {
		entries := verdict.violations(answers(level, {"area": {entry("a/b")}})) with input as approved_at(100, [grant])
			with data.guardrails.params.approvals as {"confirm": {"minutes": 5}}
		actions(entries) == {action}
	}
}

test_without_the_parameter_nothing_can_be_approved if {
	asked := {object.union(entry("a/b"), {"action": "confirm"})}
	found := verdict.approval_terms(asked) with data.guardrails.params as {}
	found == {}
}

test_what_blocks_nothing_needs_no_approval if {
	warned := {object.union(entry("a/b"), {"action": "warn"}), object.union(entry("c/d"), {"action": "dryrun"})}
	found := verdict.approval_terms(warned) with data.guardrails.params.approvals as {"a/b": {"minutes": 5}}
	found == {}
}

test_what_only_warns_is_left_out if {
	blocked := {object.union(entry("a/b"), {"action": "deny"}), object.union(entry("c/d"), {"action": "warn"})}
	found := verdict.approval_terms(blocked) with data.guardrails.params.approvals as {"a/b": {"minutes": 1}}
	found == {"approvable": {"a/b": {"by": ["*"], "minutes": 1}}}
}

test_a_leftover_has_a_way_out if {
	disk := fixtures.request("DeleteVolume", ["storage"], {"i-1": fixtures.thing("volume", ["blue"])})
	some stays in verdict.violations(denies("live-cluster/storage")) with input as disk
	stays.remediation == "r If nothing uses it any more, break glass for live-cluster/storage."
	every other in ["a/b", "remaining/share"] {
		some plain in verdict.violations(denies(other)) with input as disk
		plain.remediation == "r"
	}
	some machine in verdict.violations(denies("live-cluster/storage")) with input as fine
	machine.remediation == "r"
	some held in verdict.violations(denies("live-cluster/storage")) with input as disk
		with data.guardrails.params.unbreakable as ["live-cluster/storage"]
	held.remediation == "r"
	own := {"deny": {"area": {object.union(entry("live-cluster/storage"), {"remediation": "Break the glass."})}}}
	some said in verdict.violations(object.union(nothing, own)) with input as disk
	said.remediation == "Break the glass."
}

leftover(level, rule, remediation) := object.union(
	nothing,
	{level: {"area": {object.union(entry(rule), {"remediation": remediation})}}},
)

test_each_rule_for_what_may_be_a_leftover_has_the_way_out if {
	disk := fixtures.request("DeleteVolume", ["storage"], {"i-1": fixtures.thing("volume", ["blue"])})
	every rule in {
		"live-cluster/stop", "live-cluster/storage", "live-cluster/terminate", "live-cluster/traffic", "network/acl",
		"network/interface", "network/machine", "network/other", "network/route-table", "network/subnet",
		"protection/switch-off", "protection/retag",
	} {
		every level in ["deny", "confirm"] {
			some stays in verdict.violations(leftover(level, rule, "r")) with input as disk
			stays.remediation == sprintf("r If nothing uses it any more, break glass for %s.", [rule])
		}
		some warned in verdict.violations(leftover("warn", rule, "r")) with input as disk
		warned.remediation == "r"
		some said in verdict.violations(leftover("deny", rule, "break the glass")) with input as disk
		said.remediation == "break the glass"
		group := fixtures.request("X", ["terminate"], {"i-1": fixtures.thing("asg", ["blue"])})
		some kept in verdict.violations(leftover("deny", rule, "r")) with input as group
		kept.remediation == "r"
	}
}
