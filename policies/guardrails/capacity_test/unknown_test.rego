package guardrails.capacity_test

import data.guardrails.capacity

test_unknown_capacity_gets_a_warning if {
	some entry in capacity.warn with input as launching({"unknown": [{"what": "addresses", "why": "no default subnet"}]})
	[entry.rule, entry.target] == ["capacity/unknown", "(capacity)"]
	contains(entry.message, "no default subnet")
	count(capacity.warn) == 0 with input as launching({"unknown": [{"what": "quota", "why": "no permission"}]})
}

hint(operation) := entry.remediation if {
	request := object.union(
		launching({"unknown": [{"what": "addresses", "why": "no permission"}]}),
		{"call": {"operation": operation}},
	)
	some entry in capacity.warn with input as request
}

test_it_names_what_to_check if {
	hint("RunInstances") == "Check yourself that the subnet has enough free addresses."
	hint("AllocateAddress") == "Check yourself that the account's quota of Elastic IPs has room."
	hint("StartInstances") == "Check yourself that the account's quota of vCPUs has room."
}
