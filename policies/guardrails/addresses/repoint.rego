# A live machine keeps the address it uses, even if another machine of its cluster could use it.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: An address in use stays on its machine within the live cluster
# description: >-
#   Denies moving an address from one machine of a live cluster to another one of that cluster, as the first would lose
#   it. An idle address may move, and an address may move within its machine.
# custom:
#   rule: addresses/repoint
#   severity: high
#   remediation: Associate an idle address with the other machine.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 associate-address --allocation-id ADDRESS_OF_BLUE_1 --instance-id BLUE_2
#   prefer: aws ec2 associate-address --allocation-id IDLE_ADDRESS --instance-id BLUE_2
deny contains lib.violation("addresses/repoint", id, message, remediation) if {
	some id in moved
	target := lib.targets[id]
	same_cluster(target)
	not idle(target)
	not same_machine(target)
	message := sprintf("%s It is in use on %v, and the destination %s is another machine of the same cluster.", [
		text.would("take away", id),
		holder(target),
		text.listed(object.keys(lib.destinations)),
	])
	remediation := "Associate an idle address, or a new one, with the other machine instead."
}

# On no machine, and not on an interface of a gateway or load balancer either.
idle(target) if {
	target.facts.instance == null
	object.get(target.facts, "eni", null) == null
}

same_machine(target) if {
	every id, destination in lib.destinations {
		is_holder(target.facts, id, destination)
	}
}

is_holder(facts, id, _) if id == facts.instance

is_holder(facts, id, _) if id == facts.eni

is_holder(facts, _, destination) if {
	is_string(facts.instance)
	destination.facts.instance == facts.instance
}

holder(target) := target.facts.instance if {
	is_string(target.facts.instance)
} else := target.facts.eni if {
	is_string(target.facts.eni)
} else := "an unknown machine"
