# The live cluster keeps its machines: groups that hold them are neither shrunk nor replaced underneath it.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Groups of the live cluster are not shrunk
# description: >-
#   Denies a size or a minimum below the current one, and every size where the current one is unknown. AWS chooses the
#   machines to terminate, and ignores termination protection. For services and tables, it is tasks and throughput.
# custom:
#   rule: live-cluster/scale-in
#   severity: critical
#   remediation: Set a size that is not below the current one.
#   incident: AWS S3, 2017-02-28
#   avoid: aws autoscaling set-desired-capacity --auto-scaling-group-name BLUE --desired-capacity 0
#   prefer: aws autoscaling set-desired-capacity --auto-scaling-group-name GREEN --desired-capacity 0
deny contains lib.violation("live-cluster/scale-in", id, message, remediation) if {
	"scale-in" in lib.effects
	not lib.takes_machines_down
	some id, _ in lib.live_targets
	message := concat("", [text.would("take capacity away from", id), sizes(lib.targets[id])])
	remediation := "Set a size and a minimum that are not below the current ones, and a maximum that leaves room."
}

# Where the look-ups do not say it already.
sizes(target) := "" if {
	is_string(target.facts.harm)
} else := "" if {
	target.type != "asg"
} else := sprintf(" The group's desired size is %v, its minimum %v; the call sets %s.", [
	object.get(target.facts, "desired", "unknown"),
	object.get(target.facts, "min", "unknown"),
	new_sizes,
])

default new_sizes := "no size"

new_sizes := concat(", ", parts) if {
	parts := [sprintf("%s to %v", [param, size]) |
		some param in ["DesiredCapacity", "MinSize", "MaxSize"]
		size := input.call.params[param]
	]
	count(parts) > 0
}

# METADATA
# title: The machines of the live cluster are not replaced
# description: Denies instance refreshes and other changes that replace running machines of a live cluster.
# custom:
#   rule: live-cluster/replace
#   severity: critical
#   remediation: Start a new cluster beside the live one, then move the addresses.
#   incident: Skyscanner, 2021-08-25
#   avoid: aws autoscaling start-instance-refresh --auto-scaling-group-name BLUE
#   prefer: aws autoscaling set-desired-capacity --auto-scaling-group-name GREEN --desired-capacity 6
deny contains lib.violation("live-cluster/replace", id, message, remediation) if {
	"replace" in lib.harmful
	some id, _ in lib.live_targets
	message := text.would(replacing(id), id)
	remediation := instead_of_replacing(lib.targets[id].type)
}

replacing(id) := "remove, replace or change" if {
	lib.targets[id].type == "cfn-change-set"
} else := "replace" if {
	text.live_parts(id)
} else := "replace running machines of"

# Only a change set tells in advance what updating a stack replaces.
instead_of_replacing(type) := concat(" ", [
	"Create a change set (CreateChangeSet), check that it neither removes nor replaces these machines, and execute it;",
	"or start the new version as a separate stack beside the live one.",
]) if {
	type == "cfn-stack"
} else := concat(" ", [
	"Leave these changes out of the change set, or start the new version as a separate cluster beside the live one.",
	"The service's own call for a change in place is compared with the present state.",
	"If the changes harm no one, break glass for live-cluster/replace.",
]) if {
	type == "cfn-change-set"
} else := concat(" ", [
	"Start the new version as a separate cluster beside the live one, then move the users to it.",
	"If your deployments replace a few at a time in place, set \"live-cluster/replace\" = \"warn\" under [enforcement].",
])

# METADATA
# title: Delayed harm to the live cluster gets a warning
# description: >-
#   Warns of calls after which something else may harm the live cluster later, and names the operation that shows it.
# custom:
#   rule: live-cluster/indirect
#   severity: medium
#   remediation: Look at what follows, and make sure that nothing will shrink or replace the live cluster.
#   incident: Skyscanner, 2021-08-25
#   avoid: aws autoscaling put-scheduled-update-group-action --auto-scaling-group-name BLUE --scheduled-action-name X
#   prefer: aws autoscaling put-scheduled-update-group-action --auto-scaling-group-name GREEN --scheduled-action-name X
warn contains lib.violation("live-cluster/indirect", id, message, remediation) if {
	"indirect" in lib.effects
	some id, _ in lib.live_targets
	message := sprintf("%s The guard will not see it.", [text.would("change what happens later to", id)])
	remediation := sprintf("Look at it with %s. Make sure that nothing will shrink, stop or replace the live cluster.", [look])
}

default look := "the service's Describe, Get and List operations"

look := input.call.look_at
