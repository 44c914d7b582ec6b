package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

test_an_address_in_use_stays_on_its_machine if {
	entries := addresses.deny with input as moving(fixtures.machine("blue"), {})
	rules(entries) == {"addresses/repoint"}
	some entry in entries
	contains(entry.message, "It is in use on i-blue,")
	endswith(entry.message, ", and the destination i-new is another machine of the same cluster, not known to be running and healthy.")
}

serving(value) := object.union(fixtures.machine("blue"), {"facts": {"serves": value}})

test_an_address_in_use_fails_over_to_a_healthy_machine if {
	count(addresses.deny) == 0 with input as moving(serving(true), {})
	rules(addresses.deny) == {"addresses/repoint"} with input as moving(serving(false), {})
	rules(addresses.deny) == {"addresses/steal"}
		with input as moving(object.union(serving(true), {"clusters": ["blue", "red"]}), {"clusters": {"red": {}}})
}

test_only_a_machine_fails_over if {
	gateway := with_facts({"instance": null, "eni": "eni-nat"})
	entries := addresses.deny with input as moving(serving(true), gateway)
	rules(entries) == {"addresses/repoint"}
	some entry in entries
	endswith(entry.message, "is another machine of the same cluster, and only a machine can fail over.")
}

with_facts(facts) := {"targets": {"eipalloc-1": {"facts": facts}}}

test_an_idle_address_may_move_within_its_cluster if {
	idle := with_facts({"instance": null, "eni": null})
	count(addresses.deny) == 0 with input as moving(fixtures.machine("blue"), idle)
}

test_an_address_on_a_gateway_is_not_idle if {
	gateway := with_facts({"instance": null, "eni": "eni-nat"})
	entries := addresses.deny with input as moving(fixtures.machine("blue"), gateway)
	rules(entries) == {"addresses/repoint"}
	some entry in entries
	contains(entry.message, "It is in use on eni-nat,")
}

test_an_address_with_an_unknown_holder_is_not_idle if {
	nowhere := object.union(address, {"facts": {}})
	targets := {"eipalloc-1": object.remove(nowhere, ["facts"]), "i-new": onto(fixtures.machine("blue"))}
	entries := addresses.deny with input as fixtures.request("AssociateAddress", ["ip"], targets)
	"addresses/repoint" in rules(entries)
	some entry in entries
	contains(entry.message, "It is in use on an unknown machine,")
}

test_no_interface_is_no_holder if {
	nowhere := object.union(object.remove(address, ["facts"]), {"facts": {"eni": null}})
	targets := {"eipalloc-1": nowhere, "i-new": onto(fixtures.machine("blue"))}
	some entry in addresses.deny with input as fixtures.request("AssociateAddress", ["ip"], targets)
	contains(entry.message, "It is in use on an unknown machine,")
}

test_an_address_may_move_within_its_machine if {
	every place in [
		{"i-blue": fixtures.machine("blue")},
		{"eni-blue": fixtures.thing("eni", ["blue"])},
		{"eni-2": object.union(fixtures.thing("eni", ["blue"]), {"facts": {"instance": "i-blue"}})},
	] {
		some id, destination in place
		targets := {"eipalloc-1": address, id: onto(destination)}
		request := fixtures.request("AssociateAddress", ["ip"], targets)
		count(addresses.deny) == 0 with input as request
	}
}

test_an_address_on_a_machine_without_an_interface_is_not_idle if {
	classic := with_facts({"instance": "i-blue", "eni": null})
	rules(addresses.deny) == {"addresses/repoint"} with input as moving(fixtures.machine("blue"), classic)
}

test_no_machine_is_not_the_same_machine if {
	gateway := object.union(address, {"facts": {"instance": null, "eni": "eni-nat"}})
	free := object.union(fixtures.thing("eni", ["blue"]), {"role": "destination", "facts": {"instance": null}})
	targets := {"eipalloc-1": gateway, "eni-free": free}
	rules(addresses.deny) == {"addresses/repoint"} with input as fixtures.request("AssociateAddress", ["ip"], targets)
}

test_repoint_message_and_remediation if {
	request := moving(fixtures.machine("blue"), {})
	entries := addresses.deny with input as request
	some entry in entries
	startswith(entry.message, "AssociateAddress would take away eipalloc-1, a public address of the live cluster blue")
	remediation(request) == concat(" ", [
		"Choose a machine of this cluster that is running and passes its health checks,",
		"or associate an idle address.",
	])
}
