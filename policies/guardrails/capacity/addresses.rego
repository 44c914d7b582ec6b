# A launch must not run out of addresses halfway.

package guardrails.capacity

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: The subnets have room for all machines
# description: >-
#   Denies a launch that needs more addresses than its subnets have free: AWS would start only some of the machines and
#   leave half a cluster.
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
	remediation := other_subnets(place)
}
