package guardrails.indirect_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.indirect

untraced := object.union(fixtures.thing("client-vpn-endpoint", []), {"facts": {"traced": false}})

on(target) := fixtures.request("X", ["network"], {"t": target})

entries := {
	"deny": count(indirect.deny),
	"confirm": count(indirect.confirm),
	"warn": count(indirect.warn),
}

test_the_parameter_untraced_decides if {
	every word, level in {"warn": "warn", "confirm": "confirm", "deny": "deny", "nonsense": "deny", "allow": "none"} {
		object.filter(entries, [level]) == object.filter({"deny": 1, "confirm": 1, "warn": 1}, [level])
			with input as on(untraced)
			with data.guardrails.params.untraced as word
		sum([number | some number in entries]) == count([1 | level != "none"]) with input as on(untraced)
			with data.guardrails.params.untraced as word
	}
}

test_the_message_says_where_to_look_and_what_to_do if {
	some entry in indirect.deny with input as on(untraced)
	entry.rule == "indirect/untraced"
	endswith(entry.message, "X would harm t, and no look-up can tell whether the live cluster depends on it.")
	contains(entry.remediation, "tag it Cluster=<cluster>, then try again.")
}

leading := object.union(untraced, {"facts": {"traced": false, "look_at": ["vpc-1"]}})

test_the_message_names_what_to_look_at if {
	some other in indirect.deny with input as on(leading)
	endswith(other.message, "depends on it. Look at vpc-1.")
}

test_nothing_to_look_at_is_not_mentioned if {
	nowhere := object.union(untraced, {"facts": {"traced": false, "look_at": []}})
	some other in indirect.deny with input as on(nowhere)
	endswith(other.message, "depends on it.")
}

test_traced_targets_are_ignored if {
	entries == {"deny": 0, "confirm": 0, "warn": 0} with input as on(fixtures.thing("subnet", ["blue"]))
}

test_a_harmless_call_may_name_untraceable_targets if {
	asked := fixtures.request("X", ["protection"], {"t": untraced})
	entries == {"deny": 0, "confirm": 0, "warn": 0} with input as asked
}

test_another_type_of_id_is_refused if {
	mistaken := object.union(fixtures.unresolved, {"facts": {"mismatch": "it is the id of a volume"}})
	some entry in indirect.deny with input as fixtures.request("TerminateInstances", ["terminate"], {"vol-1": mistaken})
	entry.rule == "indirect/mismatch"
	contains(entry.message, "names vol-1: it is the id of a volume")
}

machine(zone, protected) := object.union(
	fixtures.machine("green"),
	{"facts": {"zone": zone}, "protections": {"termination": protected}},
)

test_a_protected_machine_in_a_batch_over_zones_gets_a_warning if {
	targets := {"i-1": machine("a", true), "i-2": machine("b", false)}
	some entry in indirect.warn with input as fixtures.request("TerminateInstances", ["terminate"], targets)
	[entry.rule, entry.target] == ["indirect/zones", "(batch)"]
	contains(entry.message, "names machines in a, b, with termination protection on for i-1. AWS will report an error")
}

test_one_zone_or_no_protection_is_fine if {
	every targets in [
		{"i-1": machine("a", true), "i-2": machine("a", false)},
		{"i-1": machine("a", false), "i-2": machine("b", false)},
	] {
		count(indirect.warn) == 0 with input as fixtures.request("TerminateInstances", ["terminate"], targets)
	}
}

test_another_type_of_id_is_refused_for_every_harmful_effect if {
	mistaken := object.union(fixtures.machine("green"), {"facts": {"mismatch": "it is the id of a volume"}})
	count(indirect.deny) == 0 with input as fixtures.request("X", ["capacity"], {"vol-1": mistaken})
	matching := object.union(fixtures.machine("green"), {"facts": {"mismatch": null}})
	count(indirect.deny) == 0 with input as fixtures.request("X", ["terminate"], {"i-1": matching})
}

test_only_terminating_depends_on_zones if {
	targets := {"i-1": machine("a", true), "i-2": machine("b", false)}
	count(indirect.warn) == 0 with input as fixtures.request("StopInstances", ["stop"], targets)
}

test_an_unknown_zone_does_not_count if {
	targets := {"i-1": machine("a", true), "i-2": machine(null, false)}
	count(indirect.warn) == 0 with input as fixtures.request("TerminateInstances", ["terminate"], targets)
}

stack(facts) := object.union(fixtures.thing("cfn-stack", []), {"facts": facts})

test_parts_that_cannot_be_followed_are_denied_and_named if {
	parts := stack({"unread": ["AWS::EC2::Route x", "AWS::EC2::EIP y"]})
	some entry in indirect.deny with input as fixtures.request("DeleteStack", ["terminate"], {"site": parts})
	entry.rule == "indirect/unread"
	contains(entry.message, "DeleteStack would harm site, and these parts of it could not be followed")
	contains(entry.message, "AWS::EC2::EIP y, AWS::EC2::Route x.")
	contains(entry.remediation, "break glass for indirect/unread")
}

test_a_stack_that_is_followed_as_a_whole_is_not if {
	every facts in [{"unread": []}, {}] {
		count(indirect.deny) == 0 with input as fixtures.request("DeleteStack", ["terminate"], {"site": stack(facts)})
	}
	one := fixtures.request("DeleteStack", ["terminate"], {"site": stack({"unread": ["x"]})})
	count(indirect.deny) == 1 with input as one
}

test_what_else_a_selector_finds_is_denied if {
	selector := object.union(fixtures.thing("tag-selector", []), {"facts": {"unread": ["what else carries this tag"]}})
	some entry in indirect.deny
		with input as fixtures.request("StartAutomationExecution", ["stop"], {"tag:Role=db": selector})
	entry.rule == "indirect/unread"
	contains(entry.remediation, "Name each resource, or select them by the tag Cluster.")
	some other in indirect.deny
		with input as fixtures.request("DeleteStack", ["terminate"], {"site": stack({"unread": ["x"]})})
	startswith(other.remediation, "Look at these resources (list-stack-resources). If none")
}

location(facts) := object.union(fixtures.thing("location", []), {"facts": facts})

test_an_automation_that_runs_elsewhere_is_denied if {
	elsewhere := {"us-east-1": location({"unread": ["us-east-1"]})}
	denials := indirect.deny with input as fixtures.request("StartAutomationExecution", ["stop"], elsewhere)
	count(denials) == 1
	some entry in denials
	entry.rule == "indirect/unread"
	entry.target == "us-east-1"
	contains(entry.message, "would run in us-east-1, and which machines are live there cannot be seen from eu-west-1.")
	contains(entry.remediation, "without TargetLocations")
	count(indirect.deny) == 0 with input as fixtures.request("StartAutomationExecution", ["opaque"], elsewhere)
}

test_an_automation_that_runs_here_is_not if {
	every facts in [{"unread": []}, {}] {
		here := {"eu-west-1": location(facts)}
		count(indirect.deny) == 0 with input as fixtures.request("StartAutomationExecution", ["stop"], here)
	}
}

test_what_harms_nothing_may_name_parts_that_cannot_be_followed if {
	asked := fixtures.request("X", ["protection"], {"site": stack({"unread": ["x"]})})
	count(indirect.deny) == 0 with input as asked
}

test_a_warning_names_the_parts_of_a_stack if {
	site := stack({"traced": false, "untraced": ["AWS::RDS::DBInstance main"]})
	some entry in indirect.warn with input as on(site)
		with data.guardrails.params.untraced as "warn"
	contains(entry.message, "X would harm AWS::RDS::DBInstance main of t, and no look-up")
}

test_a_warning_without_parts_names_the_target if {
	every facts in [{"traced": false, "untraced": []}, {"traced": false}] {
		some entry in indirect.warn with input as on(stack(facts))
			with data.guardrails.params.untraced as "warn"
		contains(entry.message, "X would harm t, and no look-up")
	}
}
