# What users of the live cluster are sent to belongs to that cluster, or to one that can take its place.

package guardrails.live_cluster

import data.guardrails.addresses
import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Only the live cluster and a complete replacement get its users
# description: >-
#   Denies registering machines behind a load balancer of the live cluster that belong neither to that cluster nor to one
#   that is large enough (parameter `cutover.min_share`), with every machine running and passing health checks.
# custom:
#   rule: live-cluster/admit
#   severity: critical
#   remediation: Complete the new cluster, then register its machines.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws elbv2 register-targets --target-group-arn BLUES_GROUP --targets Id=HALF_STARTED_GREENS_MACHINE
#   prefer: aws elbv2 register-targets --target-group-arn BLUES_GROUP --targets Id=BLUES_NEW_MACHINE
deny contains lib.violation("live-cluster/admit", id, message, remediation) if {
	"admit" in lib.effects
	some id, _ in lib.live_targets
	target := lib.targets[id]
	strangers := [sprintf("%s (%s)", [other, text.clusters_text(destination)]) |
		some other, destination in lib.destinations
		not belongs(destination, target)
	]
	count(strangers) > 0
	not may_join(target)
	message := sprintf("%s %s", [
		text.would(sprintf("send users to %s through", [text.listed(strangers)]), id),
		"That is neither part of it nor of a complete, healthy cluster that is large enough.",
	])
	remediation := concat(" ", [
		"Register machines of the live cluster, or wait until every machine of the new one is running and healthy.",
		"To test the new one, give it a target group and a listener port of its own.",
	])
}

may_join(target) if {
	not input.shift.way
	addresses.is_cutover(target)
}

may_join(_) if lib.sanctioned_shift

belongs(destination, target) if {
	lib.resolved(destination)
	count(destination.clusters) > 0
	every cluster in destination.clusters {
		cluster in target.clusters
	}
}
