package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

on_untagged(effects) := fixtures.request("TerminateInstances", effects, {"i-9": fixtures.untagged})

test_untagged_machine_is_refused if {
	some effect in ["terminate", "stop", "storage", "network", "ip", "traffic", "scale-in", "replace"]
	rules(live_cluster.deny) == {"live-cluster/untagged"} with input as on_untagged([effect])
}

test_untagged_machine_is_refused_for_every_effect if {
	every effect in ["terminate", "stop", "storage", "network", "ip", "traffic", "scale-in", "replace"] {
		rules(live_cluster.deny) == {"live-cluster/untagged"} with input as on_untagged([effect])
	}
}

test_untagged_machine_may_be_protected_or_touched_indirectly if {
	count(live_cluster.deny) == 0 with input as on_untagged(["protection", "indirect"])
}

test_untagged_may_ask_or_pass if {
	request := on_untagged(["terminate"])
	count(live_cluster.deny) == 0 with input as request with data.guardrails.params.untagged as "confirm"
	rules(live_cluster.confirm) == {"live-cluster/untagged"} with input as request
		with data.guardrails.params.untagged as "confirm"
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as request
		with data.guardrails.params.untagged as "allow"
}

test_unknown_word_for_untagged_denies if {
	rules(live_cluster.deny) == {"live-cluster/untagged"} with input as on_untagged(["terminate"])
		with data.guardrails.params.untagged as "maybe"
	rules(live_cluster.deny) == {"live-cluster/untagged"} with input as on_untagged(["terminate"])
		with data.guardrails.params.untagged as null
}

test_untagged_does_not_ask_where_it_denies if {
	count(live_cluster.confirm) == 0 with input as on_untagged(["terminate"])
}

test_untagged_message_names_the_tag if {
	found := live_cluster.deny with input as on_untagged(["terminate"])
		with data.guardrails.params.cluster_tag as "Stack"
	some entry in found
	contains(entry.message, "would hurt i-9, a machine without a Stack tag,")
	contains(entry.remediation, "Stack=<cluster>")
}

test_a_group_with_untagged_machines_is_refused if {
	group := object.union(fixtures.thing("asg", ["green"]), {"facts": {"untagged": ["i-7", "i-8"]}})
	found := live_cluster.deny with input as fixtures.request("DeleteAutoScalingGroup", ["terminate"], {"g": group})
	rules(found) == {"live-cluster/untagged"}
	some entry in found
	contains(entry.message, "an Auto Scaling group with machines that have no Cluster tag: i-7, i-8,")
}

test_a_group_without_untagged_machines_is_free if {
	group := object.union(fixtures.thing("asg", ["green"]), {"facts": {"untagged": []}})
	count(live_cluster.deny) == 0 with input as fixtures.request("DeleteAutoScalingGroup", ["terminate"], {"g": group})
}

test_a_subnet_without_machines_is_free if {
	request := fixtures.request("DeleteSubnet", ["network"], {"subnet-1": fixtures.thing("subnet", [])})
	count(live_cluster.deny) == 0 with input as request
}

test_unknown_id_is_refused if {
	request := fixtures.request("TerminateInstances", ["terminate"], {"i-404": fixtures.unresolved})
	found := live_cluster.deny with input as request
	rules(found) == {"live-cluster/unresolved"}
	some entry in found
	contains(entry.message, "names i-404, which could not be found in eu-west-1,")
}

test_unknown_destination_is_refused if {
	destination := object.union(fixtures.unresolved, {"role": "destination"})
	request := fixtures.request("AssociateAddress", ["ip"], {
		"eipalloc-1": fixtures.thing("address", []),
		"i-404": destination,
	})
	rules(live_cluster.deny) == {"live-cluster/unresolved"} with input as request
}

test_a_target_that_does_not_say_resolved_is_unknown if {
	machine := object.remove(fixtures.machine("green"), ["resolved"])
	request := fixtures.request("TerminateInstances", ["terminate"], {"i-1": machine})
	"live-cluster/unresolved" in rules(live_cluster.deny) with input as request
}

test_unknown_id_of_a_harmless_call_passes if {
	request := fixtures.request("CreateTags", ["protection", "indirect"], {"i-404": fixtures.unresolved})
	count(live_cluster.deny) == 0 with input as request
}

test_empty_selector_is_refused if {
	every effect in ["terminate", "stop", "network", "protection", "replace"] {
		rules(live_cluster.deny) == {"live-cluster/empty-selector"} with input as fixtures.request("X", [effect], {})
	}
	count(live_cluster.deny) == 0 with input as fixtures.request("X", ["indirect"], {})
}

test_destinations_alone_are_an_empty_selector if {
	destination := object.union(fixtures.machine("green"), {"role": "destination"})
	request := fixtures.request("AssociateAddress", ["ip"], {"i-1": destination})
	rules(live_cluster.deny) == {"live-cluster/empty-selector"} with input as request
}

test_mixed_batch_says_which_are_which if {
	targets := {"i-1": fixtures.machine("blue"), "i-2": fixtures.machine("green")}
	found := live_cluster.deny with input as fixtures.request("TerminateInstances", ["terminate"], targets)
	rules(found) == {"live-cluster/terminate", "live-cluster/mixed-batch"}
	some entry in found
	entry.rule == "live-cluster/mixed-batch"
	contains(entry.message, "mixes 1 live with 1 other targets. Live: i-1 (blue). Not live: i-2 (green).")
}

test_a_batch_of_one_kind_is_not_mixed if {
	live := {"i-1": fixtures.machine("blue"), "i-2": fixtures.machine("blue")}
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as fixtures.request("T", ["terminate"], live)
	other := {"i-1": fixtures.machine("green"), "i-2": fixtures.machine("red")}
	count(live_cluster.deny) == 0 with input as fixtures.request("T", ["terminate"], other)
}

test_a_mixed_batch_that_hurts_nobody_passes if {
	targets := {"i-1": fixtures.machine("blue"), "i-2": fixtures.machine("green")}
	count(live_cluster.deny) == 0 with input as fixtures.request("CreateTags", ["protection"], targets)
}

test_untagged_message_has_a_word_for_a_tag_nobody_named if {
	found := live_cluster.deny with input as on_untagged(["terminate"]) with data.guardrails.params as {}
	some entry in found
	entry.rule == "live-cluster/untagged"
	contains(entry.message, "a machine without a cluster tag,")
}

test_a_group_with_one_untagged_machine_is_refused if {
	group := object.union(fixtures.thing("asg", ["green"]), {"facts": {"untagged": ["i-7"]}})
	request := fixtures.request("DeleteAutoScalingGroup", ["terminate"], {"g": group})
	found := live_cluster.deny with input as request
	rules(found) == {"live-cluster/untagged"}
	some entry in found
	contains(entry.message, "with machines that have no Cluster tag: i-7,")
}

test_an_untagged_machine_with_an_empty_list_is_a_machine_without_a_tag if {
	machine := object.union(fixtures.untagged, {"facts": {"untagged": []}})
	request := fixtures.request("TerminateInstances", ["terminate"], {"i-9": machine})
	found := live_cluster.deny with input as request
	rules(found) == {"live-cluster/untagged"}
	some entry in found
	contains(entry.message, "would hurt i-9, a machine without a Cluster tag,")
}

test_untagged_message_has_a_tag_without_the_parameter if {
	found := live_cluster.deny with input as on_untagged(["terminate"])
		with data.guardrails.params as {"max_fact_age_s": 5}
	rules(found) == {"live-cluster/untagged"}
	some entry in found
	contains(entry.remediation, "tag it cluster=<cluster>,")
}

test_a_launch_may_touch_or_name_what_it_likes if {
	count(live_cluster.deny) == 0 with input as on_untagged(["capacity"])
	count(live_cluster.deny) == 0 with input as fixtures.request("RunInstances", ["capacity"], {})
}
