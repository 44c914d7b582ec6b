package guardrails.opaque_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.opaque

on(targets) := fixtures.request("SendCommand", ["opaque"], targets)

test_a_command_on_live_machines_needs_confirmation if {
	some entry in opaque.confirm with input as on({"i-1": fixtures.machine("blue")})
	entry.rule == "opaque/command"
	entry.target == "i-1"
	contains(entry.message, "cannot inspect on i-1 of the live cluster blue")
	count(opaque.warn) == 0 with input as on({"i-1": fixtures.machine("blue")})
}

test_a_command_on_other_machines_passes if {
	count(opaque.confirm) == 0 with input as on({"i-1": fixtures.machine("green")})
}

test_a_command_on_unknown_targets_needs_confirmation if {
	untraced := object.union(fixtures.thing("ssm-item", []), {"facts": {"traced": false}})
	every target in [fixtures.unresolved, untraced] {
		some entry in opaque.confirm with input as on({"i-1": target})
		contains(entry.message, "cannot inspect on i-1, which may be live.")
	}
}

test_a_command_needs_confirmation_while_live_is_unknown if {
	unknown := {"live": {"known": false, "clusters": []}, "clusters": {"blue": {"live": false}}}
	some entry in opaque.confirm with input as object.union(on({"i-1": fixtures.machine("green")}), unknown)
	entry.target == "i-1"
	count(opaque.confirm) == 0 with input as object.union(on({"x": fixtures.thing("vpc", [])}), unknown)
	every selector in ["tagged", "tag-selector"] {
		count(opaque.confirm) == 1 with input as object.union(on({"x": fixtures.thing(selector, [])}), unknown)
	}
}

test_a_command_without_a_target_needs_confirmation if {
	some entry in opaque.confirm with input as on({})
	entry.target == "(anywhere)"
	contains(entry.message, "cannot inspect on machines that it does not name")
}

test_the_parameter_decides if {
	every word, counts in {"warn": [0, 1], "allow": [0, 0], "nonsense": [1, 0]} {
		count(opaque.confirm) == counts[0] with input as on({}) with data.guardrails.params.opaque as word
		count(opaque.warn) == counts[1] with input as on({}) with data.guardrails.params.opaque as word
	}
}

test_other_calls_without_a_target_are_ignored if {
	count(opaque.confirm) == 0 with input as fixtures.request("X", ["terminate"], {})
}

test_a_part_that_was_not_found_may_be_live if {
	every fact in ["unread", "missing"] {
		group := object.union(fixtures.thing("codedeploy-group", []), {"facts": {fact: ["group x"]}})
		count(opaque.confirm) == 1 with input as on({"g": group})
		whole := object.union(fixtures.thing("codedeploy-group", []), {"facts": {fact: []}})
		count(opaque.confirm) == 0 with input as on({"g": whole})
	}
}

test_an_automation_that_runs_elsewhere_needs_confirmation if {
	elsewhere := object.union(fixtures.thing("location", []), {"facts": {"unread": ["us-east-1"]}})
	some entry in opaque.confirm with input as on({"us-east-1": elsewhere})
	contains(entry.message, "cannot inspect in us-east-1, whose machines cannot be seen from here.")
	here := object.union(fixtures.thing("location", []), {"facts": {"spared": "it is here"}})
	count(opaque.confirm) == 0 with input as on({"eu-west-1": here, "i-1": fixtures.machine("green")})
}

test_other_calls_get_no_warning if {
	asked := fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("blue")})
	count(opaque.warn | opaque.confirm) == 0 with input as asked with data.guardrails.params.opaque as "warn"
}

test_a_command_on_terminated_machines_alone_passes if {
	gone := object.union(fixtures.machine("green"), {"state": "terminated"})
	count(opaque.confirm) == 0 with input as on({"i-1": gone})
	some entry in opaque.confirm with input as on({"i-1": gone, "i-2": fixtures.machine("blue")})
	entry.target == "i-2"
}

test_an_automation_on_terminated_machines_may_find_others if {
	gone := object.union(fixtures.machine("green"), {"state": "terminated"})
	started := fixtures.request("StartAutomationExecution", ["opaque"], {"i-1": gone})
	some entry in opaque.confirm with input as started
	contains(entry.message, "on machines that it does not name; it names only i-1, which no longer exist")
}

test_a_command_that_names_its_machines_runs_nowhere_else if {
	started := fixtures.request("StartAutomationExecution", ["opaque"], {"i-1": fixtures.machine("green")})
	count(opaque.confirm) == 0 with input as started
}

test_a_command_that_names_nothing_does_not_name_what_is_gone if {
	some entry in opaque.confirm with input as fixtures.request("StartAutomationExecution", ["opaque"], {})
	contains(entry.message, "on machines that it does not name.")
	not contains(entry.message, "no longer exist")
}
