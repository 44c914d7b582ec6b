# METADATA
# title: Tests of the verdict
package guardrails.main_test

import data.guardrails.areas
import data.guardrails.fixtures_test as fixtures
import data.guardrails.main

on(cluster) := fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine(cluster)})

shaped(decision) if {
	object.keys(decision) - {"approvable"} == {"action", "violations"}
	decision.action in {"allow", "warn", "confirm", "deny"}
	is_array(decision.violations)
}

test_harming_the_live_cluster_is_denied if {
	entries := main.decision with input as on("blue")
	entries.action == "deny"
	[violation.rule | some violation in entries.violations] == ["live-cluster/terminate"]
	[violation.action | some violation in entries.violations] == ["deny"]
}

test_harming_another_cluster_is_allowed if {
	main.decision == {"action": "allow", "violations": []} with input as on("green")
}

test_every_level_of_every_area_is_asked if {
	group := object.union(fixtures.thing("asg", ["blue"]), {"facts": {"desired": 3, "untagged": []}})
	warned := main.decision with input as fixtures.request("PutScalingPolicy", ["indirect"], {"g": group})
	warned.action == "warn"
	asked := main.decision with input as fixtures.request("StopInstances", ["stop"], {"i-1": fixtures.untagged})
		with data.guardrails.params.untagged as "confirm"
	asked.action == "confirm"
	network := main.decision with input as fixtures.request("X", ["network"], {"s": fixtures.thing("subnet", ["blue"])})
	[violation.rule | some violation in network.violations] == ["network/subnet"]
	address := main.decision with input as fixtures.request("X", ["ip"], {"a": fixtures.thing("address", ["blue"])})
	[violation.rule | some violation in address.violations] == ["addresses/release"]
	flags := main.decision with input as fixtures.request("X", ["protection"], {"i": fixtures.machine("blue")})
	[violation.rule | some violation in flags.violations] == ["protection/switch-off"]
}

test_a_rule_in_dryrun_is_recorded_and_allowed if {
	entries := main.decision with input as on("blue")
		with data.guardrails.params.enforcement as {"live-cluster/terminate": "dryrun"}
	entries.action == "allow"
	[violation.action | some violation in entries.violations] == ["dryrun"]
}

test_a_rule_turned_into_a_warning_warns if {
	entries := main.decision with input as on("blue")
		with data.guardrails.params.enforcement as {"live-cluster/terminate": "warn"}
	entries.action == "warn"
}

test_the_decision_is_defined_for_every_input if {
	every document in [{}, [], null, "x", 1, {"call": null}, {"targets": {"i-1": null}}] {
		entries := main.decision with input as document
		shaped(entries)
		entries.action == "deny"
	}
}

test_a_missing_fact_denies if {
	every key in ["call", "targets", "clusters", "live"] {
		entries := main.decision with input as object.remove(on("green"), [key])
		entries.action == "deny"
	}
}

test_an_unknown_effect_is_not_harmful if {
	main.decision.action == "allow" with input as fixtures.request("X", ["paint"], {"i-1": fixtures.machine("blue")})
}

test_every_area_is_asked_by_its_name if {
	answers := areas.answers with input as on("green")
	object.keys(answers) == {"deny", "confirm", "warn"}
	object.keys(answers.deny) == {
		"addresses",
		"caller",
		"capacity",
		"environment",
		"freeze",
		"indirect",
		"live_cluster",
		"network",
		"protection",
		"remaining",
		"rollback",
		"unreviewed",
		"waves",
	}
	object.keys(answers.confirm) == {"addresses", "capacity", "indirect", "live_cluster", "opaque"}
	object.keys(answers.warn) == {"capacity", "environment", "indirect", "live_cluster", "opaque", "unreviewed"}
}

test_a_raised_warning_denies if {
	group := object.union(fixtures.thing("asg", ["blue"]), {"facts": {"desired": 3, "untagged": []}})
	entries := main.decision with input as fixtures.request("PutScalingPolicy", ["indirect"], {"g": group})
		with data.guardrails.params.enforcement as {"live-cluster/indirect": "deny"}
	entries.action == "deny"
	[violation.action | some violation in entries.violations] == ["deny"]
}

test_the_strongest_of_mixed_actions_decides if {
	targets := {"i-1": fixtures.machine("blue"), "i-2": fixtures.untagged}
	entries := main.decision with input as fixtures.request("TerminateInstances", ["terminate"], targets)
		with data.guardrails.params.untagged as "confirm"
		with data.guardrails.params.enforcement as {"live-cluster/mixed-batch": "warn"}
	entries.action == "deny"
	[[violation.rule, violation.target, violation.action] | some violation in entries.violations] == [
		["live-cluster/mixed-batch", "(batch)", "warn"],
		["live-cluster/terminate", "i-1", "deny"],
		["live-cluster/untagged", "i-2", "confirm"],
	]
}

test_a_call_that_may_be_approved_says_so if {
	entries := main.decision with input as on("blue")
		with data.guardrails.params.approvals as {"live-cluster/terminate": {"minutes": 5}}
	entries.approvable == {"live-cluster/terminate": {"by": ["*"], "minutes": 5}}
}
