package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

test_live_addresses_are_not_released if {
	every type in ["address", "cidr", "nat-gateway"] {
		rules(addresses.deny) == {"addresses/release"} with input as on("ReleaseAddress", type, "blue")
	}
}

test_an_idle_address_may_be_released if {
	idle := fixtures.request("ReleaseAddress", ["ip"], {"eipalloc-1": fixtures.thing("address", [])})
	count(addresses.deny) == 0 with input as idle
}

test_moving_a_range_counts_as_release if {
	rules(addresses.deny) == {"addresses/release"} with input as on("AssociateAddress", "cidr", "blue")
}

test_each_operation_has_its_remediation if {
	entries := addresses.deny with input as on("DisassociateAddress", "address", "blue")
	rules(entries) == {"addresses/release"}
	some entry in entries
	contains(entry.remediation, "AssociateAddress and AllowReassociation=True")
	other := addresses.deny with input as on("ReleaseAddress", "address", "blue")
	some released in other
	released.remediation == concat("", [
		"Keep the address while its cluster is live. ",
		"To give it up for good, break glass for addresses/release.",
	])
}

test_release_message if {
	entries := addresses.deny with input as on("ReleaseAddress", "address", "blue")
	[entry.message | some entry in entries] == [concat("", [
		"ReleaseAddress would take away x-1, a public address of the live cluster blue",
		" (3 of 3 machines running).",
	])]
}

test_disassociate_remediation if {
	entries := addresses.deny with input as on("DisassociateAddress", "address", "blue")
	[entry.remediation | some entry in entries] == [concat("", [
		"Do not take the address off first. Move it in one step, with AssociateAddress and AllowReassociation=True, ",
		"to a machine of the complete new cluster or a healthy one of the same.",
	])]
}
