package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

entrance(unseats) := {"lb": object.union(fixtures.thing("load-balancer", []), {"facts": {"unseats": unseats}})}

test_a_new_entrance_that_hides_the_live_one_is_denied if {
	entries := live_cluster.deny with input as fixtures.request("CreateListener", ["admit"], entrance(["blue"]))
	some entry in entries
	entry.rule == "live-cluster/entrance"
	contains(entry.message, "would let lb count as what users reach, and blue would not be live any more")
	contains(entry.remediation, "live.listeners")
}

test_other_new_entrances_pass if {
	count(live_cluster.deny) == 0 with input as fixtures.request("CreateListener", ["admit"], entrance([]))
	targets := {"lb": fixtures.thing("load-balancer", [])}
	count(live_cluster.deny) == 0 with input as fixtures.request("CreateListener", ["admit"], targets)
}

test_only_what_opens_an_entrance_hides_one if {
	entries := live_cluster.deny with input as fixtures.request("X", ["protection"], entrance(["blue"]))
	not "live-cluster/entrance" in rules(entries)
}
