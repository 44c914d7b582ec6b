package guardrails.remaining_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.remaining

alone(hosts, cluster) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine(cluster)}),
	{
		"clusters": {cluster: object.union(fixtures.cluster(cluster == "blue", 10, 10), {"targeted": 1})},
		"history": {"hosts": hosts, "unshared": "the table is away"},
	},
)

test_a_live_cluster_is_kept_while_the_memory_is_away if {
	entries := remaining.deny with input as alone(0, "blue") with data.guardrails.params.remaining as bounds
	some entry in entries
	entry.rule == "remaining/shared-memory"
	entry.target == "i-1"
	contains(entry.message, "would harm i-1 of blue, and it is unknown what other hosts did: the table is away.")
}

test_a_bounded_cluster_is_kept_while_the_memory_is_away if {
	rules(remaining.deny) == {"remaining/shared-memory"} with input as alone(0, "workers")
		with data.guardrails.params.remaining as bounds
}

test_another_cluster_is_decided_on_by_facts_alone if {
	count(remaining.deny) == 0 with input as alone(0, "green") with data.guardrails.params.remaining as bounds
}

test_what_harms_nothing_passes_while_the_memory_is_away if {
	asked := json.patch(alone(0, "workers"), [{"op": "replace", "path": "/call/effects", "value": ["capacity"]}])
	count(remaining.deny) == 0 with input as asked with data.guardrails.params.remaining as bounds
}

test_a_memory_that_answers_is_no_reason if {
	count(remaining.deny) == 0 with input as alone(1, "workers") with data.guardrails.params.remaining as bounds
}

test_each_host_keeps_its_part_of_the_share if {
	count(remaining.deny) == 0 with input as alone(3, "workers") with data.guardrails.params.remaining as bounds
}

test_more_than_its_part_is_denied if {
	entries := remaining.deny with input as alone(4, "workers") with data.guardrails.params.remaining as bounds
	rules(entries) == {"remaining/share"}
	some entry in entries
	contains(entry.message, "4 of 10 if each of 4 hosts does the same, which share no memory now, above the limit of 34%")
}

test_earlier_calls_of_this_host_count_for_each if {
	asked := json.patch(alone(2, "workers"), [{"op": "add", "path": "/history/destroyed", "value": {"workers": 2}}])
	entries := remaining.deny with input as asked with data.guardrails.params.remaining as bounds
	rules(entries) == {"remaining/share"}
	some entry in entries
	contains(entry.message, "6 of 12 if each of 2 hosts does the same")
}

test_the_bounds_hold_while_the_memory_is_away if {
	asked := json.patch(alone(0, "workers"), [{"op": "replace", "path": "/clusters/workers/targeted", "value": 4}])
	rules(remaining.deny) == {"remaining/shared-memory", "remaining/share"} with input as asked
		with data.guardrails.params.remaining as bounds
}

test_each_host_keeps_its_part_of_the_minimum if {
	asked := alone(5, "workers")
	low := {"bounds": {"max_share": 1, "min_running": 1}, "clusters": {"workers": {"min_running": 6}}}
	entries := remaining.deny with input as asked with data.guardrails.params.remaining as low
	rules(entries) == {"remaining/minimum"}
	some entry in entries
	contains(entry.message, "would leave 5 of 10 running machines of workers if each of 5 hosts does the same")
}

test_the_last_host_leaves_just_enough if {
	low := {"bounds": {"max_share": 1, "min_running": 1}, "clusters": {"workers": {"min_running": 5}}}
	count(remaining.deny) == 0 with input as alone(5, "workers") with data.guardrails.params.remaining as low
}

keeping(minimum) := {
	"bounds": {"max_share": 9, "min_running": 1},
	"clusters": {"workers": {"min_running": minimum}},
}

test_what_other_hosts_may_have_in_flight_is_not_left if {
	asked := json.patch(alone(3, "workers"), [{"op": "replace", "path": "/clusters/workers/in_flight", "value": 2}])
	count(remaining.deny) == 0 with input as asked with data.guardrails.params.remaining as keeping(3)
	entries := remaining.deny with input as asked with data.guardrails.params.remaining as keeping(4)
	some entry in entries
	entry.rule == "remaining/minimum"
	contains(entry.message, "would leave 3 of 10 running machines")
}

test_missing_machines_count_for_each_host if {
	asked := json.patch(alone(3, "workers"), [{"op": "add", "path": "/clusters/workers/serving", "value": 10}])
	count(remaining.deny) == 0 with input as asked
		with data.guardrails.params.remaining as object.union(bounds, {"of": "desired"})
	more := json.patch(alone(4, "workers"), [{"op": "add", "path": "/clusters/workers/serving", "value": 10}])
	rules(remaining.deny) == {"remaining/share"} with input as more
		with data.guardrails.params.remaining as object.union(bounds, {"of": "desired"})
}

# Blue's address goes to green while the memory is away.
switching := object.union(
	fixtures.request("AssociateAddress", ["ip"], {"eipalloc-1": fixtures.thing("address", ["blue"])}),
	{
		"history": {"hosts": 0, "unshared": "the table is away"},
		"shift": {
			"way": "address", "known": true, "why": "", "before": {"blue": 1}, "after": {"green": 1},
			"healthy": {"green": true}, "machines_before": {"blue": 1}, "machines_after": {"green": 1},
		},
	},
)

test_a_safe_switch_passes_while_the_memory_is_away if {
	count(remaining.deny) == 0 with input as switching
	both := json.patch(switching, [{"op": "replace", "path": "/call/effects", "value": ["ip", "traffic"]}])
	count(remaining.deny) == 0 with input as both
}

test_no_other_switch_passes_while_the_memory_is_away if {
	every change in [
		{"op": "replace", "path": "/shift/healthy", "value": {"green": false}},
		{"op": "replace", "path": "/clusters/green/healthy", "value": false},
		{"op": "remove", "path": "/shift"},
		{"op": "replace", "path": "/call/effects", "value": ["ip", "terminate"]},
		{"op": "replace", "path": "/call/effects", "value": ["ip", "storage"]},
	] {
		rules(remaining.deny) == {"remaining/shared-memory"} with input as json.patch(switching, [change])
	}
}
