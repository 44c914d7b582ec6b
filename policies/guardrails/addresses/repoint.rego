# Within the live cluster an address in use moves only to a machine that can serve.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Within the live cluster an address moves to a healthy machine only
# description: >-
#   Denies moving an address from one machine of a live cluster to another one of that cluster that is not running or not
#   passing its health checks. To a healthy one it may move (failover), as may an idle address, and one within its
#   machine.
# custom:
#   rule: addresses/repoint
#   severity: high
#   remediation: Choose a machine of the cluster that is running and healthy.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 associate-address --allocation-id ADDRESS_OF_BLUE_1 --instance-id STOPPED_BLUE_2
#   prefer: aws ec2 associate-address --allocation-id ADDRESS_OF_BLUE_1 --instance-id HEALTHY_BLUE_3
deny contains lib.violation("addresses/repoint", id, message, remediation) if {
	some id in moved
	target := lib.targets[id]
	same_cluster(target)
	not idle(target)
	not same_machine(target)
	not fails_over(target)
	message := sprintf("%s It is in use on %v, and the destination %s is another machine of the same cluster, %s.", [
		text.would("take away", id),
		holder(target),
		text.listed(object.keys(lib.destinations)),
		why_no_failover(target),
	])
	remediation := "Choose a machine of this cluster that is running and passes its health checks, or associate an idle address."
}

why_no_failover(target) := "and only a machine can fail over" if {
	not is_string(object.get(target.facts, "instance", null))
} else := "not known to be running and healthy"

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
