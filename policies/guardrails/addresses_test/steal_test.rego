package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

green(changes) := {"clusters": {"green": changes}}

steal := {"addresses/steal"}

gap(request) := entry.message if {
	entries := addresses.deny with input as request
	rules(entries) == steal
	some entry in entries
}

test_all_gaps_are_reported_at_once if {
	unfit := green({"running": 1, "total": 4, "in_flight": 1, "healthy": false})
	message := gap(moving(fixtures.machine("green"), unfit))
	every part in ["runs 1 of 4", "green has 1 terminating machine", "not known to be healthy", "green runs 1 machine and blue runs 3 machines"] {
		contains(message, part)
	}
}

test_a_cluster_that_shares_the_address_is_not_another if {
	shared := object.union(address, {"clusters": ["blue", "green"]})
	request := object.union(moving(fixtures.machine("green"), {}), {"targets": {"eipalloc-1": shared}})
	contains(gap(request), "green already has the address")
}

test_steal_message_and_remediation if {
	request := moving(fixtures.machine("green"), green({"in_flight": 2, "healthy": null}))
	gap(request) == concat("", [
		"AssociateAddress would take away eipalloc-1, a public address of the live cluster blue",
		" (3 of 3 machines running). This is not a safe cutover: ",
		"green has 2 terminating machines; green is not known to be healthy.",
	])
	startswith(remediation(request), "Wait until every machine of the new cluster is running and healthy,")
}

test_a_missing_share_is_called_unknown if {
	request := moving(fixtures.machine("green"), {})
	without := object.remove(data.guardrails.params, ["cutover"])
	entries := addresses.deny with input as request with data.guardrails.params as without
	some entry in entries
	contains(entry.message, "below the required share of unknown")
}

test_no_cluster_is_large_enough_to_replace_an_uncounted_one if {
	request := object.union(moving(fixtures.machine("green"), {}), {"live": {"clusters": ["blue"]}})
	counted := {"clusters": {"green": fixtures.cluster(false, 3, 3)}}
	uncounted := object.union(object.remove(request, ["clusters"]), counted)
	contains(gap(uncounted), "green runs 3 machines and blue runs an unknown number of machines, below the required share of 1")
}

test_a_cluster_without_a_name_may_not_take_over if {
	nameless := object.union(fixtures.machine("green"), {"clusters": [7]})
	contains(gap(moving(nameless, {})), " already has the address")
}
