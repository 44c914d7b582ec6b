package guardrails.capacity_test

import data.guardrails.capacity
import data.guardrails.fixtures_test as fixtures

place := {
	"subnets": ["subnet-1"],
	"zones": ["a"],
	"needed": 8,
	"free": 3,
	"fits": 3,
	"reserved": 0,
	"alternatives": [{"id": "subnet-2", "free": 200, "zone": "a"}, {"id": "subnet-3", "free": 90, "zone": "b"}],
}

launching(changes) := object.union(
	fixtures.request("RunInstances", ["capacity"], {}),
	{"capacity": object.union(
		{"machines": 8, "least": 1, "grows": "green", "places": [], "quotas": [], "unknown": []},
		changes,
	)},
)

at(changes) := launching({"places": [object.union(place, changes)]})

rules(found) := {entry.rule | some entry in found}

test_a_launch_without_room_is_denied_with_numbers if {
	some entry in capacity.deny with input as at({})
	entry.rule == "capacity/addresses"
	entry.target == "subnet-1"
	contains(entry.message, "needs 8 free addresses in subnet-1, which has 3: room for 3 of 8 machines")
	contains(entry.remediation, "subnet-2 in the same zone has 200 free addresses")
	contains(entry.remediation, "subnet-3 in another (b) zone has 90 free addresses")
}

test_without_another_subnet_it_says_so if {
	some entry in capacity.deny with input as at({"alternatives": []})
	contains(entry.remediation, "no other of this network has enough")
}

test_a_launch_with_just_enough_room_passes if {
	count(capacity.deny) == 0 with input as at({"free": 8})
	count(capacity.warn) == 0 with input as at({"free": 8})
	count(capacity.deny) == 0 with input as fixtures.request("RunInstances", ["capacity"], {})
}

quota(used) := launching({"quotas": [{
	"code": "L-1216C47A",
	"name": "vCPUs",
	"limit": 32,
	"used": used,
	"needed": 16,
}]})

test_a_launch_beyond_a_quota_is_denied if {
	some entry in capacity.deny with input as quota(20)
	entry.rule == "capacity/quota"
	contains(entry.message, "needs 16 more vCPUs; 20 of 32 are in use")
	count(capacity.deny) == 0 with input as quota(16)
}

test_room_for_the_live_cluster_is_kept if {
	some entry in capacity.warn with input as at({"free": 10, "reserved": 3})
	entry.rule == "capacity/headroom"
	contains(entry.message, "would leave 2 free addresses in subnet-1, and the live cluster may need 3")
	count(capacity.warn) == 0 with input as at({"free": 11, "reserved": 3})
}

test_the_parameter_says_what_happens_then if {
	every word, counts in {"warn": [1, 0], "deny": [0, 1], "allow": [0, 0], "nonsense": [0, 1]} {
		count(capacity.warn) == counts[0] with input as at({"free": 10, "reserved": 3})
			with data.guardrails.params.capacity.headroom as word
		count(capacity.deny) == counts[1] with input as at({"free": 10, "reserved": 3})
			with data.guardrails.params.capacity.headroom as word
	}
}

test_headroom_without_groups_is_a_parameter if {
	count(capacity.warn) == 1 with input as at({"free": 10})
		with data.guardrails.params.capacity.headroom_machines as 5

	# The live cluster's own growth is what the room is for.
	count(capacity.warn) == 0 with input as object.union(at({"free": 10}), {"capacity": {"grows": "blue"}})
		with data.guardrails.params.capacity.headroom_machines as 5
}

test_unknown_room_is_pointed_out if {
	some entry in capacity.warn with input as launching({"unknown": [{"what": "addresses", "why": "no default subnet"}]})
	entry.rule == "capacity/unknown"
	contains(entry.message, "no default subnet")
	count(capacity.warn) == 0 with input as launching({"unknown": [{"what": "quota", "why": "no permission"}]})
}

destroying(taken, tokens) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("green")}),
	{
		"clusters": {"green": object.union(fixtures.cluster(false, 4000, 4000), {"targeted": taken})},
		"history": {"launch_tokens": tokens},
	},
)

test_what_could_not_come_back_soon_is_confirmed if {
	some entry in capacity.confirm with input as destroying(3000, 600)
	entry.rule == "capacity/rebuild"
	contains(entry.message, "takes 3000 of 4000 machines of green")
	contains(entry.message, "in 20 min")
	count(capacity.confirm) == 0 with input as destroying(3000, 2400)
	count(capacity.confirm) == 0 with input as destroying(2000, 0)
}

test_an_unknown_number_of_tokens_counts_as_none if {
	rules(capacity.confirm) == {"capacity/rebuild"} with input as destroying(3000, null)
}

test_one_other_subnet_is_named if {
	some entry in capacity.deny with input as at({"alternatives": [{"id": "subnet-2", "free": 200, "zone": "a"}]})
	contains(entry.remediation, "Use another subnet: subnet-2")
}

test_room_for_one_machine_of_the_live_cluster_is_kept if {
	count(capacity.warn) == 1 with input as at({"free": 8, "reserved": 1})
}

test_the_live_cluster_grows_in_its_own_subnets if {
	count(capacity.warn) == 0 with input as at({"free": 10, "subnets": ["subnet-9"]})
		with data.guardrails.params.capacity.headroom_machines as 5
}

test_stopped_machines_need_not_be_rebuilt if {
	asked := json.patch(destroying(3000, 0), [{"op": "replace", "path": "/call/effects", "value": ["stop"]}])
	count(capacity.confirm) == 0 with input as asked
}

test_minutes_are_counted_exactly if {
	some entry in capacity.confirm with input as destroying(4000, 0)
	contains(entry.message, "in 34 min")
	count(capacity.confirm) == 0 with input as destroying(3000, 1800)
	count(capacity.confirm) == 1 with input as destroying(3000, 1799)
}
