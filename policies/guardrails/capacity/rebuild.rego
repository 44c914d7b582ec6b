# What is destroyed should be quick to rebuild.

package guardrails.capacity

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Destroying what cannot be rebuilt soon needs confirmation
# description: >-
#   Asks before a large part of any cluster is destroyed, if AWS's rate limits would not let you start it again within
#   `capacity.rebuild_minutes`. AWS terminates machines ten times as fast as it starts them (EC2 API throttling).
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
	taken := lib.machines_taken(name)
	taken > data.guardrails.params.capacity.rebuild_share * cluster.total
	minutes := ceil((taken - tokens) / (60 * launches_per_second))
	minutes > data.guardrails.params.capacity.rebuild_minutes
	message := sprintf("%s would take %v of %v machines of %s. At AWS's rate limits, starting them again takes at least %v min.", [
		text.operation,
		taken,
		cluster.total,
		name,
		minutes,
	])
	remediation := "Destroy the cluster in parts, and check before each part that no one needs it."
}

# How many machines AWS would start at once.
default tokens := 0

tokens := input.history.launch_tokens if is_number(input.history.launch_tokens)

# https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html, RunInstances.
launches_per_second := 2
