package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

# ModifyListener on blue's balancer, with this shift and these changes to the clusters.
switching(shift, clusters) := object.union(
	fixtures.request("ModifyListener", ["traffic"], {"web": fixtures.thing("load-balancer", ["blue", "green"])}),
	{"shift": object.union(to_green, shift), "clusters": clusters},
)

to_green := {
	"way": "listener",
	"known": true,
	"before": {"blue": 1},
	"after": {"green": 1},
	"healthy": {"green": true},
	"why": "",
}

canary := {"after": {"blue": 0.9, "green": 0.1}, "healthy": {"blue": true, "green": true}}

# The same without the clusters that are replaced in `to_green`.
with_after(after, healthy) := json.patch(
	switching({}, {}),
	[
		{"op": "replace", "path": "/shift/after", "value": after},
		{"op": "replace", "path": "/shift/healthy", "value": healthy},
	],
)

denied := {"live-cluster/switch"}

test_users_move_to_a_complete_replacement if {
	count(live_cluster.deny) == 0 with input as switching({}, {})
}

test_a_part_of_the_users_moves_to_it if {
	count(live_cluster.deny) == 0 with input as with_after(canary.after, canary.healthy)
}

test_who_keeps_fewer_users_need_not_be_healthy if {
	count(live_cluster.deny) == 0 with input as with_after(canary.after, {"blue": false, "green": true})
}

test_users_stay_within_the_cluster if {
	count(live_cluster.deny) == 0 with input as with_after({"blue": 1}, {"blue": true})
	every health in [{"blue": false}, {}] {
		rules(live_cluster.deny) == denied with input as with_after({"blue": 1}, health)
	}
}

test_users_move_to_no_unfit_cluster if {
	every clusters in [
		{"green": {"running": 3, "total": 4}},
		{"green": {"running": 0, "total": 0}},
		{"green": {"running": 2, "total": 2}},
		{"green": {"in_flight": 1}},
		{"green": {"healthy": false}},
		{"green": {"healthy": null}},
	] {
		rules(live_cluster.deny) == denied with input as switching({}, clusters)
		rules(live_cluster.deny) == denied with input as object.union(with_after(canary.after, canary.healthy), {"clusters": clusters})
	}
}

test_who_keeps_the_users_is_not_measured if {
	same := {"before": {"blue": 0.5, "green": 0.5}, "after": {"blue": 0.5, "green": 0.5}, "healthy": {"blue": true, "green": true}}
	count(live_cluster.deny) == 0 with input as switching(same, {"green": {"healthy": false}})
}

test_the_replacement_is_as_large_as_what_it_replaces if {
	moved := {"before": {"blue": 0.5, "red": 0.5}, "after": {"red": 0.5, "green": 0.5}, "healthy": {"red": true, "green": true}}
	clusters := {"red": fixtures.cluster(true, 9, 9)}
	switch := {"way": "listener", "known": true, "why": ""}
	count(live_cluster.deny) == 0 with input as json.patch(
		switching({}, clusters),
		[{"op": "replace", "path": "/shift", "value": object.union(switch, moved)}],
	)
}

test_users_move_to_no_unhealthy_target if {
	every health in [{"green": false}, {}] {
		rules(live_cluster.deny) == denied with input as with_after({"green": 1}, health)
	}
	some entry in live_cluster.deny with input as with_after({"green": 1}, {"green": false})
	contains(entry.message, "This is not a safe switch: not all targets of green pass the load balancer's health checks.")
}

test_within_a_cluster_only_the_targets_count if {
	within := object.union(with_after({"blue": 1}, {"blue": false}), {"clusters": {"blue": {"healthy": false}}})
	some entry in live_cluster.deny with input as within
	contains(entry.message, "This is not a safe switch: not all targets of blue pass the load balancer's health checks.")
}

test_the_message_has_every_gap if {
	request := switching({}, {"green": {"running": 2, "healthy": false}})
	some entry in live_cluster.deny with input as request
	contains(entry.message, "ModifyListener would take users from web, a load balancer of the live cluster blue (3 of 3 machines running).")
	contains(entry.message, "This is not a safe switch: green is not known to be healthy; green runs 2 machines and blue runs 3 machines")
	contains(entry.message, "; green runs 2 of ")
}

test_an_unknown_switch_is_refused if {
	unknown := {"known": false, "why": "nothing is registered with web/1"}
	some entry in live_cluster.deny with input as switching(unknown, {})
	entry.rule == "live-cluster/switch"
	contains(entry.message, "This is not a safe switch: nothing is registered with web/1.")
	every strange in [{"known": false, "why": null}, {"known": "yes"}] {
		rules(live_cluster.deny) == denied with input as switching(strange, {})
	}
	rules(live_cluster.deny) == denied with input as switching({"way": "rule", "known": false}, {})
	some other in live_cluster.deny with input as switching({"known": "yes"}, {})
	contains(other.message, "This is not a safe switch: it is not known who gets them.")
	rules(live_cluster.deny) == denied with input as with_after({}, {})
}

test_a_switch_of_what_is_not_live_is_free if {
	stage := {"stage": fixtures.thing("load-balancer", ["green"])}
	request := object.union(fixtures.request("ModifyListener", ["traffic"], stage), {"shift": {"known": false}})
	count(live_cluster.deny) == 0 with input as request
}

test_a_switch_without_an_effect_is_free if {
	count(live_cluster.deny) == 0 with input as object.union(switching({"known": false}, {}), {"call": {"effects": ["indirect"]}})
}
