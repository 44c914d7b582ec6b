package guardrails.caller_test

import data.guardrails.caller
import data.guardrails.fixtures_test as fixtures

run(kind, denials) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("green")}),
	{"caller": {"kind": kind, "denials": denials, "program": "ops.py"}},
)

test_an_agent_is_stopped_at_its_limit if {
	count(caller.deny) == 1 with input as run("agent", 3) with data.guardrails.params.denials as {"agent": 3}
}

test_an_agent_is_stopped_beyond_its_limit if {
	count(caller.deny) == 1 with input as run("agent", 4) with data.guardrails.params.denials as {"agent": 3}
}

test_an_agent_may_go_on_below_its_limit if {
	count(caller.deny) == 0 with input as run("agent", 2) with data.guardrails.params.denials as {"agent": 3}
}

test_an_unknown_number_counts_as_too_many if {
	some entry in caller.deny with input as run("agent", null) with data.guardrails.params.denials as {"agent": 3}
	contains(entry.message, "(agent), and was denied on a live cluster an unknown number of times within")
}

test_the_message_names_the_program_and_the_number if {
	some entry in caller.deny with input as run("agent", 3) with data.guardrails.params.denials as {"agent": 3}
	[entry.rule, entry.target] == ["caller/denials", "(caller)"]
	contains(entry.message, "comes from ops.py (agent), and was denied on a live cluster 3 times within the last hour")
	contains(entry.remediation, "who can approve this call or break the glass for this rule. An hour after")
}

test_the_parameter_names_the_kinds if {
	count(caller.deny) == 1 with input as run("ci", 5) with data.guardrails.params.denials as {"ci": 5}
}

test_other_kinds_have_no_limit if {
	count(caller.deny) == 0 with input as run("person", 9) with data.guardrails.params.denials as {"agent": 3}
}

test_zero_is_no_limit if {
	count(caller.deny) == 0 with input as run("agent", 9) with data.guardrails.params.denials as {"agent": 0}
}

test_a_harmless_call_passes if {
	asked := json.patch(run("agent", 9), [{"op": "replace", "path": "/call/effects", "value": ["capacity"]}])
	count(caller.deny) == 0 with input as asked with data.guardrails.params.denials as {"agent": 3}
}

test_a_limit_of_one_is_a_limit if {
	count(caller.deny) == 1 with input as run("agent", 1) with data.guardrails.params.denials as {"agent": 1}
}
