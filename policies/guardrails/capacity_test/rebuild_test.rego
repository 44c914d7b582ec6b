package guardrails.capacity_test

import data.guardrails.capacity
import data.guardrails.fixtures_test as fixtures

destroying(taken, tokens) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("green")}),
	{
		"clusters": {"green": object.union(fixtures.cluster(false, 4000, 4000), {"targeted": taken})},
		"history": {"launch_tokens": tokens},
	},
)

test_a_slow_rebuild_needs_confirmation if {
	some entry in capacity.confirm with input as destroying(3000, 600)
	entry.rule == "capacity/rebuild"
	contains(entry.message, "would take 3000 of 4000 machines of green.")
	contains(entry.message, "at least 20 min")
	count(capacity.confirm) == 0 with input as destroying(3000, 2400)
	count(capacity.confirm) == 0 with input as destroying(2000, 0)
}

test_unknown_tokens_count_as_none if {
	rules(capacity.confirm) == {"capacity/rebuild"} with input as destroying(3000, null)
}

test_stopped_machines_need_not_be_rebuilt if {
	asked := json.patch(destroying(3000, 0), [{"op": "replace", "path": "/call/effects", "value": ["stop"]}])
	count(capacity.confirm) == 0 with input as asked
}

test_minutes_are_counted_exactly if {
	some entry in capacity.confirm with input as destroying(4000, 0)
	contains(entry.message, "at least 34 min")
	count(capacity.confirm) == 0 with input as destroying(3000, 1800)
	count(capacity.confirm) == 1 with input as destroying(3000, 1799)
}
