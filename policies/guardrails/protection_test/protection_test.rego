# METADATA
# title: Tests of the area protection
package guardrails.protection_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.protection

rules(entries) := {entry.rule | some entry in entries}

no_source := {"known": false, "clusters": [], "sources": [fixtures.source("eip", [])]}

flags(target) := fixtures.request("ModifyInstanceAttribute", ["protection"], {"x-1": target})

off := {"protection/switch-off"}

test_protection_of_the_live_cluster_stays_on if {
	every target in [fixtures.machine("blue"), fixtures.thing("asg", ["blue"])] {
		rules(protection.deny) == off with input as flags(target)
	}
}

test_protection_of_other_clusters_may_be_switched_off if {
	every target in [fixtures.machine("green"), fixtures.thing("asg", ["green"]), fixtures.untagged] {
		count(protection.deny) == 0 with input as flags(target)
	}
}

test_protection_of_unknown_targets_stays_on if {
	entries := protection.deny with input as flags(fixtures.unresolved)
	rules(entries) == off
	some entry in entries
	contains(entry.message, "would weaken the protection of x-1, a machine that was not found.")
}

test_protection_of_what_is_partly_unknown_stays_on if {
	every fact in ["unread", "missing"] {
		stack := object.union(fixtures.thing("cfn-stack", []), {"facts": {fact: ["AWS::EC2::Instance i-1"]}})
		entries := protection.deny with input as flags(stack)
		rules(entries) == off
		some entry in entries
		contains(entry.message, "would weaken the protection of x-1, a stack with parts that were not found.")
	}
}

test_protection_stays_on_while_live_is_unknown if {
	request := object.union(flags(fixtures.machine("green")), {"live": no_source})
	entries := protection.deny with input as request
	rules(entries) == off
	some entry in entries
	contains(entry.message, "a machine of green, and no source says which cluster is live.")
}

test_targets_without_a_cluster_are_free_while_live_is_unknown if {
	request := object.union(flags(fixtures.untagged), {"live": no_source})
	count(protection.deny) == 0 with input as request
}

test_protection_of_what_cannot_be_traced_stays_on_while_live_is_unknown if {
	table := object.union(fixtures.thing("dynamodb-table", []), {"facts": {"traced": false}})
	request := object.union(flags(table), {"live": no_source})
	rules(protection.deny) == off with input as request
	count(protection.deny) == 0 with input as flags(table)
}

test_message_names_cluster_and_form if {
	request := object.union(flags(fixtures.machine("blue")), {"call": {"forms": ["termination protection goes off"]}})
	entries := protection.deny with input as request
	[entry.message | some entry in entries] == [concat("", [
		"ModifyInstanceAttribute would weaken the protection of x-1, a machine of the live cluster blue",
		" (3 of 3 machines running) (termination protection goes off).",
	])]
}

test_only_protection_counts if {
	request := fixtures.request("X", ["terminate", "indirect"], {"i-1": fixtures.machine("blue")})
	count(protection.deny) == 0 with input as request
}

test_a_parameter_of_another_service_is_an_ordinary_target if {
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

test_switch_off_remediation if {
	entries := protection.deny with input as flags(fixtures.machine("blue"))
	some entry in entries
	entry.remediation == concat(" ", [
		"Leave the protection on while this may be live.",
		"First move the addresses to a replacement, then switch it off.",
	])
}
