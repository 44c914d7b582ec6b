package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

test_live_private_addresses_are_not_removed if {
	every type in ["private-ip", "eni", "instance"] {
		entries := addresses.deny with input as on("UnassignPrivateIpAddresses", type, "blue")
		rules(entries) == {"addresses/private-ip"}
	}
}

assigned(operation, type, onto) := fixtures.request(operation, ["ip"], {
	"10.0.0.4": object.union(fixtures.thing(type, ["blue"]), {"facts": {"eni": "eni-1"}}),
	onto: object.union(fixtures.thing("eni", ["green"]), {"role": "destination"}),
})

test_a_private_address_is_not_taken_from_a_live_machine if {
	entries := addresses.deny with input as assigned("AssignPrivateIpAddresses", "private-ip", "eni-2")
	rules(entries) == {"addresses/private-ip"}
	some entry in entries
	startswith(entry.message, "AssignPrivateIpAddresses would move or remove 10.0.0.4, a private address of")
}

test_an_address_may_be_assigned_where_it_already_is if {
	every operation in ["AssignPrivateIpAddresses", "AssignIpv6Addresses"] {
		count(addresses.deny) == 0 with input as assigned(operation, "private-ip", "eni-1")
	}
}

test_only_assigning_is_excused if {
	rules(addresses.deny) == {"addresses/private-ip"}
		with input as assigned("UnassignPrivateIpAddresses", "private-ip", "eni-1")
	rules(addresses.deny) == {"addresses/private-ip"}
		with input as assigned("AssignPrivateIpAddresses", "eni", "eni-1")
}

failing_over(operation, type, holder, onto) := fixtures.request(operation, ["ip"], {
	"10.0.0.4": object.union(fixtures.thing(type, ["blue"]), {"facts": {"eni": "eni-1", "instance": holder}}),
	"eni-2": object.union(fixtures.thing("eni", [onto]), {"role": "destination", "facts": {"serves": true}}),
})

test_a_private_address_fails_over_within_its_cluster if {
	every operation in ["AssignPrivateIpAddresses", "AssignIpv6Addresses"] {
		count(addresses.deny) == 0 with input as failing_over(operation, "private-ip", "i-1", "blue")
	}
	every call in [
		failing_over("UnassignPrivateIpAddresses", "private-ip", "i-1", "blue"),
		failing_over("AssignPrivateIpAddresses", "eni", "i-1", "blue"),
		failing_over("AssignPrivateIpAddresses", "private-ip", null, "blue"),
		failing_over("AssignPrivateIpAddresses", "private-ip", "i-1", "green"),
	] {
		rules(addresses.deny) == {"addresses/private-ip"} with input as call
	}
}

test_private_address_remediation if {
	entries := addresses.deny with input as on("UnassignPrivateIpAddresses", "private-ip", "blue")
	some entry in entries
	startswith(entry.remediation, "Do not take the address off first. Move it in one step,")
	endswith(entry.remediation, " to a healthy machine of the same cluster.")
	others := addresses.deny with input as on("UnassignIpv6Addresses", "private-ip", "blue")
	some other in others
	other.remediation == "Use a free address, or one from a machine that is not live."
}
