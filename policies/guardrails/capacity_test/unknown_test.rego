package guardrails.capacity_test

import data.guardrails.capacity

test_unknown_capacity_gets_a_warning if {
	some entry in capacity.warn with input as launching({"unknown": [{"what": "addresses", "why": "no default subnet"}]})
	entry.rule == "capacity/unknown"
	contains(entry.message, "no default subnet")
	count(capacity.warn) == 0 with input as launching({"unknown": [{"what": "quota", "why": "no permission"}]})
}
