package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

test_a_complete_replacement_may_take_over if {
	count(addresses.deny) == 0 with input as moving(fixtures.machine("green"), {})
}

test_a_larger_cluster_may_take_over if {
	larger := green({"running": 9, "total": 9})
	count(addresses.deny) == 0 with input as moving(fixtures.machine("green"), larger)
}

test_an_incomplete_cluster_may_not_take_over if {
	message := gap(moving(fixtures.machine("green"), green({"running": 3, "total": 4})))
	contains(message, "This is not a safe cutover: green runs 3 of 4 machines.")
}

test_a_stopped_cluster_may_not_take_over if {
	message := gap(moving(fixtures.machine("green"), green({"running": 0, "total": 0})))
	contains(message, "green runs 0 of 0 machines")
}

test_a_cluster_with_terminating_machines_may_not_take_over if {
	message := gap(moving(fixtures.machine("green"), green({"in_flight": 2})))
	contains(message, "This is not a safe cutover: green has 2 terminating machines.")
}

test_an_unhealthy_cluster_may_not_take_over if {
	every health in [false, null, "yes"] {
		message := gap(moving(fixtures.machine("green"), green({"healthy": health})))
		contains(message, "This is not a safe cutover: green is not known to be healthy.")
	}
}

test_a_smaller_cluster_may_not_take_over if {
	message := gap(moving(fixtures.machine("green"), green({"running": 2, "total": 2})))
	contains(message, "This is not a safe cutover: green runs 2 machines and blue runs 3 machines, below the required share of 1.")
}

test_machines_that_others_are_about_to_take_away_count_for_the_size if {
	small := green({"running": 2, "total": 2})
	every under_way in [{"in_flight": 2}, {"stopping": 2}, {"in_flight": 1, "stopping": 1}] {
		blue := object.union(fixtures.cluster(true, 1, 1), under_way)
		change := object.union(small, {"clusters": {"blue": blue}})
		message := gap(moving(fixtures.machine("green"), change))
		contains(message, "green runs 2 machines and blue runs 3 machines")
	}
}

test_the_share_decides_what_is_large_enough if {
	request := moving(fixtures.machine("green"), green({"running": 2, "total": 2}))
	count(addresses.deny) == 0 with input as request with data.guardrails.params.cutover.min_share as 0.5
	rules(addresses.deny) == steal with input as request
		with data.guardrails.params.cutover.min_share as 0.7
}

test_an_invalid_share_allows_nothing if {
	request := moving(fixtures.machine("green"), {})
	rules(addresses.deny) == steal with input as request
		with data.guardrails.params.cutover.min_share as "half"
	rules(addresses.deny) == steal with input as request with data.guardrails.params.cutover as {}
}

test_an_unknown_destination_is_refused if {
	"addresses/steal" in rules(addresses.deny) with input as moving(fixtures.unresolved, {})
	message := gap(moving(fixtures.untagged, {}))
	contains(message, "This is not a safe cutover: the destination does not clearly belong to one cluster.")
}

test_a_destination_of_two_clusters_is_refused if {
	both := object.union(fixtures.machine("green"), {"clusters": ["green", "red"]})
	rules(addresses.deny) == steal with input as moving(both, {})
}

test_destinations_in_two_clusters_are_refused if {
	request := object.union(
		moving(fixtures.machine("green"), {"clusters": {"red": fixtures.cluster(false, 3, 3)}}),
		{"targets": {"i-other": onto(fixtures.machine("red"))}},
	)
	rules(addresses.deny) == steal with input as request
}

test_a_missing_destination_is_refused if {
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-1": address})
	rules(addresses.deny) == steal with input as request
}

test_an_uncounted_cluster_may_not_take_over if {
	request := moving(fixtures.machine("red"), {})
	rules(addresses.deny) == steal with input as request
}

test_an_address_of_two_live_clusters_needs_the_larger if {
	shared := object.union(address, {"clusters": ["blue", "red"]})
	request := object.union(
		moving(fixtures.machine("green"), {"clusters": {"red": fixtures.cluster(true, 5, 5)}}),
		{"targets": {"eipalloc-1": shared}},
	)
	rules(addresses.deny) == steal with input as request
}

test_an_unresolved_destination_is_refused if {
	destination := object.union(fixtures.machine("green"), {"resolved": false})
	rules(addresses.deny) == steal with input as moving(destination, {})
}

test_counts_must_be_numbers if {
	texts := green({"running": "3", "total": "3"})
	rules(addresses.deny) == steal with input as moving(fixtures.machine("green"), texts)
}

test_a_cluster_of_one_machine_is_a_cluster if {
	request := moving(fixtures.machine("green"), green({"running": 1, "total": 1}))
	count(addresses.deny) == 0 with input as request with data.guardrails.params.cutover.min_share as 0.3
}

test_every_destination_needs_a_cluster if {
	request := object.union(
		moving(fixtures.machine("green"), {}),
		{"targets": {"i-other": onto(fixtures.untagged)}},
	)
	rules(addresses.deny) == steal with input as request
}

test_only_live_clusters_set_the_required_size if {
	shared := {"clusters": {"green": {}, "red": fixtures.cluster(false, 9, 9)}}
	request := moving(fixtures.machine("green"), shared)
	both := object.union(request, {"targets": {"eipalloc-1": {"clusters": ["blue", "red"]}}})
	count(addresses.deny) == 0 with input as both
}

# A machine that only its address ties to anything, and where its address goes.
pet(destination) := object.union(moving(destination, {"clusters": {"ip/203.0.113.7": single}}), {
	"targets": {"eipalloc-1": object.union(address, {"clusters": ["ip/203.0.113.7"]})},
	"live": {"clusters": ["ip/203.0.113.7"]},
})

single := object.union(fixtures.cluster(true, 1, 1), {"kind": "ip"})

alone(serves) := object.union(fixtures.untagged, {"facts": {"serves": serves}})

test_a_pet_is_replaced_by_a_machine_that_stands_alone_after_a_yes if {
	count(addresses.deny) == 0 with input as pet(alone(true)) with data.guardrails.params.untagged as "confirm"
}

test_a_person_is_asked_whether_it_is_the_replacement if {
	entries := addresses.confirm with input as pet(alone(true)) with data.guardrails.params.untagged as "confirm"
	rules(entries) == steal
	some entry in entries
	endswith(entry.message, "Its new machine belongs to no cluster.")
	contains(entry.remediation, "confirm at a terminal")
}

test_a_pet_is_replaced_where_untagged_machines_are_free if {
	count(addresses.deny) == 0 with input as pet(alone(true)) with data.guardrails.params.untagged as "allow"
}

test_a_pet_is_not_replaced_by_a_broken_one_where_untagged_machines_are_free if {
	rules(addresses.deny) == steal with input as pet(alone(false)) with data.guardrails.params.untagged as "allow"
}

test_nobody_is_asked_where_untagged_machines_are_free if {
	count(addresses.confirm) == 0 with input as pet(alone(true)) with data.guardrails.params.untagged as "allow"
}

test_a_pet_is_not_replaced_where_untagged_machines_are_denied if {
	rules(addresses.deny) == steal with input as pet(alone(true)) with data.guardrails.params.untagged as "deny"
}

test_nobody_is_asked_where_untagged_machines_are_denied if {
	count(addresses.confirm) == 0 with input as pet(alone(true)) with data.guardrails.params.untagged as "deny"
}

test_nobody_is_asked_about_an_unsafe_replacement if {
	count(addresses.confirm) == 0 with input as pet(alone(false)) with data.guardrails.params.untagged as "confirm"
}

test_nobody_is_asked_about_a_complete_cluster if {
	count(addresses.confirm) == 0 with input as pet(fixtures.machine("green")) with data.guardrails.params.untagged as "confirm"
}

test_a_pet_is_not_replaced_by_a_machine_that_does_not_serve if {
	contains(gap(pet(alone(false))), "This is not a safe cutover: i-new is not known to be running and healthy.")
}

test_a_pet_is_not_replaced_by_a_machine_of_unknown_health if {
	contains(gap(pet(fixtures.untagged)), "i-new is not known to be running and healthy")
}

test_a_pet_is_replaced_by_a_cluster_only_if_that_is_complete if {
	count(addresses.deny) == 0 with input as pet(fixtures.machine("green"))
}

test_a_pet_is_not_replaced_by_one_machine_of_an_incomplete_cluster if {
	every serves in [true, false] {
		machine := object.union(fixtures.machine("green"), {"facts": {"serves": serves}})
		request := object.union(pet(machine), {"clusters": {"green": fixtures.cluster(false, 2, 3)}})
		endswith(gap(request), "This is not a safe cutover: green runs 2 of 3 machines.")
	}
}

test_a_pet_is_not_replaced_by_what_is_not_resolved if {
	"addresses/steal" in rules(addresses.deny) with input as pet(object.union(fixtures.unresolved, {"facts": {"serves": true}}))
}

test_the_address_of_a_cluster_does_not_move_to_a_machine_that_stands_alone if {
	rules(addresses.deny) == steal with input as moving(alone(true), {})
}

test_an_address_without_a_cluster_is_no_pets if {
	not addresses.is_pet({"clusters": []})
}

test_an_address_that_a_cluster_shares_with_a_pet_is_no_pets if {
	request := pet(alone(true))
	shared := {"targets": {"eipalloc-1": object.union(address, {"clusters": ["blue", "ip/203.0.113.7"]})}}
	rules(addresses.deny) == steal with input as object.union(request, shared)
}

test_an_address_without_a_destination_is_not_replaced if {
	request := pet(alone(true))
	without := object.union(object.remove(request, ["targets"]), {"targets": {"eipalloc-1": request.targets["eipalloc-1"]}})
	rules(addresses.deny) == steal with input as without
}

# Green has four machines and has just taken the address from blue, which has three.
going_back(changes) := object.union(
	moving_back,
	{"clusters": object.union({"green": taken_over, "blue": {"live": false, "retired_at": 1696864900}}, changes)},
)

taken_over := {"live": true, "running": 4, "total": 4, "live_since": 1696864900}

moving_back := object.union(
	fixtures.request("AssociateAddress", ["ip"], {
		"eipalloc-1": object.union(address, {"clusters": ["green"]}),
		"i-back": onto(fixtures.machine("blue")),
	}),
	{"live": {"clusters": ["green"]}},
)

test_the_address_goes_back_to_a_smaller_cluster if {
	count(addresses.deny) == 0 with input as going_back({})
	still_live := {"blue": {"live": true, "live_since": 1696860000, "retired_at": null}}
	count(addresses.deny) == 0 with input as going_back(still_live)
}

test_only_within_the_rollback_window if {
	every window in [20, 0, "long"] {
		rules(addresses.deny) == steal with input as going_back({})
			with data.guardrails.params.rollback_window_s as window
	}
	count(addresses.deny) == 0 with input as going_back({})
		with data.guardrails.params.rollback_window_s as 21
}

test_only_to_a_cluster_that_was_live_before if {
	every times in [
		{"retired_at": null},
		{"retired_at": "1696864900"},
		{"retired_at": 1696864899},
		{"live": true, "retired_at": null, "live_since": 1696864900},
		{"live": true, "retired_at": null, "live_since": null},
		{"live": true, "retired_at": null, "live_since": false},
	] {
		rules(addresses.deny) == steal with input as going_back({"blue": times})
	}
	unknown := {"green": {"live_since": null}}
	rules(addresses.deny) == steal with input as going_back(unknown)
	strange := {"green": {"live_since": "1696864900"}}
	rules(addresses.deny) == steal with input as going_back(strange)
}

test_only_to_a_cluster_that_lost_no_machine if {
	every lost in [{"destroyed": {"blue": 1}}, {"stopped": {"blue": 1}}] {
		rules(addresses.deny) == steal with input as object.union(going_back({}), {"history": lost})
	}
	elsewhere := {"history": {"destroyed": {"red": 1}, "stopped": {"green": 1}}}
	count(addresses.deny) == 0 with input as object.union(going_back({}), elsewhere)
}

test_going_back_to_a_cluster_that_is_partly_live_again if {
	back := {"blue": {"live": true, "retired_at": null, "live_since": 1696864910, "was_live_until": 1696864905}}
	count(addresses.deny) == 0 with input as going_back(back)
	every until in [1696864899, null, "1696864905"] {
		earlier := object.union(back, {"blue": {"was_live_until": until}})
		rules(addresses.deny) == steal with input as going_back(earlier)
	}
}

test_an_invalid_share_lets_nothing_go_back if {
	rules(addresses.deny) == steal with input as going_back({})
		with data.guardrails.params.cutover.min_share as "half"
}

test_going_back_needs_a_whole_and_healthy_cluster if {
	every flaw in [{"healthy": false}, {"total": 4}, {"in_flight": 1}] {
		rules(addresses.deny) == steal with input as going_back({"blue": flaw})
	}
}

test_it_goes_back_from_each_cluster_that_has_users if {
	both := object.union(going_back({}), {"targets": {"eipalloc-1": {"clusters": ["green", "red"]}}})
	since := {"clusters": {"red": object.union(fixtures.cluster(true, 9, 9), {"live_since": 1696860000})}}
	rules(addresses.deny) == steal with input as object.union(both, since)
}
