# An address of the live cluster may move to its complete replacement, and nowhere else.

package guardrails.addresses

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: The live cluster's addresses move only to a complete replacement
# description: >-
#   Denies AssociateAddress for an address of a live cluster, unless it moves to another cluster that is large enough
#   (parameter `cutover.min_share`), with every machine running, none terminating, and passing health checks.
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
	not is_cutover(target)
	not asks(target)
	message := sprintf("%s %s", [text.would("take away", id), why_not(id)])
	remediation := "Wait until every machine of the new cluster is running and healthy, then move the address again."
}

# METADATA
# title: The address of a machine that stands alone moves after a confirmation
# description: >-
#   Asks before the address of a machine that is a cluster only by it moves to a machine of no cluster that is running
#   and passes health checks, where the parameter `untagged` is "confirm". With "allow" it moves, with "deny" it stays.
# custom:
#   rule: addresses/steal
#   severity: critical
#   remediation: Check that the machine is the replacement, then confirm.
#   incident: PythonAnywhere, 2023-10-09
confirm contains lib.violation("addresses/steal", id, message, remediation) if {
	some id in moved
	target := lib.targets[id]
	not same_cluster(target)
	asks(target)
	message := sprintf("%s Its new machine belongs to no cluster.", [text.would("take away", id)])
	remediation := "Check that the machine is the replacement, and confirm at a terminal; a script breaks the glass for addresses/steal."
}

asks(target) if {
	data.guardrails.params.untagged == "confirm"
	swaps_pets(target)
}

why_not(id) := sprintf("This is not a safe cutover: %s.", [concat("; ", sort(gaps[id]))]) if {
	gaps[id]
} else := "This is not a safe cutover: the destination does not clearly belong to one cluster."

gaps[id] contains sprintf("%s already has the address", [next_cluster]) if {
	some id in moved
	target := lib.targets[id]
	not is_another(target)
}

gaps[id] contains gap if {
	some id in moved
	some gap in text.gaps(next_cluster, live_clusters_of(lib.targets[id]))
}

gaps[id] contains sprintf("%s is not known to be running and healthy", [name]) if {
	pet_destinations
	some id in moved
	is_pet(lib.targets[id])
	some name, destination in lib.destinations
	not destination.facts.serves
}
