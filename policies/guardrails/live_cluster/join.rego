# What joins a group is ended by it: by its scale-in, its health checks, an instance refresh. No call says so any more.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Live machines join only groups of their own cluster
# description: >-
#   Denies attaching a machine of a live cluster to a group of another one. The same for a machine that is not found, for
#   every machine while it is unknown which cluster is live, and for untagged ones (parameter `untagged`).
# custom:
#   rule: live-cluster/join
#   severity: critical
#   remediation: Attach it to a group of its own cluster.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws autoscaling attach-instances --auto-scaling-group-name GREENS_GROUP --instance-ids BLUES_MACHINE
#   prefer: aws autoscaling attach-instances --auto-scaling-group-name BLUES_GROUP --instance-ids BLUES_MACHINE
deny contains join_violation(id) if some id in not_joining

not_joining contains id if {
	some id, groups in other_groups
	count(groups) > 0
	may_be_live(lib.destinations[id])
}

not_joining contains id if {
	untagged_action == "deny"
	some id in untagged_joining
}

# METADATA
# title: Untagged machines join a group after a confirmation
# description: The same where the parameter `untagged` is "confirm".
# custom:
#   rule: live-cluster/join
#   severity: critical
#   remediation: Attach it to a group of its own cluster.
#   incident: PythonAnywhere, 2023-10-09
confirm contains join_violation(id) if {
	untagged_action == "confirm"
	some id in untagged_joining
}

untagged_joining contains id if {
	not lib.nothing_live
	some id, groups in other_groups
	count(groups) > 0
	lib.resolved(lib.destinations[id])
	id in untagged
}

# The groups that a machine would join and that are not its cluster's.
other_groups[id] := groups if {
	"admit" in lib.effects
	some id, machine in lib.destinations
	machine.type == "instance"
	groups := {name |
		some name, group in lib.targets
		group.type == "asg"
		not belongs(machine, group)
	}
}

may_be_live(machine) if not lib.resolved(machine)

may_be_live(machine) if {
	some name in machine.clusters
	name in lib.live_clusters
}

may_be_live(_) if {
	not lib.live_known
	not lib.nothing_live
}

join_violation(id) := lib.violation("live-cluster/join", id, message, remediation) if {
	message := sprintf("%s would put %s, %s, under %s. A group ends its machines by itself: when it scales in, or finds one unhealthy.", [
		text.operation,
		id,
		standing_of(lib.destinations[id]),
		text.listed({sprintf("%s (%s)", [name, text.clusters_text(lib.targets[name])]) | some name in other_groups[id]}),
	])
	remediation := concat(" ", [
		"Attach it to a group of its own cluster, or start new machines from this group.",
		sprintf("A group belongs to the cluster that its %s tag names.", [cluster_tag]),
	])
}

standing_of(machine) := "a machine that was not found" if {
	not lib.resolved(machine)
} else := sprintf("a machine of %s", [text.clusters_text(machine)])
