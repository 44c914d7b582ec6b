package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

test_a_live_machines_address_is_not_displaced if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.9"]}})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	entries := addresses.deny with input as request
	rules(entries) == {"addresses/displace"}
	some entry in entries
	startswith(entry.message, "AssociateAddress would displace 203.0.113.9 from i-new, a machine of the live")
}

test_a_live_machine_may_get_a_first_address if {
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	targets := {"eipalloc-2": spare, "i-new": onto(fixtures.machine("blue"))}
	request := fixtures.request("AssociateAddress", ["ip"], targets)
	count(addresses.deny) == 0 with input as request
}

test_a_live_machine_may_get_the_address_it_already_has if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.7"]}})
	targets := {"eipalloc-1": address, "i-blue": onto(busy)}
	count(addresses.deny) == 0 with input as fixtures.request("AssociateAddress", ["ip"], targets)
}

test_without_a_look_up_every_public_address_counts if {
	bare := object.remove(fixtures.machine("blue"), ["facts"])
	busy := object.union(bare, {"facts": {}, "public_ips": ["203.0.113.9"]})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	rules(addresses.deny) == {"addresses/displace"} with input as request
}

test_machines_that_are_not_live_may_lose_their_address if {
	busy := object.union(fixtures.machine("green"), {"facts": {"elastic_ips": ["203.0.113.9"]}})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	count(addresses.deny) == 0 with input as request
}

test_only_associating_displaces if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.9"]}})
	spare := fixtures.thing("address", [])
	request := fixtures.request("AttachNetworkInterface", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	count(addresses.deny) == 0 with input as request
}

test_a_second_address_is_displaced if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.7", "203.0.113.9"]}})
	targets := {"eipalloc-1": address, "i-blue": onto(busy)}
	rules(addresses.deny) == {"addresses/displace"} with input as fixtures.request("AssociateAddress", ["ip"], targets)
}

displacing(machine, effects) := fixtures.request("AssociateAddress", effects, {
	"eipalloc-2": object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]}),
	"i-new": onto(object.union(machine, {"facts": {"elastic_ips": ["203.0.113.9"]}})),
})

test_only_a_call_that_moves_addresses_displaces if {
	rules(addresses.deny) == {"addresses/displace"} with input as displacing(fixtures.machine("blue"), ["ip"])
	count(addresses.deny) == 0 with input as displacing(fixtures.machine("blue"), ["traffic"])
}

# The cluster's own `live` counts even if the list of live clusters leaves it out.
test_one_live_mark_is_enough if {
	request := object.union(displacing(fixtures.machine("blue"), ["ip"]), {"live": {"clusters": []}})
	rules(addresses.deny) == {"addresses/displace"} with input as request
}

test_displace_message_and_remediation if {
	both := object.union(fixtures.machine("blue"), {"clusters": ["red", "blue"]})
	request := object.union(
		displacing(both, ["ip"]),
		{"clusters": {"red": fixtures.cluster(true, 3, 3)}},
	)
	entries := addresses.deny with input as request
	some entry in entries
	endswith(entry.message, "from i-new, a machine of the live cluster blue, red.")
	startswith(remediation(request), "Choose a machine without an address, or another private address")
}

test_null_means_not_looked_up if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": null}, "public_ips": ["203.0.113.9"]})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("AssociateAddress", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	rules(addresses.deny) == {"addresses/displace"} with input as request
}

test_cloud_control_displaces_as_well if {
	busy := object.union(fixtures.machine("blue"), {"facts": {"elastic_ips": ["203.0.113.9"]}})
	spare := object.union(fixtures.thing("address", []), {"public_ips": ["203.0.113.8"]})
	request := fixtures.request("CreateResource", ["ip"], {"eipalloc-2": spare, "i-new": onto(busy)})
	asked := object.union(request, {"call": {"native": "ec2:AssociateAddress"}})
	rules(addresses.deny) == {"addresses/displace"} with input as asked
	count(addresses.deny) == 0 with input as object.union(request, {"call": {"native": "ec2:AttachVolume"}})
}
