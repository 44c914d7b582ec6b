# The live cluster must be able to start machines: when one fails, its group replaces it.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: What the live cluster starts machines from stays
# description: >-
#   Denies deleting a launch template, a version of one, a launch configuration or a snapshot that an Auto Scaling group
#   of a live cluster starts machines from, whether a machine has used it yet or not.
# custom:
#   rule: live-cluster/launch-source
#   severity: high
#   remediation: Let the group use another template first, or delete another version.
#   incident: Travis CI images, 2016
#   avoid: aws ec2 delete-launch-template --launch-template-name BLUES_TEMPLATE
#   prefer: aws ec2 delete-launch-template --launch-template-name GREENS_TEMPLATE
deny contains lib.violation("live-cluster/launch-source", id, message, remediation) if {
	"indirect" in lib.effects
	startswith(input.call.operation, "Delete")
	some id, target in lib.targets
	names := [cluster | some cluster in target.facts.starts; cluster in lib.live_clusters]
	count(names) > 0
	message := sprintf("%s would delete %s, from which Auto Scaling starts machines of the live cluster %s.", [
		text.operation,
		id,
		text.listed(names),
	])
	remediation := "Let the group start its machines from something else first, then delete this."
}
