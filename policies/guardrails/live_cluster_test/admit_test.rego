package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

behind := fixtures.thing("target-group", ["blue"])

joining(target) := object.union(target, {"role": "destination"})

registering(group, machines) := fixtures.request("RegisterTargets", ["admit"], object.union({"g": group}, machines))

test_a_half_started_cluster_gets_no_users if {
	some change in [{"running": 1}, {"in_flight": 1}, {"healthy": false}]
	request := object.union(
		registering(behind, {"i-9": joining(fixtures.machine("green"))}),
		{"clusters": {"green": object.union(fixtures.cluster(false, 3, 3), change)}},
	)
	entries := live_cluster.deny with input as request
	rules(entries) == {"live-cluster/admit"}
	some entry in entries
	startswith(entry.message, "RegisterTargets would send users to i-9 (green) through g, a target group of the live")
}

test_a_complete_cluster_may_take_over if {
	request := object.union(
		registering(behind, {"i-9": joining(fixtures.machine("green"))}),
		{"clusters": {"green": fixtures.cluster(false, 3, 3)}},
	)
	count(live_cluster.deny) == 0 with input as request
}

test_the_live_clusters_own_machines_may_join if {
	count(live_cluster.deny) == 0 with input as registering(behind, {"i-9": joining(fixtures.machine("blue"))})
}

test_one_stranger_is_enough if {
	both := {"i-8": joining(fixtures.machine("blue")), "i-9": joining(fixtures.untagged)}
	rules(live_cluster.deny) == {"live-cluster/admit"} with input as registering(behind, both)
}

test_machines_of_two_clusters_are_strangers if {
	mixed := joining(object.union(fixtures.machine("blue"), {"clusters": ["blue", "grey"]}))
	rules(live_cluster.deny) == {"live-cluster/admit"} with input as registering(behind, {"i-9": mixed})
}

test_what_is_not_found_is_a_stranger if {
	lost := joining(object.union(fixtures.machine("blue"), {"resolved": false}))
	rules(live_cluster.deny) == {"live-cluster/admit"} with input as registering(behind, {"i-9": lost})
}

test_other_groups_take_any_machine if {
	every clusters in [[], ["green"]] {
		group := fixtures.thing("target-group", clusters)
		count(live_cluster.deny) == 0 with input as registering(group, {"i-9": joining(fixtures.untagged)})
	}
}

test_only_admitting_is_judged if {
	request := fixtures.request("X", ["indirect"], {"g": behind, "i-9": joining(fixtures.machine("grey"))})
	count(live_cluster.deny) == 0 with input as request
}

test_where_a_shift_is_known_it_decides if {
	request := object.union(
		registering(behind, {"i-9": joining(fixtures.machine("green"))}),
		{
			"clusters": {"green": fixtures.cluster(false, 3, 3)},
			"shift": {
				"way": "targets",
				"known": true,
				"before": {"blue": 1},
				"after": {"blue": 0.75, "green": 0.25},
				"healthy": {"blue": true, "green": true},
				"why": "",
			},
		},
	)
	count(live_cluster.deny) == 0 with input as request
	rules(live_cluster.deny) == {"live-cluster/admit"} with input as object.union(request, {"shift": {"known": false}})
	rules(live_cluster.deny) == {"live-cluster/admit"} with input as object.union(request, {"shift": {"healthy": {"green": false}}})
}
