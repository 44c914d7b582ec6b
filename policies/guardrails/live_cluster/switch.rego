# A listener or rule may send the live cluster's users to its complete replacement, and nowhere else.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

is_switch if input.shift.way in {"listener", "rule"}

# METADATA
# title: A listener switches only to clusters that can serve
# description: >-
#   Denies a change of a listener's or rule's target groups or weights that gives users of a live cluster to another one,
#   unless that one is large enough (parameter `cutover.min_share`), with every machine running, none terminating, and
#   all targets healthy. A part of the users (a canary) may move in the same way. Within a cluster, they may move to a
#   target group whose targets are all healthy.
# custom:
#   rule: live-cluster/switch
#   severity: critical
#   remediation: Complete the new cluster, then switch again.
#   incident: PythonAnywhere, 2023-10-09; Facebook, 2021-10-04
#   avoid: aws elbv2 modify-listener --listener-arn BLUES_LISTENER --default-actions TO_HALF_STARTED_GREEN
#   prefer: aws elbv2 modify-listener --listener-arn BLUES_LISTENER --default-actions TO_COMPLETE_GREEN
deny contains lib.violation("live-cluster/switch", id, message, remediation) if {
	"traffic" in lib.effects
	is_switch
	not lib.sanctioned_shift
	some id, _ in lib.live_targets
	message := sprintf("%s This is not a safe switch: %s.", [text.would("take users from", id), obstacles])
	remediation := concat(" ", [
		"Register every machine of the new cluster with its target group, wait until all are healthy, then switch again.",
		"Until then, give it the weight 0, or a listener port of its own to test it.",
	])
}

default obstacles := "it is not known who gets them"

obstacles := concat("; ", sort(reasons)) if count(reasons) > 0

reasons := lacking | {input.shift.why |
	is_string(input.shift.why)
	input.shift.why != ""
}

lacking := {gap |
	some name in lib.unfit
	lib.gains(name)
	some gap in text.gaps(name, lib.losers)
} | {sprintf("not all targets of %s pass the load balancer's health checks", [name]) |
	some name in lib.unfit
	not input.shift.healthy[name]
}
