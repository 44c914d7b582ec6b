# What users reach is seen by its entrances. A new one may make the old ones count no more, although no user moves.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: A new entrance does not hide the one that users come by
# description: >-
#   Where the configuration does not name listeners, balancers from the internet count before internal ones, and ports 80
#   and 443 before others. Denies opening or filling an entrance that would make the live cluster's count no more.
# custom:
#   rule: live-cluster/entrance
#   severity: critical
#   remediation: Name the listeners that users reach in live.listeners, then make the call again.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws elbv2 create-listener --load-balancer-arn STAGINGS_PUBLIC_BALANCER --port 443
#   prefer: aws elbv2 create-listener --load-balancer-arn STAGINGS_INTERNAL_BALANCER --port 443
deny contains lib.violation("live-cluster/entrance", id, message, remediation) if {
	"admit" in lib.effects
	some id, target in lib.targets
	count(target.facts.unseats) > 0
	message := sprintf("%s would let %s count as what users reach, and %s would not be live any more, though no user moves (%s).", [
		text.operation,
		id,
		text.listed(target.facts.unseats),
		text.evidence,
	])
	remediation := concat(" ", [
		"Name the listeners that users reach in live.listeners (live.balancers for classic load balancers).",
		"Then others do not count, and you make the call again.",
	])
}
