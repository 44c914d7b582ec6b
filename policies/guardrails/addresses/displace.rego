# A live machine does not lose its address to one that is put in its place.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: A live machine's address is not displaced by another
# description: Denies AssociateAddress onto a machine of a live cluster where another Elastic IP would be lost.
# custom:
#   rule: addresses/displace
#   severity: critical
#   remediation: Choose a machine without an address.
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
		text.listed(displaceable(destination)),
		id,
		text.noun(destination),
		concat(", ", names),
	])
	remediation := "Choose a machine without an address, or another private address of this one (PrivateIpAddress)."
}

# The Elastic IPs at the destination; all public addresses where those were not looked up.
displaceable(destination) := destination.facts.elastic_ips if {
	is_array(destination.facts.elastic_ips)
} else := destination.public_ips

loses_nothing(destination) if {
	moving := {address | some target in lib.targets; some address in target.public_ips}
	every address in displaceable(destination) {
		address in moving
	}
}
