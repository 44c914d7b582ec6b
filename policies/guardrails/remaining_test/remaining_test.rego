package guardrails.remaining_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.lib
import data.guardrails.remaining

bounds := {"bounds": {"max_share": 0.34, "min_running": 1}, "clusters": {"workers": {"min_running": 2}}}

# Ten machines: this call names some, others went recently.
naming(named, gone, in_flight) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("workers")}),
	{
		"clusters": {"workers": object.union(
			fixtures.cluster(false, 10, 10),
			{"targeted": named, "in_flight": in_flight},
		)},
		"history": {"destroyed": {"workers": gone}},
	},
)

rules(entries) := {entry.rule | some entry in entries}

test_a_few_may_go if {
	count(remaining.deny) == 0 with input as naming(3, 0, 0) with data.guardrails.params.remaining as bounds
}

test_no_more_than_the_share_may_go_at_once if {
	entries := remaining.deny with input as naming(4, 0, 0) with data.guardrails.params.remaining as bounds
	rules(entries) == {"remaining/share"}
	some entry in entries
	contains(entry.message, "4 of 10, above the limit of 34%")
}

test_single_calls_add_up if {
	count(remaining.deny) == 0 with input as naming(1, 2, 0) with data.guardrails.params.remaining as bounds
	rules(remaining.deny) == {"remaining/share"} with input as naming(1, 4, 0)
		with data.guardrails.params.remaining as bounds
}

test_terminating_machines_count if {
	rules(remaining.deny) == {"remaining/share"} with input as naming(2, 0, 3)
		with data.guardrails.params.remaining as bounds
}

test_the_minimum_stays if {
	rules(remaining.deny) == {"remaining/minimum", "remaining/share"} with input as naming(9, 0, 0)
		with data.guardrails.params.remaining as bounds
}

test_a_group_counts_with_all_its_machines if {
	group := object.union(naming(0, 0, 0), {"targets": {"g": fixtures.thing("asg", ["workers"])}})
	asked := json.remove(group, ["targets/i-1"])
	rules(remaining.deny) == {"remaining/minimum", "remaining/share"} with input as asked
		with data.guardrails.params.remaining as bounds
}

test_clusters_without_bounds_may_be_destroyed if {
	asked := json.patch(naming(10, 0, 0), [{"op": "replace", "path": "/clusters", "value": {"green": object.union(
		fixtures.cluster(false, 3, 3),
		{"targeted": 3},
	)}}])
	count(remaining.deny) == 0 with input as asked with data.guardrails.params.remaining as bounds
}

live(effect) := object.union(
	fixtures.request("X", [effect], {"i-1": fixtures.machine("blue")}),
	{"clusters": {"blue": object.union(fixtures.cluster(true, 3, 3), {"targeted": 2})}},
)

test_a_relaxed_live_cluster_has_bounds if {
	every effect in ["terminate", "stop"] {
		rule := sprintf("live-cluster/%s", [effect])
		count(remaining.deny) == 0 with input as live(effect)
		rules(remaining.deny) == {"remaining/share"} with input as live(effect)
			with data.guardrails.params.enforcement as {rule: "warn"}
		count(remaining.deny) == 0 with input as live(effect)
			with data.guardrails.params.enforcement as {rule: "deny"}
	}
}

test_a_missing_history_counts_as_none if {
	rules(remaining.deny) == {"remaining/share"} with input as object.union(naming(4, 0, 0), {"history": {}})
		with data.guardrails.params.remaining as bounds
	not lib.live_known with input as object.union(naming(4, 0, 0), {"live": {"known": false}})
}

test_each_effect_is_relaxed_by_its_own_rule if {
	count(remaining.deny) == 0 with input as live("stop")
		with data.guardrails.params.enforcement as {"live-cluster/terminate": "warn"}
	count(remaining.deny) == 0 with input as live("terminate")
		with data.guardrails.params.enforcement as {"live-cluster/stop": "warn"}
}

test_calls_that_take_no_machine_pass if {
	asked := json.patch(naming(9, 0, 0), [{"op": "replace", "path": "/call/effects", "value": ["network"]}])
	count(remaining.deny) == 0 with input as asked with data.guardrails.params.remaining as bounds
	count(remaining.deny) == 0 with input as naming(0, 9, 0) with data.guardrails.params.remaining as bounds
	small := object.union(naming(0, 0, 0), {"clusters": {"workers": {"running": 1}}})
	count(remaining.deny) == 0 with input as small with data.guardrails.params.remaining as bounds
}

test_one_machine_can_be_too_many if {
	small := object.union(naming(1, 0, 0), {"clusters": {"workers": {"running": 2}}})
	rules(remaining.deny) == {"remaining/minimum"} with input as small with data.guardrails.params.remaining as bounds
}

test_stopped_machines_count if {
	asked := object.union(naming(2, 0, 0), {"history": {"stopped": {"workers": 2}}})
	rules(remaining.deny) == {"remaining/share"} with input as asked with data.guardrails.params.remaining as bounds
}

test_exactly_the_share_may_go if {
	half := object.union(bounds, {"clusters": {"workers": {"max_share": 0.5}}})
	count(remaining.deny) == 0 with input as naming(5, 0, 0) with data.guardrails.params.remaining as half
}

# One call for so many of the ten machines of a live group, or of another thing of that group.
of_group(named, patch) := object.union(
	object.union(naming(named, 0, 0), {
		"clusters": {"workers": {"live": true, "kind": "asg"}},
		"live": {"clusters": ["workers"]},
	}),
	patch,
)

test_a_live_group_keeps_two_thirds if {
	count(remaining.deny) == 0 with input as of_group(3, {})
	rules(remaining.deny) == {"remaining/share"} with input as of_group(4, {})
	rules(remaining.deny) == {"remaining/minimum", "remaining/share"} with input as of_group(10, {})
	count(remaining.deny) == 0 with input as of_group(4, {"clusters": {"workers": {"kind": "stack"}}})
	count(remaining.deny) == 0 with input as of_group(4, {}) with data.guardrails.params.inferred as "ignore"
}

test_a_live_group_may_have_bounds_of_its_own if {
	own := {"bounds": {"max_share": 0.34, "min_running": 1}, "clusters": {"workers": {"max_share": 0.9}}}
	count(remaining.deny) == 0 with input as of_group(8, {}) with data.guardrails.params.remaining as own
}

# Of ten running machines, so many serve; the call names some, and some of those serve.
counted(of, serving, named, named_serving) := rules(entries) if {
	asked := object.union(naming(named, 0, 0), {"clusters": {"workers": {
		"serving": serving,
		"serving_targeted": named_serving,
	}}})
	entries := remaining.deny with input as asked with data.guardrails.params.remaining as object.union(bounds, {"of": of})
}

test_only_healthy_machines_count if {
	counted("healthy", 6, 2, 2) == set()
	counted("healthy", 6, 3, 3) == {"remaining/share"}
	counted("healthy", 6, 5, 5) == {"remaining/minimum", "remaining/share"}
	counted("healthy", 6, 4, 0) == set()
	counted("running", 6, 3, 3) == set()
}

test_an_unknown_word_counts_what_runs if {
	counted("maybe", null, 3, null) == set()
	counted("maybe", null, 4, null) == {"remaining/share"}
}

test_other_calls_need_no_count if {
	asked := object.union(naming(1, 0, 0), {
		"call": {"effects": ["network"]},
		"clusters": {"workers": {"serving": null}},
	})
	count(remaining.deny) == 0 with input as asked
		with data.guardrails.params.remaining as object.union(bounds, {"of": "healthy"})
}

test_what_its_groups_should_have_counts if {
	counted("desired", 10, 3, 3) == set()
	counted("desired", 12, 3, 3) == {"remaining/share"}
	counted("desired", 12, 2, 2) == set()
	counted("desired", 4, 2, 2) == {"remaining/share"}
	counted("desired", 10, 9, 9) == {"remaining/minimum", "remaining/share"}
}

test_what_was_not_looked_up_denies if {
	counted("healthy", null, 1, null) == {"remaining/minimum"}
	counted("desired", null, 1, null) == {"remaining/minimum"}
	counted("running", null, 1, null) == set()
	counted("healthy", null, 0, null) == set()
}

test_the_message_says_what_is_counted if {
	asked := object.union(naming(5, 0, 0), {"clusters": {"workers": {"serving": 6, "serving_targeted": 5}}})
	texts := {entry.message |
		some of in ["running", "healthy", "desired"]
		some entry in remaining.deny with input as asked with data.guardrails.params.remaining as object.union(
			bounds,
			{"of": of},
		)
	}
	some one in texts
	contains(one, "would leave 1 of 6 healthy machines of workers")
	some two in texts
	contains(two, "5 of 6 that are healthy, above")
	last := object.union(asked, {"clusters": {"workers": {"targeted": 9}}})
	some five in remaining.deny with input as last with data.guardrails.params.remaining as bounds
	contains(five.message, "would leave 1 of 10 running machines of workers")
	some three in texts
	contains(three, "5 of 6 that its groups should have, above")
	some four in texts
	contains(four, "5 of 10, above")
}

test_a_group_is_taken_with_all_that_serves if {
	group := object.union(naming(0, 0, 0), {
		"targets": {"g": fixtures.thing("asg", ["workers"])},
		"clusters": {"workers": {"serving": 6, "serving_targeted": 0}},
	})
	asked := json.remove(group, ["targets/i-1"])
	rules(remaining.deny) == {"remaining/minimum", "remaining/share"} with input as asked
		with data.guardrails.params.remaining as object.union(bounds, {"of": "healthy"})
}

test_earlier_ones_count_beside_healthy_ones if {
	asked := object.union(naming(2, 2, 1), {"clusters": {"workers": {"serving": 6, "serving_targeted": 2}}})
	entries := remaining.deny with input as asked
		with data.guardrails.params.remaining as object.union(bounds, {"of": "healthy"})
	some entry in entries
	contains(entry.message, "5 of 9 that are healthy")
}

# Six machines of a live group that only AWS's tags show: this call names one, others left before.
leaving(operation, out, shift) := object.union(
	fixtures.request(operation, ["traffic"], {"i-1": fixtures.machine("eks/prod")}),
	{
		"call": {"service": "autoscaling"},
		"clusters": {"eks/prod": object.union(fixtures.cluster(true, 6, 6), {"targeted": 1, "kind": "eks"})},
		"live": {"clusters": ["eks/prod"]},
		"history": {"out": {"eks/prod": out}},
		"shift": shift,
	},
)

test_a_few_may_leave_their_load_balancer if {
	every operation in ["DetachInstances", "EnterStandby"] {
		count(remaining.deny) == 0 with input as leaving(operation, 0, null)
		count(remaining.deny) == 0 with input as leaving(operation, 1, null)
		rules(remaining.deny) == {"remaining/share"} with input as leaving(operation, 2, null)
	}
	rules(remaining.deny) == {"remaining/minimum", "remaining/share"} with input as leaving("EnterStandby", 5, null)
}

test_what_left_counts_when_machines_are_terminated if {
	terminated := json.patch(leaving("TerminateInstances", 2, null), [{"op": "replace", "path": "/call/effects", "value": ["terminate"]}])
	rules(remaining.deny) == {"remaining/share"} with input as terminated
}

test_leaving_counts_only_where_it_is_live if {
	named := object.union(
		leaving("EnterStandby", 5, null),
		{"clusters": {"eks/prod": {"live": false}}, "live": {"clusters": ["other"]}},
	)
	only := {"bounds": bounds.bounds, "clusters": {"eks/prod": {}}}
	count(remaining.deny) == 0 with input as named with data.guardrails.params.remaining as only
}

test_what_takes_no_machines_is_not_counted if {
	disk := json.patch(leaving("DeleteVolume", 5, null), [{"op": "replace", "path": "/call/effects", "value": ["storage"]}])
	count(remaining.deny) == 0 with input as disk
}

# The same where it is not live, and the configuration bounds it.
retired(operation, history) := object.union(
	leaving(operation, 0, null),
	{"clusters": {"eks/prod": {"live": false}}, "live": {"clusters": ["other"]}, "history": history},
)

test_leaving_what_is_not_live_is_not_counted if {
	only := {"bounds": bounds.bounds, "clusters": {"eks/prod": {}}}
	gone := retired("EnterStandby", {"destroyed": {"eks/prod": 5}})
	count(remaining.deny) == 0 with input as gone with data.guardrails.params.remaining as only
	left := json.patch(
		retired("TerminateInstances", {"out": {"eks/prod": 5}}),
		[{"op": "replace", "path": "/call/effects", "value": ["terminate"]}],
	)
	count(remaining.deny) == 0 with input as left with data.guardrails.params.remaining as only
}
