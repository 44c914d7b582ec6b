# METADATA
# title: A launch fits, and what is destroyed can come back
# description: >-
#   Compares what a call starts with free addresses and quotas before AWS has started half of it. What could not be found
#   out never stops a call.
# schemas:
#   - input: schema.input
package guardrails.capacity

import data.guardrails.lib
import data.guardrails.text

# Places without enough addresses for all machines.
short contains place if {
	some place in input.capacity.places
	place.free < place.needed
}

# METADATA
# title: The subnets have room for all machines
# description: >-
#   Denies a launch that wants more addresses than its subnets have free: AWS would start some of the machines and leave
#   half a cluster.
# custom:
#   rule: capacity/addresses
#   severity: high
#   remediation: Use a subnet with enough free addresses.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 run-instances --count 40 --subnet-id SUBNET_WITH_8_FREE_ADDRESSES
#   prefer: aws ec2 run-instances --count 40 --subnet-id SUBNET_WITH_ROOM
deny contains lib.violation("capacity/addresses", id, message, remediation) if {
	some place in short
	id := concat(", ", place.subnets)
	message := sprintf("%s needs %v free addresses in %s, which has %v: room for %v of %v machines.", [
		text.operation,
		place.needed,
		id,
		place.free,
		place.fits,
		input.capacity.machines,
	])
	remediation := instead(place)
}

instead(place) := sprintf("Use another subnet: %s.", [concat(", ", listed)]) if {
	listed := [sprintf("%v in %v zone has %v free addresses", [other.id, zone(place, other), other.free]) |
		some other in place.alternatives
	]
	count(listed) > 0
} else := "Make or choose a subnet with more free addresses; no other of this network has enough."

zone(place, other) := "the same" if {
	other.zone in place.zones
} else := sprintf("another (%v)", [other.zone])

# METADATA
# title: The quotas have room for all machines
# description: Denies a launch that a quota of the account cannot hold.
# custom:
#   rule: capacity/quota
#   severity: high
#   remediation: Ask AWS for a higher quota first.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 run-instances --count 40 --instance-type c5.4xlarge
#   prefer: >-
#     aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 800
deny contains lib.violation("capacity/quota", quota.code, message, remediation) if {
	some quota in input.capacity.quotas
	quota.used + quota.needed > quota.limit
	message := sprintf("%s needs %v more %s; %v of %v are in use.", [
		text.operation,
		quota.needed,
		quota.name,
		quota.used,
		quota.limit,
	])
	remediation := sprintf("Ask AWS for a higher quota %s (Service Quotas), or start fewer or smaller machines.", [quota.code])
}

# An unknown word denies.
default headroom_level := "deny"

headroom_level := data.guardrails.params.capacity.headroom if data.guardrails.params.capacity.headroom in {"warn", "allow"}

# Places that would leave the live cluster too few addresses for its own growth.
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

# METADATA
# title: Room for the live cluster's growth is kept
# description: Warns of a launch that takes the addresses which groups of the live cluster may still need.
# custom:
#   rule: capacity/headroom
#   severity: medium
#   remediation: Use another subnet.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 run-instances --count 20 --subnet-id BLUES_SUBNET
#   prefer: aws ec2 run-instances --count 20 --subnet-id SUBNET_OF_ITS_OWN
warn contains crowding(place) if {
	headroom_level == "warn"
	some place in crowded
}

# METADATA
# title: Room for the live cluster's growth is not given away
# description: The same where the parameter `capacity.headroom` is "deny".
# custom:
#   rule: capacity/headroom
#   severity: medium
#   remediation: Use another subnet.
#   incident: PythonAnywhere, 2023-10-09
deny contains crowding(place) if {
	headroom_level == "deny"
	some place in crowded
}

crowding(place) := lib.violation("capacity/headroom", id, message, instead(place)) if {
	id := concat(", ", place.subnets)
	message := sprintf("%s would leave %v free addresses in %s, and the live cluster may need %v to grow.", [
		text.operation,
		place.free - place.needed,
		id,
		wanted(place),
	])
}

# METADATA
# title: Unknown room is pointed out
# description: Warns of a launch whose subnets could not be looked at. It goes through all the same.
# custom:
#   rule: capacity/unknown
#   severity: low
#   remediation: See that the machines fit.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 run-instances --count 20 --launch-template LaunchTemplateName=UNREADABLE
#   prefer: aws ec2 run-instances --count 20 --subnet-id SUBNET_WITH_ROOM
warn contains lib.violation("capacity/unknown", "(capacity)", message, remediation) if {
	missing := {gap.why | some gap in input.capacity.unknown; gap.what == "addresses"}
	count(missing) > 0
	message := sprintf("Whether there is room for what %s starts is unknown: %s.", [
		text.operation,
		concat("; ", sort(missing)),
	])
	remediation := "See for yourself that the subnet has enough free addresses."
}

# METADATA
# title: What could not be rebuilt soon is confirmed
# description: >-
#   Asks before a large part of any cluster is destroyed that AWS's rate limits would not let anybody start again within
#   `capacity.rebuild_minutes`: AWS terminates machines ten times as fast as it starts them (EC2 API throttling).
# custom:
#   rule: capacity/rebuild
#   severity: high
#   remediation: Destroy it in parts.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 terminate-instances --instance-ids ALL_1500_OF_GREEN
#   prefer: aws ec2 terminate-instances --instance-ids THE_FIRST_100_OF_GREEN
confirm contains lib.violation("capacity/rebuild", name, message, remediation) if {
	"terminate" in lib.effects
	some name, cluster in input.clusters
	taken := lib.taken(name)
	taken > data.guardrails.params.capacity.rebuild_share * cluster.total
	minutes := ceil((taken - tokens) / (60 * launches_per_second))
	minutes > data.guardrails.params.capacity.rebuild_minutes
	message := sprintf("%s takes %v of %v machines of %s, and AWS's rate limits allow no sooner than in %v min to start them again.", [
		text.operation,
		taken,
		cluster.total,
		name,
		minutes,
	])
	remediation := "Destroy it in parts, and see that nobody needs it before each."
}

# How many machines AWS would start at once.
default tokens := 0

tokens := input.history.launch_tokens if is_number(input.history.launch_tokens)

# https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html, RunInstances.
launches_per_second := 2
