# Free addresses that could not be counted are reported to the caller.

package guardrails.capacity

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: A launch into unknown capacity gets a warning
# description: Warns of a launch whose subnets could not be looked up. The launch is still sent.
# custom:
#   rule: capacity/unknown
#   severity: low
#   remediation: Check that the machines fit.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 run-instances --count 20 --launch-template LaunchTemplateName=UNREADABLE
#   prefer: aws ec2 run-instances --count 20 --subnet-id SUBNET_WITH_ROOM
warn contains lib.violation("capacity/unknown", "(capacity)", message, remediation) if {
	count(reasons) > 0
	message := sprintf("The guard could not check whether there is room for what %s starts: %s.", [
		text.operation,
		concat("; ", sort(reasons)),
	])
	remediation := sprintf("Check yourself that %s.", [object.get(enough, input.call.operation, free_addresses)])
}

reasons contains gap.why if {
	some gap in input.capacity.unknown
	gap.what == "addresses"
}

free_addresses := "the subnet has enough free addresses"

# These take no address of a subnet.
enough := {
	"AllocateAddress": "the account's quota of Elastic IPs has room",
	"StartInstances": "the account's quota of vCPUs has room",
}
