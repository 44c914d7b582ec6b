# Private addresses and interfaces stay on the live cluster.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: The live cluster keeps its private addresses
# description: >-
#   Denies moving or removing private addresses and interfaces of a live cluster. Giving an interface a free address is
#   fine.
# custom:
#   rule: addresses/private-ip
#   severity: critical
#   remediation: Use a free address, or one from a machine that is not live.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: >-
#     aws ec2 assign-private-ip-addresses --network-interface-id GREENS_ENI --private-ip-addresses BLUES_IP
#     --allow-reassignment
#   prefer: aws ec2 assign-private-ip-addresses --network-interface-id GREENS_ENI --secondary-private-ip-address-count 1
deny contains lib.violation("addresses/private-ip", id, text.would("move or remove", id), remediation) if {
	some id in taken
	target := lib.targets[id]
	not is_public(target)
	not already_there(target)
	remediation := "Use a free address, or one from a machine that is not live."
}

# The address is already on the interface that it is assigned to.
already_there(target) if {
	input.call.operation in {"AssignPrivateIpAddresses", "AssignIpv6Addresses"}
	target.type == "private-ip"
	lib.destinations[target.facts.eni]
}
