package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

# The address of blue, on its machine i-blue.
address := object.union(fixtures.thing("address", ["blue"]), {
	"public_ips": ["203.0.113.7"],
	"facts": {"instance": "i-blue", "eni": "eni-blue", "untagged": []},
})

onto(machine) := object.union(machine, {"role": "destination"})

# AssociateAddress of blue's address onto a machine; `changes` go over the whole input.
moving(destination, changes) := object.union(
	fixtures.request("AssociateAddress", ["ip", "traffic"], {"eipalloc-1": address, "i-new": onto(destination)}),
	changes,
)

green(changes) := {"clusters": {"green": changes}}

steal := {"addresses/steal"}

gap(request) := entry.message if {
	found := addresses.deny with input as request
	rules(found) == steal
	some entry in found
}

test_the_sanctioned_switch_passes if {
	count(addresses.deny) == 0 with input as moving(fixtures.machine("green"), {})
}

test_a_larger_cluster_may_take_over if {
	larger := green({"running": 9, "total": 9})
	count(addresses.deny) == 0 with input as moving(fixtures.machine("green"), larger)
}

test_a_cluster_that_is_not_complete_may_not if {
	message := gap(moving(fixtures.machine("green"), green({"running": 3, "total": 4})))
	contains(message, "The switch is not sanctioned: green runs 3 of 4 machines.")
}

test_a_cluster_that_does_not_run_may_not if {
	message := gap(moving(fixtures.machine("green"), green({"running": 0, "total": 0})))
	contains(message, "green runs 0 of 0 machines")
}

test_a_cluster_with_terminating_machines_may_not if {
	message := gap(moving(fixtures.machine("green"), green({"in_flight": 2})))
	contains(message, "The switch is not sanctioned: 2 machines of green are terminating.")
}

test_a_cluster_that_is_not_healthy_may_not if {
	every health in [false, null, "yes"] {
		message := gap(moving(fixtures.machine("green"), green({"healthy": health})))
		contains(message, "The switch is not sanctioned: green is not known to be healthy.")
	}
}

test_a_smaller_cluster_may_not if {
	message := gap(moving(fixtures.machine("green"), green({"running": 2, "total": 2})))
	contains(message, "The switch is not sanctioned: green runs 2 machines, blue runs 3, a share of 1 is needed.")
}

test_the_share_decides_what_is_large_enough if {
	request := moving(fixtures.machine("green"), green({"running": 2, "total": 2}))
	count(addresses.deny) == 0 with input as request with data.guardrails.params.cutover.min_share as 0.5
	rules(addresses.deny) == steal with input as request
		with data.guardrails.params.cutover.min_share as 0.7
}

test_no_share_sanctions_nothing if {
	request := moving(fixtures.machine("green"), {})
	rules(addresses.deny) == steal with input as request
		with data.guardrails.params.cutover.min_share as "half"
	rules(addresses.deny) == steal with input as request with data.guardrails.params.cutover as {}
}

test_all_gaps_are_told_at_once if {
	unfit := green({"running": 1, "total": 4, "in_flight": 1, "healthy": false})
	message := gap(moving(fixtures.machine("green"), unfit))
	every part in ["runs 1 of 4", "1 machines of green are terminating", "not known to be healthy", "runs 1 machines"] {
		contains(message, part)
	}
}

test_an_unknown_destination_sanctions_nothing if {
	"addresses/steal" in rules(addresses.deny) with input as moving(fixtures.unresolved, {})
	message := gap(moving(fixtures.untagged, {}))
	contains(message, "The switch is not sanctioned: the destination is not known to belong to exactly one cluster.")
}

test_a_destination_of_two_clusters_sanctions_nothing if {
	both := object.union(fixtures.machine("green"), {"clusters": ["green", "red"]})
	rules(addresses.deny) == steal with input as moving(both, {})
}

test_two_destinations_of_two_clusters_sanction_nothing if {
	request := object.union(
		moving(fixtures.machine("green"), {"clusters": {"red": fixtures.cluster(false, 3, 3)}}),
		{"targets": {"i-other": onto(fixtures.machine("red"))}},
	)
	rules(addresses.deny) == steal with input as request
}

test_no_destination_sanctions_nothing if {
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-1": address})
	rules(addresses.deny) == steal with input as request
}

test_a_cluster_nobody_counted_sanctions_nothing if {
	request := moving(fixtures.machine("red"), {})
	rules(addresses.deny) == steal with input as request
}

test_a_cluster_that_shares_the_address_is_no_other if {
	shared := object.union(address, {"clusters": ["blue", "green"]})
	request := object.union(moving(fixtures.machine("green"), {}), {"targets": {"eipalloc-1": shared}})
	contains(gap(request), "green serves the address already")
}

test_an_address_of_two_live_clusters_needs_the_larger if {
	shared := object.union(address, {"clusters": ["blue", "red"]})
	request := object.union(
		moving(fixtures.machine("green"), {"clusters": {"red": fixtures.cluster(true, 5, 5)}}),
		{"targets": {"eipalloc-1": shared}},
	)
	rules(addresses.deny) == steal with input as request
}

test_an_address_does_not_wander_within_the_live_cluster if {
	found := addresses.deny with input as moving(fixtures.machine("blue"), {})
	rules(found) == {"addresses/repoint"}
	some entry in found
	contains(entry.message, "It is in use on i-blue,")
	endswith(entry.message, ", and the destination i-new is another machine of the same cluster.")
}

with_facts(facts) := {"targets": {"eipalloc-1": {"facts": facts}}}

test_an_idle_address_may_go_to_its_own_cluster if {
	idle := with_facts({"instance": null, "eni": null})
	count(addresses.deny) == 0 with input as moving(fixtures.machine("blue"), idle)
}

test_an_address_on_a_gateway_is_not_idle if {
	gateway := with_facts({"instance": null, "eni": "eni-nat"})
	found := addresses.deny with input as moving(fixtures.machine("blue"), gateway)
	rules(found) == {"addresses/repoint"}
	some entry in found
	contains(entry.message, "It is in use on eni-nat,")
}

test_an_address_nobody_knows_the_holder_of_is_not_idle if {
	nowhere := object.union(address, {"facts": {}})
	targets := {"eipalloc-1": object.remove(nowhere, ["facts"]), "i-new": onto(fixtures.machine("blue"))}
	found := addresses.deny with input as fixtures.request("AssociateAddress", ["ip"], targets)
	"addresses/repoint" in rules(found)
	some entry in found
	contains(entry.message, "It is in use on an unknown machine,")
}

test_an_address_may_move_on_its_own_machine if {
	every place in [
		{"i-blue": fixtures.machine("blue")},
		{"eni-blue": fixtures.thing("eni", ["blue"])},
		{"eni-2": object.union(fixtures.thing("eni", ["blue"]), {"facts": {"instance": "i-blue"}})},
	] {
		some id, destination in place
		targets := {"eipalloc-1": address, id: onto(destination)}
		request := fixtures.request("AssociateAddress", ["ip"], targets)
		count(addresses.deny) == 0 with input as request
	}
}

test_a_live_machine_does_not_lose_its_address_to_another if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.9"]}})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	found := addresses.deny with input as request
	rules(found) == {"addresses/displace"}
	some entry in found
	startswith(entry.message, "AssociateAddress would displace 203.0.113.9 from i-new, a machine of the live")
}

test_a_live_machine_may_get_a_first_address if {
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	targets := {"eipalloc-2": spare, "i-new": onto(fixtures.machine("blue"))}
	request := fixtures.request("AssociateAddress", ["ip"], targets)
	count(addresses.deny) == 0 with input as request
}

test_a_live_machine_may_get_the_address_it_has if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.7"]}})
	targets := {"eipalloc-1": address, "i-blue": onto(busy)}
	count(addresses.deny) == 0 with input as fixtures.request("AssociateAddress", ["ip"], targets)
}

test_where_nobody_looked_every_public_address_counts if {
	bare := object.remove(fixtures.machine("blue"), ["facts"])
	busy := object.union(bare, {"facts": {}, "public_ips": ["203.0.113.9"]})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	rules(addresses.deny) == {"addresses/displace"} with input as request
}

test_other_machines_may_lose_their_address if {
	busy := object.union(fixtures.machine("green"), {"facts": {"elastic_ips": ["203.0.113.9"]}})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	count(addresses.deny) == 0 with input as request
}

test_displacing_is_about_associating if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.9"]}})
	spare := fixtures.thing("address", [])
	request := fixtures.request("AttachNetworkInterface", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	count(addresses.deny) == 0 with input as request
}

test_an_unresolved_destination_sanctions_nothing if {
	destination := object.union(fixtures.machine("green"), {"resolved": false})
	rules(addresses.deny) == steal with input as moving(destination, {})
}

test_counts_that_are_no_numbers_sanction_nothing if {
	texts := green({"running": "3", "total": "3"})
	rules(addresses.deny) == steal with input as moving(fixtures.machine("green"), texts)
}

test_a_cluster_of_one_machine_is_a_cluster if {
	request := moving(fixtures.machine("green"), green({"running": 1, "total": 1}))
	count(addresses.deny) == 0 with input as request with data.guardrails.params.cutover.min_share as 0.3
}

test_an_address_on_a_machine_without_an_interface_is_not_idle if {
	classic := with_facts({"instance": "i-blue", "eni": null})
	rules(addresses.deny) == {"addresses/repoint"} with input as moving(fixtures.machine("blue"), classic)
}

test_no_machine_is_not_the_same_machine if {
	gateway := object.union(address, {"facts": {"instance": null, "eni": "eni-nat"}})
	free := object.union(fixtures.thing("eni", ["blue"]), {"role": "destination", "facts": {"instance": null}})
	targets := {"eipalloc-1": gateway, "eni-free": free}
	rules(addresses.deny) == {"addresses/repoint"} with input as fixtures.request("AssociateAddress", ["ip"], targets)
}

test_a_second_address_is_lost_beside_the_one_that_moves if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.7", "203.0.113.9"]}})
	targets := {"eipalloc-1": address, "i-blue": onto(busy)}
	rules(addresses.deny) == {"addresses/displace"} with input as fixtures.request("AssociateAddress", ["ip"], targets)
}

remediation(request) := entry.remediation if {
	found := addresses.deny with input as request
	some entry in found
}

test_steal_message_and_remedy if {
	request := moving(fixtures.machine("green"), green({"in_flight": 2, "healthy": null}))
	gap(request) == concat("", [
		"AssociateAddress would take away eipalloc-1, a public address of the live cluster blue",
		" (3 of 3 machines running). The switch is not sanctioned: ",
		"2 machines of green are terminating; green is not known to be healthy.",
	])
	startswith(remediation(request), "Wait until every machine of the new cluster runs and is healthy,")
}

test_repoint_message_and_remedy if {
	request := moving(fixtures.machine("blue"), {})
	found := addresses.deny with input as request
	some entry in found
	startswith(entry.message, "AssociateAddress would take away eipalloc-1, a public address of the live cluster blue")
	startswith(remediation(request), "Give the other machine an address of its own,")
}

test_an_unknown_share_is_called_unknown if {
	request := moving(fixtures.machine("green"), {})
	without := object.remove(data.guardrails.params, ["cutover"])
	found := addresses.deny with input as request with data.guardrails.params as without
	some entry in found
	contains(entry.message, "a share of unknown is needed")
}

test_a_live_cluster_nobody_counted_has_no_large_enough_successor if {
	request := object.union(moving(fixtures.machine("green"), {}), {"live": {"clusters": ["blue"]}})
	counted := {"clusters": {"green": fixtures.cluster(false, 3, 3)}}
	uncounted := object.union(object.remove(request, ["clusters"]), counted)
	contains(gap(uncounted), "green runs 3 machines, blue runs an unknown number, a share of 1 is needed")
}

test_a_destination_without_a_cluster_spoils_the_other if {
	request := object.union(
		moving(fixtures.machine("green"), {}),
		{"targets": {"i-other": onto(fixtures.untagged)}},
	)
	rules(addresses.deny) == steal with input as request
}

displacing(machine, effects) := fixtures.request("AssociateAddress", effects, {
	"eipalloc-2": object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]}),
	"i-new": onto(object.union(machine, {"facts": {"elastic_ips": ["203.0.113.9"]}})),
})

test_only_a_call_that_moves_addresses_displaces if {
	rules(addresses.deny) == {"addresses/displace"} with input as displacing(fixtures.machine("blue"), ["ip"])
	count(addresses.deny) == 0 with input as displacing(fixtures.machine("blue"), ["traffic"])
}

# One source is enough: the mark on the cluster counts although the list of live clusters leaves it out.
test_a_cluster_marked_live_is_not_displaced if {
	request := object.union(displacing(fixtures.machine("blue"), ["ip"]), {"live": {"clusters": []}})
	rules(addresses.deny) == {"addresses/displace"} with input as request
}

test_displace_names_every_live_cluster_and_the_way_out if {
	both := object.union(fixtures.machine("blue"), {"clusters": ["red", "blue"]})
	request := object.union(
		displacing(both, ["ip"]),
		{"clusters": {"red": fixtures.cluster(true, 3, 3)}},
	)
	found := addresses.deny with input as request
	some entry in found
	endswith(entry.message, "from i-new, a machine of the live cluster blue, red.")
	startswith(remediation(request), "Choose a machine without an address, or a second private address")
}

test_addresses_that_are_null_were_not_looked_for if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": null}, "public_ips": ["203.0.113.9"]})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	rules(addresses.deny) == {"addresses/displace"} with input as request
}

test_only_live_clusters_are_measured_against if {
	shared := {"clusters": {"green": {}, "red": fixtures.cluster(false, 9, 9)}}
	request := moving(fixtures.machine("green"), shared)
	both := object.union(request, {"targets": {"eipalloc-1": {"clusters": ["blue", "red"]}}})
	count(addresses.deny) == 0 with input as both
}

test_a_cluster_without_a_name_takes_nothing_over if {
	nameless := object.union(fixtures.machine("green"), {"clusters": [7]})
	contains(gap(moving(nameless, {})), " serves the address already")
}
