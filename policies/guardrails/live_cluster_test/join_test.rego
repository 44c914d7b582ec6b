package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

attaching(group, machine) := fixtures.request(
	"AttachInstances", ["admit", "indirect"],
	{"g": fixtures.thing("asg", group), "i-9": joining(machine)},
)

test_a_live_machine_joins_no_other_group if {
	entries := live_cluster.deny with input as attaching(["green"], fixtures.machine("blue"))
	rules(entries) == {"live-cluster/join"}
	some entry in entries
	startswith(entry.message, "AttachInstances would put i-9, a machine of blue, under g (green). A group ends")
	contains(entry.remediation, "A group belongs to the cluster that its Cluster tag names.")
	rules(live_cluster.deny) == {"live-cluster/join"} with input as attaching([], fixtures.machine("blue"))
}

test_it_may_join_its_own if {
	count(live_cluster.deny) == 0 with input as attaching(["blue"], fixtures.machine("blue"))
}

test_others_may_join_any_group_that_is_not_live if {
	every group in [["green"], ["grey"], []] {
		count(live_cluster.deny) == 0 with input as attaching(group, fixtures.machine("green"))
	}
}

test_a_machine_that_is_not_found_joins_none if {
	entries := live_cluster.deny with input as attaching(["green"], fixtures.unresolved)
	some entry in entries
	entry.rule == "live-cluster/join"
	contains(entry.message, "i-9, a machine that was not found, under g (green)")
}

test_an_untagged_machine_by_the_parameter if {
	request := attaching(["green"], fixtures.untagged)
	rules(live_cluster.deny) == {"live-cluster/join"} with input as request
		with data.guardrails.params.untagged as "deny"
}

test_an_untagged_machine_after_a_confirmation if {
	request := attaching(["green"], fixtures.untagged)
	rules(live_cluster.confirm) == {"live-cluster/join"} with input as request
		with data.guardrails.params.untagged as "confirm"
}

test_an_untagged_machine_that_may_join if {
	request := attaching(["green"], fixtures.untagged)
	count(live_cluster.confirm) == 0 with input as request with data.guardrails.params.untagged as "allow"
	count(live_cluster.deny) == 0 with input as request with data.guardrails.params.untagged as "allow"
}

unknown_here(nothing) := {"live": {"known": false, "nothing": nothing, "clusters": []}, "clusters": {}}

test_none_joins_another_while_live_is_unknown if {
	request := object.union(attaching(["green"], fixtures.machine("grey")), unknown_here(false))
	rules(live_cluster.deny) == {"live-cluster/join"} with input as request
}

test_where_nothing_is_live_all_may_join if {
	every machine in [fixtures.machine("grey"), fixtures.untagged] {
		request := object.union(attaching(["green"], machine), unknown_here(true))
		count(live_cluster.deny) == 0 with input as request
		count(live_cluster.confirm) == 0 with input as request
	}
}

test_only_groups_end_what_joins_them if {
	behind_another := object.union(
		registering(fixtures.thing("target-group", ["green"]), {"i-9": joining(fixtures.machine("blue"))}),
		{"clusters": {"blue": fixtures.cluster(true, 3, 3)}},
	)
	count(live_cluster.deny) == 0 with input as behind_another
	group := joining(fixtures.thing("asg", ["blue"]))
	attached := fixtures.request("AttachTrafficSources", ["admit"], {"t": fixtures.thing("asg", ["green"]), "g": group})
	count(live_cluster.deny) == 0 with input as attached
}

test_a_tagged_machine_is_not_asked_about if {
	request := attaching(["green"], fixtures.machine("grey"))
	count(live_cluster.confirm) == 0 with input as request with data.guardrails.params.untagged as "confirm"
}

test_an_untagged_machine_may_stand_behind_a_balancer if {
	request := registering(fixtures.thing("target-group", ["green"]), {"i-9": joining(fixtures.untagged)})
	count(live_cluster.confirm) == 0 with input as request with data.guardrails.params.untagged as "confirm"
}

test_what_is_not_found_is_not_asked_about if {
	request := attaching(["green"], fixtures.unresolved)
	count(live_cluster.confirm) == 0 with input as request with data.guardrails.params.untagged as "confirm"
}

test_only_joining_counts if {
	request := object.union(attaching(["green"], fixtures.machine("blue")), {"call": {"effects": ["indirect"]}})
	not "live-cluster/join" in rules(live_cluster.deny) with input as request
}
