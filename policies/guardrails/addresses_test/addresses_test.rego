# METADATA
# title: Tests of the area addresses
package guardrails.addresses_test

import data.guardrails.addresses
import data.guardrails.fixtures_test as fixtures

# Blue's address, on its machine i-blue.
address := object.union(fixtures.thing("address", ["blue"]), {
	"public_ips": ["203.0.113.7"],
	"facts": {"instance": "i-blue", "eni": "eni-blue", "untagged": []},
})

onto(machine) := object.union(machine, {"role": "destination"})

# AssociateAddress of blue's address with a machine; `changes` are merged into the whole input.
moving(destination, changes) := object.union(
	fixtures.request("AssociateAddress", ["ip", "traffic"], {"eipalloc-1": address, "i-new": onto(destination)}),
	changes,
)

remediation(request) := entry.remediation if {
	entries := addresses.deny with input as request
	some entry in entries
}

rules(entries) := {entry.rule | some entry in entries}

on(operation, type, cluster) := fixtures.request(operation, ["ip"], {"x-1": fixtures.thing(type, [cluster])})

test_other_clusters_may_give_up_addresses if {
	every type in ["address", "cidr", "nat-gateway", "eni", "private-ip"] {
		count(addresses.deny) == 0 with input as on("ReleaseAddress", type, "green")
	}
}

test_terminating_machines_is_reported_elsewhere if {
	request := fixtures.request("TerminateInstances", ["terminate", "ip"], {"i-1": fixtures.machine("blue")})
	count(addresses.deny) == 0 with input as request
}

test_other_effects_are_ignored if {
	request := fixtures.request("X", ["network", "traffic"], {"x-1": fixtures.thing("address", ["blue"])})
	count(addresses.deny) == 0 with input as request
}
