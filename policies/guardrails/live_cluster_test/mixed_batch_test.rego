package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

test_mixed_batch_lists_both_kinds if {
	targets := {"i-1": fixtures.machine("blue"), "i-2": fixtures.machine("green")}
	entries := live_cluster.deny with input as fixtures.request("TerminateInstances", ["terminate"], targets)
	rules(entries) == {"live-cluster/terminate", "live-cluster/mixed-batch"}
	some entry in entries
	entry.rule == "live-cluster/mixed-batch"
	contains(entry.message, "mixes live targets with others. Live (1): i-1 (blue). Not live (1): i-2 (green).")
}

test_a_batch_of_one_kind_is_not_mixed if {
	live := {"i-1": fixtures.machine("blue"), "i-2": fixtures.machine("blue")}
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as fixtures.request("T", ["terminate"], live)
	other := {"i-1": fixtures.machine("green"), "i-2": fixtures.machine("red")}
	count(live_cluster.deny) == 0 with input as fixtures.request("T", ["terminate"], other)
}

test_a_harmless_mixed_batch_passes if {
	targets := {"i-1": fixtures.machine("blue"), "i-2": fixtures.machine("green")}
	count(live_cluster.deny) == 0 with input as fixtures.request("CreateTags", ["protection"], targets)
}
