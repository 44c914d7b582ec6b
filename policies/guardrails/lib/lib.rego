# METADATA
# title: What the rules share
# description: >-
#   Positive helpers about the call, its targets and the live cluster. Each says what is proven; a rule that protects
#   negates one, so that a missing fact denies.
# schemas:
#   - input: schema.input
package guardrails.lib

# The effects after which a machine, its disk, its addresses or its users are worse off at once.
destructive := {"terminate", "stop", "storage", "traffic", "network", "ip", "scale-in"}

effects := {effect | some effect in input.call.effects}

# The effects of this call that take something away. A scale-in that provably keeps every machine is not among them.
hurting contains effect if {
	some effect in effects
	effect in (destructive | {"replace"})
	not effect_avoided(effect)
}

effect_avoided("scale-in") if all_keep_size

# Machines go down. What happens to their disks and addresses follows from it and needs no violation of its own.
fatal if "terminate" in effects

fatal if "stop" in effects

# What the call acts on; a destination only receives something.
targets[id] := target if {
	some id, target in input.targets
	target.role == "target"
}

destinations[id] := target if {
	some id, target in input.targets
	target.role == "destination"
}

# Every cluster that any source calls live, in a dispute too.
live_clusters contains cluster if some cluster in input.live.clusters

live_clusters contains name if {
	some name, cluster in input.clusters
	cluster.live == true
}

live_known if input.live.known == true

# The targets that carry a live cluster, each with the names of its live clusters in order.
live_targets[id] := names if {
	some id, target in targets
	names := sort([cluster | some cluster in target.clusters; cluster in live_clusters])
	count(names) > 0
}

resolved(target) if target.resolved == true

carries_no_cluster(target) if target.clusters == []

# Whether two lists hold the same names, in whichever order.
same_names(one, other) if {
	is_array(one)
	is_array(other)
	{name | some name in one} == {name | some name in other}
}

violation(rule, target, message, remediation) := {
	"rule": rule,
	"target": target,
	"message": message,
	"remediation": remediation,
}

# Whether a call that sets the size of a group provably keeps every machine.
all_keep_size if {
	count(targets) > 0
	every target in targets {
		keeps_size(target)
	}
}

# A MaxSize below the present size lowers the desired capacity without naming it.
keeps_size(target) if {
	input.call.operation == "UpdateAutoScalingGroup"
	not_below("DesiredCapacity", target.facts.desired)
	not_below("MaxSize", target.facts.desired)
}

keeps_size(target) if {
	input.call.operation == "SetDesiredCapacity"
	input.call.params.DesiredCapacity
	not_below("DesiredCapacity", target.facts.desired)
}

# A size the call leaves out stays as it is.
not_below(param, desired) if {
	is_number(desired)
	size := object.get(input.call.params, param, desired)
	is_number(size)
	size >= desired
}

# What this call takes away: the machines it names, or all of them where it names something that holds machines.
taken(name) := input.clusters[name].running if {
	some target in targets
	target.type != "instance"
	name in target.clusters
} else := input.clusters[name].targeted
