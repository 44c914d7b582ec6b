package guardrails.environment_test

import data.guardrails.environment
import data.guardrails.fixtures_test as fixtures

run(test_run, real) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("green")}),
	{"caller": {"test_run": test_run}, "call": {"real": real, "endpoint": "https://ec2.eu-west-1.amazonaws.com"}},
)

test_the_parameter_decides if {
	every word, counts in {"deny": [1, 0], "nonsense": [1, 0], "warn": [0, 1], "allow": [0, 0]} {
		count(environment.deny) == counts[0] with input as run(true, true) with data.guardrails.params.test_runs as word
		count(environment.warn) == counts[1] with input as run(true, true) with data.guardrails.params.test_runs as word
	}
}

test_the_message_names_program_and_endpoint if {
	some entry in environment.deny with input as run(true, true)
	contains(entry.message, "from a test run (p) to the real AWS (https://ec2.eu-west-1.amazonaws.com)")
}

test_simulators_and_other_programs_are_ignored if {
	count(environment.deny) == 0 with input as run(true, false)
	count(environment.deny) == 0 with input as run(false, true)
}

test_a_harmless_call_passes if {
	asked := json.patch(run(true, true), [{"op": "replace", "path": "/call/effects", "value": ["capacity"]}])
	count(environment.deny) == 0 with input as asked
}

test_simulators_and_other_programs_get_no_warning if {
	every asked in [run(true, false), run(false, true)] {
		count(environment.warn) == 0 with input as asked with data.guardrails.params.test_runs as "warn"
	}
}
