# METADATA
# title: Tests of the area addresses
package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

rules(found) := {entry.rule | some entry in found}

on(operation, type, cluster) := fixtures.request(operation, ["ip"], {"x-1": fixtures.thing(type, [cluster])})

test_live_addresses_are_not_given_up if {
	every type in ["address", "cidr", "nat-gateway"] {
		rules(addresses.deny) == {"addresses/release"} with input as on("ReleaseAddress", type, "blue")
	}
}

test_addresses_of_others_are_free if {
	every type in ["address", "cidr", "nat-gateway", "eni", "private-ip"] {
		count(addresses.deny) == 0 with input as on("ReleaseAddress", type, "green")
	}
}

test_an_idle_address_is_free if {
	idle := fixtures.request("ReleaseAddress", ["ip"], {"eipalloc-1": fixtures.thing("address", [])})
	count(addresses.deny) == 0 with input as idle
}

test_a_range_that_is_moved_is_given_up if {
	rules(addresses.deny) == {"addresses/release"} with input as on("AssociateAddress", "cidr", "blue")
}

test_disassociating_says_how_to_move_it if {
	found := addresses.deny with input as on("DisassociateAddress", "address", "blue")
	rules(found) == {"addresses/release"}
	some entry in found
	contains(entry.remediation, "AssociateAddress and AllowReassociation=True")
	other := addresses.deny with input as on("ReleaseAddress", "address", "blue")
	some released in other
	released.remediation == "Move the live cluster's addresses to its complete replacement first; then they are free."
}

test_machines_going_down_speak_for_their_addresses if {
	request := fixtures.request("TerminateInstances", ["terminate", "ip"], {"i-1": fixtures.machine("blue")})
	count(addresses.deny) == 0 with input as request
}

test_only_addresses_count if {
	request := fixtures.request("X", ["network", "traffic"], {"x-1": fixtures.thing("address", ["blue"])})
	count(addresses.deny) == 0 with input as request
}

test_private_addresses_of_the_live_cluster_stay if {
	every type in ["private-ip", "eni", "instance"] {
		found := addresses.deny with input as on("UnassignPrivateIpAddresses", type, "blue")
		rules(found) == {"addresses/private-ip"}
	}
}

assigned(operation, type, onto) := fixtures.request(operation, ["ip"], {
	"10.0.0.4": object.union(fixtures.thing(type, ["blue"]), {"facts": {"eni": "eni-1"}}),
	onto: object.union(fixtures.thing("eni", ["green"]), {"role": "destination"}),
})

test_a_private_address_is_not_taken_from_a_live_machine if {
	found := addresses.deny with input as assigned("AssignPrivateIpAddresses", "private-ip", "eni-2")
	rules(found) == {"addresses/private-ip"}
	some entry in found
	startswith(entry.message, "AssignPrivateIpAddresses would move or remove 10.0.0.4, a private address of")
}

test_an_address_that_is_there_already_may_be_assigned_again if {
	every operation in ["AssignPrivateIpAddresses", "AssignIpv6Addresses"] {
		count(addresses.deny) == 0 with input as assigned(operation, "private-ip", "eni-1")
	}
}

test_being_there_already_excuses_nothing_else if {
	rules(addresses.deny) == {"addresses/private-ip"}
		with input as assigned("UnassignPrivateIpAddresses", "private-ip", "eni-1")
	rules(addresses.deny) == {"addresses/private-ip"}
		with input as assigned("AssignPrivateIpAddresses", "eni", "eni-1")
}

test_release_message if {
	found := addresses.deny with input as on("ReleaseAddress", "address", "blue")
	[entry.message | some entry in found] == [concat("", [
		"ReleaseAddress would take away x-1, a public address of the live cluster blue",
		" (3 of 3 machines running).",
	])]
}

test_disassociate_remedy_reads_as_one_sentence if {
	found := addresses.deny with input as on("DisassociateAddress", "address", "blue")
	[entry.remediation | some entry in found] == [concat("", [
		"Do not take the address off first: move it in one step, with AssociateAddress and AllowReassociation=True, ",
		"to a machine of the complete new cluster.",
	])]
}

test_private_address_remedy if {
	found := addresses.deny with input as on("UnassignPrivateIpAddresses", "private-ip", "blue")
	some entry in found
	startswith(entry.remediation, "Use a free address, or one of a machine that is not live;")
}
