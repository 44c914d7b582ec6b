package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

test_unknown_id_is_refused if {
	request := fixtures.request("TerminateInstances", ["terminate"], {"i-404": fixtures.unresolved})
	entries := live_cluster.deny with input as request
	rules(entries) == {"live-cluster/unresolved"}
	some entry in entries
	contains(entry.message, "names i-404, which was not found in eu-west-1.")
}

test_unknown_destination_is_refused if {
	destination := object.union(fixtures.unresolved, {"role": "destination"})
	request := fixtures.request("AssociateAddress", ["ip"], {
		"eipalloc-1": fixtures.thing("address", []),
		"i-404": destination,
	})
	rules(live_cluster.deny) == {"live-cluster/unresolved"} with input as request
}

test_a_target_without_resolved_is_unknown if {
	machine := object.remove(fixtures.machine("green"), ["resolved"])
	request := fixtures.request("TerminateInstances", ["terminate"], {"i-1": machine})
	"live-cluster/unresolved" in rules(live_cluster.deny) with input as request
}

test_unknown_id_of_a_harmless_call_passes if {
	request := fixtures.request("CreateTags", ["protection", "indirect"], {"i-404": fixtures.unresolved})
	count(live_cluster.deny) == 0 with input as request
}

test_a_resource_of_a_missing_machine_is_refused if {
	volume := object.union(fixtures.thing("volume", []), {"resolved": false, "facts": {"missing": ["i-404"]}})
	entries := live_cluster.deny with input as fixtures.request("DetachVolume", ["storage"], {"vol-1": volume})
	rules(entries) == {"live-cluster/unresolved"}
	count(entries) == 1
	some entry in entries
	contains(entry.message, "would harm vol-1, which is used by i-404; that machine was not found in eu-west-1")
}

test_a_resource_without_missing_machines_passes if {
	volume := object.union(fixtures.thing("volume", ["green"]), {"facts": {"missing": []}})
	count(live_cluster.deny) == 0 with input as fixtures.request("DetachVolume", ["storage"], {"vol-1": volume})
}

test_a_harmless_call_on_a_resource_of_a_missing_machine_passes if {
	volume := object.union(fixtures.thing("volume", []), {"resolved": false, "facts": {"missing": ["i-404"]}})
	request := fixtures.request("CreateTags", ["protection", "indirect"], {"vol-1": volume})
	count(live_cluster.deny) == 0 with input as request
}

test_users_are_not_sent_through_what_is_unknown if {
	group := object.union(fixtures.unresolved, {"type": "target-group"})
	missing := object.union(group, {"facts": {"missing": ["i-404"]}})
	every unknown in [group, missing] {
		request := fixtures.request("RegisterTargets", ["admit"], {"tg": unknown, "i-1": receiving})
		rules(live_cluster.deny) == {"live-cluster/unresolved"} with input as request
	}
}

test_an_unknown_receiver_of_users_has_its_own_rule if {
	request := fixtures.request("RegisterTargets", ["admit"], {"i-1": object.union(receiving, {"resolved": false})})
	count(live_cluster.deny) == 0 with input as request
}

receiving := object.union(fixtures.machine("green"), {"role": "destination"})

test_an_unknown_id_without_missing_machines_is_refused if {
	unknown := object.union(fixtures.unresolved, {"facts": {"missing": []}})
	rules(live_cluster.deny) == {"live-cluster/unresolved"} with input as fixtures.request("T", ["terminate"], {"i-404": unknown})
}
