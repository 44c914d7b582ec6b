# Private addresses and interfaces stay on the live cluster.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: The live cluster keeps its private addresses
# description: >-
#   Denies moving or removing private addresses and interfaces of a live cluster. Giving an interface a free address is
#   fine, and so is moving one to a healthy machine of the same cluster in one step (failover).
# custom:
#   rule: addresses/private-ip
#   severity: critical
#   remediation: Use a free address, or one from a machine that is not live.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: >-
#     aws ec2 assign-private-ip-addresses --network-interface-id GREENS_ENI --private-ip-addresses BLUES_IP
#     --allow-reassignment
#   prefer: aws ec2 assign-private-ip-addresses --network-interface-id GREENS_ENI --secondary-private-ip-address-count 1
deny contains lib.violation("addresses/private-ip", id, text.would("move or remove", id), keep_private) if {
	some id in taken
	target := lib.targets[id]
	not is_public(target)
	not stays(target)
}

default keep_private := "Use a free address, or one from a machine that is not live."

keep_private := concat(" ", [
	"Do not take the address off first. Move it in one step, with AssignPrivateIpAddresses and AllowReassignment=True,",
	"to a healthy machine of the same cluster.",
]) if {
	input.call.operation == "UnassignPrivateIpAddresses"
}

assigns_address(target) if {
	input.call.operation in {"AssignPrivateIpAddresses", "AssignIpv6Addresses"}
	target.type == "private-ip"
}

# The address is already on the interface that it is assigned to.
stays(target) if {
	assigns_address(target)
	lib.destinations[target.facts.eni]
}

stays(target) if {
	assigns_address(target)
	fails_over(target)
}
