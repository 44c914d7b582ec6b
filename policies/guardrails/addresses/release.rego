# Public addresses are not taken off the live cluster.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: The live cluster's addresses are not released
# description: Denies releasing, disassociating, transferring or withdrawing a public address of a live cluster.
# custom:
#   rule: addresses/release
#   severity: critical
#   remediation: Move the address to the complete new cluster in one step.
#   incident: PythonAnywhere, 2023-10-09; Facebook, 2021-10-04
#   avoid: aws ec2 disassociate-address --association-id OF_BLUES_ADDRESS
#   prefer: aws ec2 associate-address --allocation-id BLUES_ADDRESS --instance-id GREENS_MACHINE --allow-reassociation
deny contains lib.violation("addresses/release", id, text.would("take away", id), release_remediation) if {
	some id in taken
	is_public(lib.targets[id])
	not id in moved
}

default release_remediation := "Keep the address while its cluster is live. To give it up for good, break glass for addresses/release."

release_remediation := concat(" ", [
	"Do not take the address off first. Move it in one step,",
	"with AssociateAddress and AllowReassociation=True,",
	"to a machine of the complete new cluster or a healthy one of the same.",
]) if {
	input.call.operation == "DisassociateAddress"
}
