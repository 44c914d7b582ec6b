package guardrails.capacity_test

import data.guardrails.capacity

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
