# A switch may send the live cluster's users to its complete replacement, and nowhere else.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

is_switch if input.shift.way in {"listener", "rule"}

# What no one else gets is only taken away.
# The databases change places, whatever is known of them.
is_switch if input.shift.way == "deployment"

is_switch if {
	input.shift.known == true
	input.shift.way in object.keys(to_switch)
}

way_to_test := "Until then, give it the weight 0, or a listener port of its own to test it."

to_switch := {
	"listener": way_to_test,
	"rule": way_to_test,
	"targets": "Then take the machines of the live cluster out.",
	"record": "Change one name at a time. To test the new cluster, give it a name of its own.",
	"cnames": "Test the new environment by its own name before you swap.",
	"deployment": "Switch once the deployment and all of its green databases are available.",
}

# METADATA
# title: Users move only to clusters that can serve
# description: >-
#   Denies a change that gives users of a live cluster to another one, unless that one is large enough (parameter
#   `cutover.min_share`), with every machine running, none terminating, and all targets healthy. That holds for the target
#   groups and weights of a listener or rule, for machines that leave a load balancer, for DNS records, and for swapped
#   CNAMEs. A part of the users (a canary) may move in the same way. Within a cluster, they may move to a target group
#   whose targets are all healthy.
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
	remediation := concat(" ", [wait_until_complete, to_switch[input.shift.way]])
}

default wait_until_complete := "Put every machine of the new cluster behind its load balancer or name, wait until all are healthy, then try again."

wait_until_complete := "Wait, then try again." if input.shift.way == "deployment"

default obstacles := "it is not known who gets them"

obstacles := concat("; ", sort(reasons)) if count(reasons) > 0

reasons := lacking | {input.shift.why |
	is_string(input.shift.why)
	input.shift.why != ""
}

lacking := ({gap |
	some name in lib.unfit
	lib.gains(name)
	some gap in text.gaps(name, lib.losers)
} | {sprintf("not all targets of %s pass the load balancer's health checks", [name]) |
	some name in lib.unfit
	not input.shift.healthy[name]
}) | {sprintf("too few machines of %s would share the users (%v)", [name, shared]) |
	some name in lib.unfit
	lib.gains(name)
	not lib.enough_machines(name)
	shared := object.get(input.shift, ["machines_after", name], 0)
}
