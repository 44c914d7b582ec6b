# A launch must not take the addresses that the live cluster needs to grow.

package guardrails.capacity

import data.guardrails.lib
import data.guardrails.text

# An unknown value denies.
default headroom_level := "deny"

headroom_level := data.guardrails.params.capacity.headroom if data.guardrails.params.capacity.headroom in {"warn", "allow"}

# METADATA
# title: A launch that takes the live cluster's room to grow gets a warning
# description: Warns of a launch that takes addresses which groups of the live cluster may still need.
# custom:
#   rule: capacity/headroom
#   severity: medium
#   remediation: Use another subnet.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 run-instances --count 20 --subnet-id BLUES_SUBNET
#   prefer: aws ec2 run-instances --count 20 --subnet-id SUBNET_OF_ITS_OWN
warn contains headroom_violation(place) if {
	headroom_level == "warn"
	some place in crowded
}

# METADATA
# title: The live cluster keeps its room to grow
# description: The same where the parameter `capacity.headroom` is "deny".
# custom:
#   rule: capacity/headroom
#   severity: medium
#   remediation: Use another subnet.
#   incident: PythonAnywhere, 2023-10-09
deny contains headroom_violation(place) if {
	headroom_level == "deny"
	some place in crowded
}

headroom_violation(place) := lib.violation("capacity/headroom", id, message, other_subnets(place)) if {
	id := concat(", ", place.subnets)
	message := sprintf("%s would leave %v free addresses in %s, but the live cluster may need %v to grow.", [
		text.operation,
		place.free - place.needed,
		id,
		wanted(place),
	])
}

# Places that would leave the live cluster too few addresses to grow.
crowded contains place if {
	some place in input.capacity.places
	not place in short
	wanted(place) > 0
	place.free - place.needed < wanted(place)
}

wanted(place) := place.reserved + extra(place)

extra(place) := data.guardrails.params.capacity.headroom_machines if {
	some name in lib.live_clusters
	name != input.capacity.grows
	some subnet in input.clusters[name].subnets
	subnet in place.subnets
} else := 0
