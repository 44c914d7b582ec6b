package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

no_source := {"known": false, "disputed": false, "clusters": [], "sources": [fixtures.source("eip", [])]}

dispute := {
	"known": true,
	"disputed": true,
	"clusters": ["blue", "red"],
	"sources": [fixtures.source("eip", ["blue"]), fixtures.source("tag", ["red"])],
}

while(live, operation, effects, targets) := object.union(fixtures.request(operation, effects, targets), {"live": live})

green_machine := {"i-1": fixtures.machine("green")}

test_nothing_is_harmed_while_live_is_unknown if {
	every effect in ["terminate", "stop", "storage", "traffic", "network", "ip", "scale-in", "replace"] {
		entries := live_cluster.deny with input as while(no_source, "X", [effect], green_machine)
		"live-cluster/unknown-live" in rules(entries)
	}
}

test_unknown_live_message_has_the_evidence if {
	entries := live_cluster.deny with input as while(no_source, "TerminateInstances", ["terminate"], green_machine)
	some entry in entries
	entry.rule == "live-cluster/unknown-live"
	contains(entry.message, "would harm i-1 of green, but no source says which cluster is live")
	contains(entry.message, "(eip: as seen in the test)")
}

test_what_a_source_names_and_is_not_here_has_a_way_forward if {
	live := object.union(no_source, {"absent": ["prod"], "unasked": ["target-group"]})
	entries := live_cluster.deny with input as while(live, "TerminateInstances", ["terminate"], green_machine)
	some entry in entries
	entry.rule == "live-cluster/unknown-live"
	contains(entry.remediation, "If prod needs no machines, name it in live.without_machines.")
	contains(entry.remediation, "add target-group to live.sources")
}

test_no_way_is_named_for_what_is_not_missing if {
	live := object.union(no_source, {"absent": [], "unasked": []})
	entries := live_cluster.deny with input as while(live, "TerminateInstances", ["terminate"], green_machine)
	some entry in entries
	entry.rule == "live-cluster/unknown-live"
	not contains(entry.remediation, "live.without_machines")
	not contains(entry.remediation, "live.sources")
}

test_a_missing_known_means_unknown if {
	live := object.remove(no_source, ["known"])
	request := object.remove(while(live, "TerminateInstances", ["terminate"], green_machine), ["live"])
	"live-cluster/unknown-live" in rules(live_cluster.deny) with input as request
}

test_what_seems_to_carry_no_cluster_is_protected_while_live_is_unknown if {
	targets := {"subnet-1": fixtures.thing("subnet", [])}
	entries := live_cluster.deny with input as while(no_source, "DeleteSubnet", ["network"], targets)
	rules(entries) == {"live-cluster/unknown-live"}
	some entry in entries
	contains(entry.message, "would harm subnet-1, but no source says which cluster is live")
}

test_what_cannot_be_traced_is_left_to_its_rule_while_live_is_unknown if {
	bucket := object.union(fixtures.thing("s3-bucket", []), {"facts": {"traced": false}})
	count(live_cluster.deny) == 0 with input as while(no_source, "DeleteBucket", ["storage"], {"b": bucket})
	tagged := object.union(bucket, {"clusters": ["green"]})
	entries := live_cluster.deny with input as while(no_source, "DeleteBucket", ["storage"], {"b": tagged})
	rules(entries) == {"live-cluster/unknown-live"}
}

test_protection_while_live_is_unknown_is_left_to_its_area if {
	count(live_cluster.deny) == 0 with input as while(no_source, "X", ["protection", "indirect"], green_machine)
}

test_the_pointer_is_left_to_its_rule_while_live_is_unknown if {
	targets := {"/live": fixtures.thing("ssm-parameter", ["blue"])}
	count(live_cluster.deny) == 0 with input as while(no_source, "PutParameter", ["protection", "traffic"], targets)
}

test_every_cluster_in_dispute_is_protected if {
	every cluster in ["blue", "red"] {
		targets := {"i-1": fixtures.machine(cluster)}
		entries := live_cluster.deny with input as while(dispute, "TerminateInstances", ["terminate"], targets)
		rules(entries) == {"live-cluster/terminate"}
	}
	count(live_cluster.deny) == 0 with input as while(dispute, "TerminateInstances", ["terminate"], green_machine)
}

test_a_dispute_denies_everything_if_configured if {
	request := while(dispute, "TerminateInstances", ["terminate"], green_machine)
	entries := live_cluster.deny with input as request with data.guardrails.params.disputed as "deny"
	rules(entries) == {"live-cluster/disputed"}
	some entry in entries
	contains(entry.message, "eip: as seen in the test; tag: as seen in the test")
}

test_unknown_value_of_disputed_denies if {
	request := while(dispute, "TerminateInstances", ["terminate"], green_machine)
	rules(live_cluster.deny) == {"live-cluster/disputed"} with input as request
		with data.guardrails.params.disputed as "protect-all"
}

test_without_a_dispute_nothing_is_denied if {
	count(live_cluster.deny) == 0 with input as fixtures.request("T", ["terminate"], green_machine)
		with data.guardrails.params.disputed as "deny"
}

test_a_harmless_call_passes_in_dispute if {
	count(live_cluster.deny) == 0 with input as while(dispute, "X", ["protection", "indirect"], green_machine)
		with data.guardrails.params.disputed as "deny"
}

aged(seconds) := {"sources": [object.union(fixtures.source("eip", ["blue"]), {"age_s": seconds})]}

test_old_evidence_is_refused if {
	every effect in ["terminate", "protection"] {
		request := while(aged(5.1), "T", [effect], green_machine)
		rules(live_cluster.deny) == {"live-cluster/stale-evidence"} with input as request
	}
}

test_evidence_of_exactly_the_allowed_age_is_fresh if {
	count(live_cluster.deny) == 0 with input as while(aged(5), "T", ["terminate"], green_machine)
	count(live_cluster.deny) == 0 with input as while(aged(60), "T", ["terminate"], green_machine)
		with data.guardrails.params.max_fact_age_s as 60
}

test_evidence_without_an_age_is_old if {
	request := while(aged(null), "T", ["terminate"], green_machine)
	entries := live_cluster.deny with input as request
	rules(entries) == {"live-cluster/stale-evidence"}
	some entry in entries
	contains(entry.message, "eip is of an unknown age (was the clock set back?); the limit is 5 s.")
}

test_an_invalid_limit_allows_no_age if {
	request := while(aged(1), "T", ["terminate"], green_machine)
	rules(live_cluster.deny) == {"live-cluster/stale-evidence"} with input as request
		with data.guardrails.params.max_fact_age_s as "long"
	rules(live_cluster.deny) == {"live-cluster/stale-evidence"} with input as request with data.guardrails.params as {}
}

test_old_evidence_of_a_harmless_call_passes if {
	count(live_cluster.deny) == 0 with input as while(aged(3600), "T", ["indirect"], green_machine)
}

test_without_the_parameter_no_age_is_allowed if {
	request := while(aged(1), "T", ["terminate"], green_machine)
	entries := live_cluster.deny with input as request
		with data.guardrails.params as {}
	rules(entries) == {"live-cluster/stale-evidence"}
	some entry in entries
	entry.target == "(evidence)"
	contains(entry.message, "eip is 1 s old; the limit is 0 s.")
}

test_a_launch_may_use_old_evidence if {
	old := {"live": {"sources": [object.union(fixtures.source("eip", ["blue"]), {"age_s": 9999})]}}
	launch := object.union(fixtures.request("X", ["capacity"], green_machine), old)
	count(live_cluster.deny) == 0 with input as launch
	rules(live_cluster.deny) == {"live-cluster/stale-evidence"}
		with input as object.union(fixtures.request("X", ["protection"], green_machine), old)
}

idle_address := {
	"type": "address", "role": "target", "resolved": true, "clusters": [],
	"facts": {"instance": null, "eni": null},
}

machine_without_address := object.union(
	fixtures.machine("green"),
	{"role": "destination", "facts": {"serves": true, "elastic_ips": []}},
)

given(address, machine) := while(no_source, "AssociateAddress", ["ip", "traffic"], {"eipalloc-1": address, "i-1": machine})

test_an_idle_address_shows_the_live_cluster_again if {
	count(live_cluster.deny) == 0 with input as given(idle_address, machine_without_address)
}

test_an_address_on_something_stays_while_live_is_unknown if {
	every facts in [{"instance": "i-2"}, {"eni": "eni-2"}] {
		entries := live_cluster.deny with input as given(object.union(idle_address, {"facts": facts}), machine_without_address)
		rules(entries) == {"live-cluster/unknown-live"}
	}
}

test_an_idle_address_that_is_not_known_stays if {
	entries := live_cluster.deny with input as given(object.union(idle_address, {"resolved": false}), machine_without_address)
	"live-cluster/unknown-live" in rules(entries)
	missing := object.remove(idle_address, ["facts"])
	"live-cluster/unknown-live" in rules(live_cluster.deny) with input as given(missing, machine_without_address)
}

test_an_idle_address_replaces_no_other_while_live_is_unknown if {
	every change in [
		{"facts": {"elastic_ips": ["203.0.113.1"]}}, {"facts": {"serves": false}}, {"resolved": false}, {"clusters": []},
	] {
		entries := live_cluster.deny with input as given(idle_address, object.union(machine_without_address, change))
		"live-cluster/unknown-live" in rules(entries)
	}
}

test_an_idle_address_without_a_destination_stays_while_live_is_unknown if {
	request := while(no_source, "AssociateAddress", ["ip", "traffic"], {"eipalloc-1": idle_address})
	rules(live_cluster.deny) == {"live-cluster/unknown-live"} with input as request
}

test_an_idle_address_is_not_released_while_live_is_unknown if {
	call := while(no_source, "ReleaseAddress", ["ip"], {"eipalloc-1": idle_address, "i-1": machine_without_address})
	"live-cluster/unknown-live" in rules(live_cluster.deny) with input as call
}
