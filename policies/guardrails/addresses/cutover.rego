# The sanctioned switch of addresses. When a public address of the live cluster may move, and to whom.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: An address of the live cluster moves to a complete replacement only
# description: >-
#   Denies AssociateAddress for an address of a live cluster, unless the destination is another cluster of which every
#   machine runs, none is terminating, health checks pass, and which is large enough (parameter `cutover.min_share`).
# custom:
#   rule: addresses/steal
#   severity: critical
#   remediation: Complete the new cluster, then move the address again.
#   incident: PythonAnywhere, 2023-10-09; Cloudflare R2, 2025-03
#   avoid: aws ec2 associate-address --allocation-id BLUES_ADDRESS --instance-id HALF_STARTED_GREENS_MACHINE
#   prefer: aws ec2 associate-address --allocation-id BLUES_ADDRESS --instance-id COMPLETE_GREENS_MACHINE
deny contains lib.violation("addresses/steal", id, message, remediation) if {
	some id in moved
	target := lib.targets[id]
	not same_cluster(target)
	not cutover(target)
	message := sprintf("%s %s", [text.would("take away", id), missing(id)])
	remediation := "Wait until every machine of the new cluster runs and is healthy, then move the address again."
}

# METADATA
# title: An address in use does not wander within the live cluster
# description: >-
#   Denies moving an address from one machine of a live cluster to another of the same cluster; the first would lose
#   it. An idle address, or another place on the same machine, is fine.
# custom:
#   rule: addresses/repoint
#   severity: high
#   remediation: Give the other machine an address of its own.
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
	remediation := "Give the other machine an address of its own, or take this machine out of service first."
}

# METADATA
# title: A live machine does not lose its address to another one
# description: Denies AssociateAddress onto a machine of a live cluster that holds another Elastic IP there.
# custom:
#   rule: addresses/displace
#   severity: critical
#   remediation: Choose a destination without an address.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 associate-address --allocation-id ANY_ADDRESS --instance-id BLUE_1_WHICH_HAS_ONE
#   prefer: aws ec2 associate-address --allocation-id ANY_ADDRESS --instance-id MACHINE_WITHOUT_ADDRESS
deny contains lib.violation("addresses/displace", id, message, remediation) if {
	moves_address
	"ip" in lib.effects
	some id, destination in lib.destinations
	names := [cluster | some cluster in sort(destination.clusters); cluster in lib.live_clusters]
	count(names) > 0
	not loses_nothing(destination)
	message := sprintf("%s would displace %s from %s, %s of the live cluster %s.", [
		text.operation,
		text.listed(held(destination)),
		id,
		text.noun(destination),
		concat(", ", names),
	])
	remediation := "Choose a machine without an address, or a second private address of this one (PrivateIpAddress)."
}

# The Elastic IPs where the address is to go; where nobody looked for them, all public addresses.
held(destination) := destination.facts.elastic_ips if {
	is_array(destination.facts.elastic_ips)
} else := destination.public_ips

loses_nothing(destination) if {
	moving := {address | some target in lib.targets; some address in target.public_ips}
	every address in held(destination) {
		address in moving
	}
}

destinations_known if {
	count(lib.destinations) > 0
	every destination in lib.destinations {
		lib.resolved(destination)
	}
}

# The one cluster that all destinations belong to.
next_cluster := name if {
	destinations_known
	every destination in lib.destinations {
		count(destination.clusters) == 1
	}
	names := {cluster | some destination in lib.destinations; some cluster in destination.clusters}
	count(names) == 1
	some name in names
}

same_cluster(target) if {
	destinations_known
	every destination in lib.destinations {
		lib.same_names(destination.clusters, target.clusters)
	}
}

# On no machine, and on no interface of a gateway or a load balancer either.
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

cutover(target) if {
	is_another(target)
	is_complete
	is_settled
	is_healthy
	is_large_enough(target)
}

is_another(target) if {
	is_string(next_cluster)
	not next_cluster in target.clusters
}

is_complete if {
	cluster := input.clusters[next_cluster]
	is_number(cluster.running)
	cluster.running > 0
	cluster.running == cluster.total
}

is_settled if input.clusters[next_cluster].in_flight == 0

is_healthy if input.clusters[next_cluster].healthy == true

is_large_enough(target) if {
	running := input.clusters[next_cluster].running
	share := data.guardrails.params.cutover.min_share
	is_number(share)
	every cluster in live_of(target) {
		running >= share * input.clusters[cluster].running
	}
}

live_of(target) := [cluster | some cluster in sort(target.clusters); cluster in lib.live_clusters]

# Why this is no sanctioned switch.
missing(id) := sprintf("The switch is not sanctioned: %s.", [concat("; ", sort(gaps[id]))]) if {
	gaps[id]
} else := "The switch is not sanctioned: the destination is not known to belong to exactly one cluster."

gaps[id] contains sprintf("%s serves the address already", [next_cluster]) if {
	some id in moved
	not is_another(lib.targets[id])
}

gaps[id] contains gap if {
	not is_complete
	some id in moved
	gap := sprintf("%s runs %v of %v machines", [
		next_cluster,
		text.number(next_cluster, "running"),
		text.number(next_cluster, "total"),
	])
}

gaps[id] contains gap if {
	not is_settled
	some id in moved
	gap := sprintf("%v machines of %s are terminating", [text.number(next_cluster, "in_flight"), next_cluster])
}

gaps[id] contains gap if {
	not is_healthy
	some id in moved
	gap := sprintf("%s is not known to be healthy", [next_cluster])
}

gaps[id] contains gap if {
	some id in moved
	some cluster in live_of(lib.targets[id])
	not is_large_enough(lib.targets[id])
	gap := sprintf("%s runs %v machines, %s runs %v, a share of %v is needed", [
		next_cluster,
		text.number(next_cluster, "running"),
		cluster,
		text.number(cluster, "running"),
		object.get(data.guardrails.params, ["cutover", "min_share"], "unknown"),
	])
}
