package guardrails.unreviewed_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.unreviewed

asked := fixtures.request("FlattenSubnet", ["unreviewed"], {})

test_the_parameter_decides if {
	every word, counts in {"warn": [0, 1], "deny": [1, 0], "nonsense": [1, 0], "allow": [0, 0]} {
		count(unreviewed.deny) == counts[0] with input as asked with data.guardrails.params.unreviewed as word
		count(unreviewed.warn) == counts[1] with input as asked with data.guardrails.params.unreviewed as word
	}
}

test_the_message_names_the_operation if {
	some entry in unreviewed.warn with input as asked
	contains(entry.message, "FlattenSubnet of ec2 changes something")
}

test_known_operations_pass if {
	known := fixtures.request("TerminateInstances", ["terminate"], {})
	count(unreviewed.warn | unreviewed.deny) == 0 with input as known
}

test_known_operations_pass_when_unknown_ones_are_denied if {
	known := fixtures.request("TerminateInstances", ["terminate"], {})
	count(unreviewed.deny) == 0 with input as known with data.guardrails.params.unreviewed as "deny"
}
