package guardrails.capacity_test

import data.guardrails.capacity
import data.guardrails.fixtures_test as fixtures

test_a_launch_without_room_is_denied_with_numbers if {
	some entry in capacity.deny with input as at({})
	entry.rule == "capacity/addresses"
	entry.target == "subnet-1"
	contains(entry.message, "needs 8 free addresses in subnet-1, which has 3: room for 3 of 8 machines")
	contains(entry.remediation, "subnet-2 in the same zone has 200 free addresses")
	contains(entry.remediation, "subnet-3 in another zone, b, has 90 free addresses")
}

test_no_other_subnet_is_reported if {
	some entry in capacity.deny with input as at({"alternatives": []})
	contains(entry.remediation, "no other subnet of this network has enough free addresses")
}

test_a_launch_with_just_enough_room_passes if {
	count(capacity.deny) == 0 with input as at({"free": 8})
	count(capacity.warn) == 0 with input as at({"free": 8})
	count(capacity.deny) == 0 with input as fixtures.request("RunInstances", ["capacity"], {})
}

test_another_subnet_is_named if {
	some entry in capacity.deny with input as at({"alternatives": [{"id": "subnet-2", "free": 200, "zone": "a"}]})
	contains(entry.remediation, "Use another subnet: subnet-2")
}
