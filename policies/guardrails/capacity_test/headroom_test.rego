package guardrails.capacity_test

import data.guardrails.capacity

test_room_for_the_live_cluster_is_kept if {
	some entry in capacity.warn with input as at({"free": 10, "reserved": 3})
	entry.rule == "capacity/headroom"
	contains(entry.message, "would leave 2 free addresses in subnet-1, but the live cluster may need 3 to grow")
	count(capacity.warn) == 0 with input as at({"free": 11, "reserved": 3})
}

test_the_parameter_headroom_decides if {
	every word, counts in {"warn": [1, 0], "deny": [0, 1], "allow": [0, 0], "nonsense": [0, 1]} {
		count(capacity.warn) == counts[0] with input as at({"free": 10, "reserved": 3})
			with data.guardrails.params.capacity.headroom as word
		count(capacity.deny) == counts[1] with input as at({"free": 10, "reserved": 3})
			with data.guardrails.params.capacity.headroom as word
	}
}

test_headroom_machines_adds_to_the_reserve if {
	count(capacity.warn) == 1 with input as at({"free": 10})
		with data.guardrails.params.capacity.headroom_machines as 5

	# The room is reserved for the live cluster's own growth.
	count(capacity.warn) == 0 with input as object.union(at({"free": 10}), {"capacity": {"grows": "blue"}})
		with data.guardrails.params.capacity.headroom_machines as 5
}

test_room_for_one_machine_of_the_live_cluster_is_kept if {
	count(capacity.warn) == 1 with input as at({"free": 8, "reserved": 1})
}

test_the_live_cluster_grows_in_its_own_subnets if {
	count(capacity.warn) == 0 with input as at({"free": 10, "subnets": ["subnet-9"]})
		with data.guardrails.params.capacity.headroom_machines as 5
}
