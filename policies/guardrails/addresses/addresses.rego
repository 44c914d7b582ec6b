# METADATA
# title: The live cluster keeps its addresses
# description: >-
#   Users reach the live cluster by its addresses. They move in one way only: to a complete, healthy cluster that takes
#   its place.
# schemas:
#   - input: schema.input
package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# The live targets of a call that takes addresses; what happens when machines go down is told by other rules.
taken contains id if {
	"ip" in lib.effects
	not lib.fatal
	some id, _ in lib.live_targets
}

moves_address if input.call.operation == "AssociateAddress"

is_public(target) if target.type in {"address", "cidr", "nat-gateway"}

moved contains id if {
	moves_address
	some id in taken
	lib.targets[id].type == "address"
}

# METADATA
# title: Addresses of the live cluster are not given up
# description: Denies releasing, disassociating, transferring or withdrawing a public address of a live cluster.
# custom:
#   rule: addresses/release
#   severity: critical
#   remediation: Move the address to the complete new cluster in one step.
#   incident: PythonAnywhere, 2023-10-09; Facebook, 2021-10-04
#   avoid: aws ec2 disassociate-address --association-id OF_BLUES_ADDRESS
#   prefer: aws ec2 associate-address --allocation-id BLUES_ADDRESS --instance-id GREENS_MACHINE --allow-reassociation
deny contains lib.violation("addresses/release", id, text.would("take away", id), release_remedy) if {
	some id in taken
	is_public(lib.targets[id])
	not id in moved
}

default release_remedy := "Move the live cluster's addresses to its complete replacement first; then they are free."

release_remedy := concat(" ", [
	"Do not take the address off first: move it in one step,",
	"with AssociateAddress and AllowReassociation=True, to a machine of the complete new cluster.",
]) if {
	input.call.operation == "DisassociateAddress"
}

# METADATA
# title: Private addresses of the live cluster stay
# description: >-
#   Denies moving or removing private addresses and interfaces of a live cluster. Giving an interface a free address
#   hurts nobody.
# custom:
#   rule: addresses/private-ip
#   severity: critical
#   remediation: Use a free address, or take it from a machine that is not live.
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
	remediation := "Use a free address, or one of a machine that is not live; leave the live cluster's where they are."
}

# The address is on the very interface that is to get it.
already_there(target) if {
	input.call.operation in {"AssignPrivateIpAddresses", "AssignIpv6Addresses"}
	target.type == "private-ip"
	lib.destinations[target.facts.eni]
}
