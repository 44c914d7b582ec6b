# METADATA
# title: The live cluster keeps its addresses
# description: >-
#   Users reach the live cluster by its addresses. They move in one way only: to a complete, healthy cluster that takes
#   its place.
# schemas:
#   - input: schema.input
package guardrails.addresses

import data.guardrails.lib

# The live targets of a call that takes addresses. When machines go down, other rules report it.
taken contains id if {
	"ip" in lib.effects
	not lib.takes_machines_down
	some id, _ in lib.live_targets
}

moves_address if input.call.operation == "AssociateAddress"

# By Cloud Control or a schedule.
moves_address if input.call.native == "ec2:AssociateAddress"

is_public(target) if target.type in {"address", "cidr", "nat-gateway"}

moved contains id if {
	moves_address
	some id in taken
	lib.targets[id].type == "address"
}

destinations_known if {
	count(lib.destinations) > 0
	every destination in lib.destinations {
		lib.resolved(destination)
	}
}

same_cluster(target) if {
	destinations_known
	every destination in lib.destinations {
		lib.same_names(destination.clusters, target.clusters)
	}
}

# Another healthy machine of the same cluster gets it: users stay where they are.
fails_over(target) if {
	is_string(target.facts.instance)
	lib.takes_over(target.clusters)
}
