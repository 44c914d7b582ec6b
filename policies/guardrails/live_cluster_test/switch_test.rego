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

not_switched := {"live-cluster/switch"}

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
		rules(live_cluster.deny) == not_switched with input as with_after({"blue": 1}, health)
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
		rules(live_cluster.deny) == not_switched with input as switching({}, clusters)
		rules(live_cluster.deny) == not_switched with input as object.union(with_after(canary.after, canary.healthy), {"clusters": clusters})
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
		rules(live_cluster.deny) == not_switched with input as with_after({"green": 1}, health)
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
		rules(live_cluster.deny) == not_switched with input as switching(strange, {})
	}
	rules(live_cluster.deny) == not_switched with input as switching({"way": "rule", "known": false}, {})
	some other in live_cluster.deny with input as switching({"known": "yes"}, {})
	contains(other.message, "This is not a safe switch: it is not known who gets them.")
	rules(live_cluster.deny) == not_switched with input as with_after({}, {})
}

test_a_switch_of_what_is_not_live_is_free if {
	stage := {"stage": fixtures.thing("load-balancer", ["green"])}
	request := object.union(fixtures.request("ModifyListener", ["traffic"], stage), {"shift": {"known": false}})
	count(live_cluster.deny) == 0 with input as request
}

test_a_switch_without_an_effect_is_free if {
	count(live_cluster.deny) == 0 with input as object.union(switching({"known": false}, {}), {"call": {"effects": ["indirect"]}})
}

# Blue's two machines, and this many of green's, share the users.
sharing(after, number) := json.patch(
	with_after(after, {"blue": true, "green": true}),
	[
		{"op": "add", "path": "/shift/machines_before", "value": {"blue": 10}},
		{"op": "add", "path": "/shift/machines_after", "value": {"green": number}},
	],
)

test_enough_machines_share_the_users if {
	count(live_cluster.deny) == 0 with input as sharing({"green": 1}, 10)
	rules(live_cluster.deny) == not_switched with input as sharing({"green": 1}, 9)
	some entry in live_cluster.deny with input as sharing({"green": 1}, 9)
	contains(entry.message, "This is not a safe switch: too few machines of green would share the users (9).")
}

test_a_part_of_the_users_needs_a_part_of_the_machines if {
	count(live_cluster.deny) == 0 with input as sharing({"blue": 0.9, "green": 0.1}, 1)
	rules(live_cluster.deny) == not_switched with input as sharing({"blue": 0.8, "green": 0.2}, 1)
}

test_the_required_share_of_machines_is_a_parameter if {
	halved := object.union(data.guardrails.params, {"cutover": {"min_share": 0.5}})
	count(live_cluster.deny) == 0 with input as sharing({"green": 1}, 5) with data.guardrails.params as halved
	rules(live_cluster.deny) == not_switched with input as sharing({"green": 1}, 4) with data.guardrails.params as halved
}

test_machines_that_are_not_counted_are_none if {
	request := json.patch(sharing({"green": 1}, 10), [{"op": "remove", "path": "/shift/machines_after"}])
	rules(live_cluster.deny) == not_switched with input as request
	some entry in live_cluster.deny with input as request
	contains(entry.message, "too few machines of green would share the users (0)")
	one := json.patch(request, [{"op": "replace", "path": "/shift/machines_before", "value": {"blue": 1}}])
	rules(live_cluster.deny) == not_switched with input as one
}

test_only_who_gains_users_is_counted if {
	half := json.patch(
		switching({}, {"red": fixtures.cluster(true, 3, 3)}),
		[
			{"op": "replace", "path": "/shift/before", "value": {"blue": 0.5, "red": 0.5}},
			{"op": "replace", "path": "/shift/after", "value": {"green": 0.5, "red": 0.5}},
			{"op": "add", "path": "/shift/machines_before", "value": {"blue": 3, "red": 1}},
			{"op": "add", "path": "/shift/machines_after", "value": {"green": 3, "red": 1}},
		],
	)
	some entry in live_cluster.deny with input as half
	contains(entry.message, "not all targets of red pass")
	not contains(entry.message, "too few machines")
}

test_every_way_is_judged_alike if {
	every way in ["targets", "record", "cnames"] {
		count(live_cluster.deny) == 0 with input as switching({"way": way}, {})
		rules(live_cluster.deny) == not_switched with input as switching({"way": way}, {"green": {"healthy": false}})
	}
}

test_what_is_only_taken_away_is_no_switch if {
	every way in ["targets", "record", "cnames"] {
		lost := switching({"way": way, "known": false, "why": "nothing else is there"}, {})
		rules(live_cluster.deny) == {"live-cluster/traffic"} with input as lost
		some entry in live_cluster.deny with input as lost
		contains(entry.message, "It is not known to be a safe switch: nothing else is there.")
	}
	some entry in live_cluster.deny with input as switching({"way": "record", "known": false}, {})
	not contains(entry.message, "It is not known")
	some other in live_cluster.deny with input as switching({"way": "record", "known": false, "why": null}, {})
	not contains(other.message, "It is not known")
}

test_an_address_and_a_pointer_have_rules_of_their_own if {
	every way in ["address", "pointer"] {
		rules(live_cluster.deny) == {"live-cluster/traffic"} with input as switching({"way": way}, {})
	}
}

test_a_switch_names_both_sides if {
	both := {"web": fixtures.thing("load-balancer", ["blue"]), "stage": fixtures.thing("load-balancer", ["green"])}
	swap := object.union(fixtures.request("Swap", ["traffic"], both), {"shift": object.union(to_green, {"way": "cnames"})})
	count(live_cluster.deny) == 0 with input as swap
	other := object.union(swap, {"shift": {"known": false}})
	"live-cluster/mixed-batch" in rules(live_cluster.deny) with input as other
}

test_the_remediation_fits_the_way if {
	every way, text in {
		"listener": "give it the weight 0",
		"targets": "Then take the machines of the live cluster out.",
		"record": "Change one name at a time.",
		"cnames": "by its own name before you swap",
	} {
		some entry in live_cluster.deny with input as switching({"way": way}, {"green": {"healthy": false}})
		contains(entry.remediation, text)
	}
}

# Green has just taken the users over from blue, which has fewer machines.
switching_back(machines) := object.union(
	fixtures.request("ModifyListener", ["traffic"], {"web": fixtures.thing("load-balancer", ["blue", "green"])}),
	{
		"shift": {
			"way": "listener", "known": true, "why": "",
			"before": {"green": 1}, "after": {"blue": 1}, "healthy": {"blue": true},
			"machines_before": {"green": 4}, "machines_after": {"blue": machines},
		},
		"clusters": {
			"blue": {"live": false, "retired_at": 1696864900},
			"green": {"live": true, "running": 4, "total": 4, "live_since": 1696864900},
		},
		"live": {"clusters": ["green"]},
	},
)

test_users_go_back_to_all_machines_of_a_smaller_cluster if {
	count(live_cluster.deny) == 0 with input as switching_back(3)
	rules(live_cluster.deny) == not_switched with input as switching_back(2)
	count(live_cluster.deny) == 0 with input as switching_back(2)
		with data.guardrails.params.cutover.min_share as 0.6
}

test_users_go_back_only_to_machines_that_are_counted if {
	alone := {"clusters": {"blue": {"running": 1, "total": 1}}}
	count(live_cluster.deny) == 0 with input as object.union(switching_back(1), alone)
	rules(live_cluster.deny) == not_switched with input as json.patch(
		object.union(switching_back(1), alone),
		[{"op": "remove", "path": "/shift/machines_after/blue"}],
	)
}

test_users_do_not_go_back_after_the_rollback_window if {
	rules(live_cluster.deny) == not_switched with input as switching_back(3)
		with data.guardrails.params.rollback_window_s as 20
}

test_users_of_a_third_cluster_do_not_go_back_with_them if {
	others := [
		{"op": "replace", "path": "/shift/before", "value": {"green": 0.5, "red": 0.5}},
		{"op": "add", "path": "/clusters/red", "value": fixtures.cluster(true, 3, 3)},
		{"op": "add", "path": "/shift/machines_before/red", "value": 9},
	]
	rules(live_cluster.deny) == not_switched with input as json.patch(switching_back(3), others)
}

deployed(known, healthy) := object.union(
	fixtures.request("SwitchoverBlueGreenDeployment", ["traffic"], {"bgd-1": fixtures.thing("db-bluegreen", ["blue"])}),
	{"shift": {
		"way": "deployment",
		"known": known,
		"before": {"blue": 1},
		"after": {"blue": 1},
		"healthy": {"blue": healthy},
		"why": "",
		"machines_before": {},
		"machines_after": {},
	}},
)

test_databases_of_a_cluster_change_places if {
	count(live_cluster.deny) == 0 with input as deployed(true, true)
	every asked in [deployed(true, false), deployed(false, true)] {
		some entry in live_cluster.deny with input as asked
		entry.rule == "live-cluster/switch"
		startswith(entry.remediation, "Wait, then try again.")
	}
}

test_other_switches_wait_for_machines if {
	shift := object.union(deployed(true, false).shift, {"way": "listener"})
	some entry in live_cluster.deny with input as object.union(deployed(true, false), {"shift": shift})
	entry.rule == "live-cluster/switch"
	startswith(entry.remediation, "Put every machine of the new cluster")
}

test_a_record_of_a_database_says_what_works if {
	shift := object.union(deployed(false, true).shift, {"way": "record", "why": "x is a database, and no look-up tells"})
	asked := object.union(
		fixtures.request("ChangeResourceRecordSets", ["traffic"], {"db CNAME": fixtures.thing("dns-record", ["blue"])}),
		{"shift": shift},
	)
	some entry in live_cluster.deny with input as asked
	contains(entry.remediation, "make sure that the new database has the same data, and break glass for live-cluster/traffic")
}
