# METADATA
# title: Tests of the area protection
package guardrails.protection_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.protection

rules(found) := {entry.rule | some entry in found}

nobody := {"known": false, "clusters": [], "sources": [fixtures.source("eip", [])]}

flags(target) := fixtures.request("ModifyInstanceAttribute", ["protection"], {"x-1": target})

off := {"protection/switch-off"}

test_protection_of_the_live_cluster_stays_on if {
	every target in [fixtures.machine("blue"), fixtures.thing("asg", ["blue"])] {
		rules(protection.deny) == off with input as flags(target)
	}
}

test_protection_of_others_may_go if {
	every target in [fixtures.machine("green"), fixtures.thing("asg", ["green"]), fixtures.untagged] {
		count(protection.deny) == 0 with input as flags(target)
	}
}

test_protection_of_the_unknown_stays_on if {
	found := protection.deny with input as flags(fixtures.unresolved)
	rules(found) == off
	some entry in found
	contains(entry.message, "would weaken the protection of x-1, a machine that could not be found.")
}

test_protection_stays_on_while_live_is_unknown if {
	request := object.union(flags(fixtures.machine("green")), {"live": nobody})
	found := protection.deny with input as request
	rules(found) == off
	some entry in found
	contains(entry.message, "a machine of green, while no source says which cluster is live.")
}

test_what_carries_no_cluster_is_free_while_live_is_unknown if {
	request := object.union(flags(fixtures.untagged), {"live": nobody})
	count(protection.deny) == 0 with input as request
}

test_message_names_cluster_and_form if {
	request := object.union(flags(fixtures.machine("blue")), {"call": {"forms": ["termination protection goes off"]}})
	found := protection.deny with input as request
	[entry.message | some entry in found] == [concat("", [
		"ModifyInstanceAttribute would weaken the protection of x-1, a machine of the live cluster blue",
		" (3 of 3 machines running) (termination protection goes off).",
	])]
}

test_only_protection_counts if {
	request := fixtures.request("X", ["terminate", "indirect"], {"i-1": fixtures.machine("blue")})
	count(protection.deny) == 0 with input as request
}

test_a_parameter_of_another_service_is_a_target_like_any if {
	rules(protection.deny) == off with input as flags(fixtures.thing("ssm-parameter", ["blue"]))
}

test_destinations_are_not_weakened if {
	destination := object.union(fixtures.machine("blue"), {"role": "destination"})
	count(protection.deny) == 0 with input as flags(destination)
}

test_only_a_parameter_is_a_pointer if {
	request := object.union(flags(fixtures.thing("other", ["blue"])), {"call": {"service": "ssm"}})
	rules(protection.deny) == off with input as request
}

test_unknown_destinations_are_not_weakened if {
	destination := object.union(fixtures.unresolved, {"role": "destination"})
	count(protection.deny) == 0 with input as flags(destination)
}

test_switch_off_remedy if {
	found := protection.deny with input as flags(fixtures.machine("blue"))
	some entry in found
	startswith(entry.remediation, "Leave the protection on. Move the addresses to the replacement first;")
	endswith(entry.remediation, "once this is not live, it may go.")
}
