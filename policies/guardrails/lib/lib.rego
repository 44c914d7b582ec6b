# METADATA
# title: Helpers that rules share
# description: >-
#   Facts about the call, its targets and the live cluster. Each holds only where it is proven; a rule that protects
#   negates one, so that a missing fact denies.
# schemas:
#   - input: schema.input
package guardrails.lib

# Effects that harm a machine, its disks, its addresses or its users at once.
destructive := {"terminate", "stop", "storage", "traffic", "network", "ip", "scale-in"}

effects := {effect | some effect in input.call.effects}

# The effects of this call that take something away. What provably leaves every machine where it is does not count.
harmful contains effect if {
	some effect in effects
	effect in (destructive | {"replace"})
	not effect_avoided(effect)
}

effect_avoided(_) if all_unrelated

# Losing disks and addresses follows from that and needs no violation of its own.
takes_machines_down if "terminate" in effects

takes_machines_down if "stop" in effects

effect_avoided("network") if routes_take_over

effect_avoided("traffic") if routes_take_over

# A route goes through another machine of the same cluster from now on.
routes_take_over if {
	input.call.operation == "ReplaceRoute"
	count(targets) > 0
	every target in targets {
		resolved(target)
		takes_over(target.facts.via)
	}
}

# All destinations are machines of these clusters that are running and healthy: they can do what another one did.
takes_over(clusters) if {
	count(clusters) > 0
	count(destinations) > 0
	every destination in destinations {
		resolved(destination)
		same_names(destination.clusters, clusters)
		destination.facts.serves == true
	}
}

# What the call acts on; a destination only receives something. Nothing can harm what is terminated already, or what
# the look-ups prove to keep everything that it has.
default targets := {}

targets := object.remove(input.targets, ((not_acted_on | terminated) | spared)) if is_object(input.targets)

not_acted_on contains id if {
	some id, target in input.targets
	not target.role == "target"
}

spared contains id if {
	some id, target in input.targets
	why := target.facts.spared
	is_string(why)
	target.resolved == true
}

# A deployment is deleted, and its databases stay. It may be all that shows which of them is live.
spared contains id if {
	some id, target in input.targets
	target.facts.discards == true
	target.resolved == true
	every name in deployed {
		name in named_otherwise
	}
}

deployed contains name if {
	some source in input.live.sources
	source.name == "rds"
	some name in source.clusters
}

named_otherwise contains name if {
	some source in input.live.sources
	source.name != "rds"
	some name in source.clusters
}

terminated contains id if {
	some id, target in input.targets
	target.state == "terminated"
	target.type == "instance"
	target.resolved == true
}

destinations[id] := target if {
	some id, target in input.targets
	target.role == "destination"
}

# Every cluster that any source calls live, even where sources disagree.
live_clusters contains cluster if some cluster in input.live.clusters

live_clusters contains name if {
	some name, cluster in input.clusters
	cluster.live == true
}

live_known if input.live.known == true

# Nothing that users reach is here, and nothing was lately; unless the parameter says to protect it anyway.
nothing_live if {
	input.live.nothing == true
	not live_known
	data.guardrails.params.nothing_live in {"confirm", "allow"}
}

# The targets that carry a live cluster, each with the sorted names of its live clusters. A rule for each would take the
# embedded engine several times as long.
# regal ignore:prefer-set-or-object-rule
live_targets := {id: names |
	some id, target in targets
	some cluster in target.clusters
	cluster in live_clusters
	names := sort([name | some name in target.clusters; name in live_clusters])
}

resolved(target) if target.resolved == true

carries_no_cluster(target) if target.clusters == []

# A part of it, or what holds it, was not found.
partly_unknown(target) if count(target.facts.unread) > 0

partly_unknown(target) if count(target.facts.missing) > 0

# The configuration names no such cluster: AWS's own tags and memberships show it.
inferred(name) if input.clusters[name].kind != "tag"

# A group of this kind starts its machines again, or serves without one of them. A stack's need not be alike.
groups := {"asg", "eb", "ecs", "eks", "fleet", "tg"}

# Machines leave a load balancer or their group, and run on: the gentlest way to take them out of service.
takes_out if {
	input.call.operation in {"DeregisterInstancesFromLoadBalancer", "DeregisterTargets", "DetachInstances", "EnterStandby"}
	input.call.service in {"autoscaling", "elb", "elbv2"}
	harmful == {"traffic"}
}

is_one_machine(target) if target.type == "instance"

is_one_machine(target) if {
	takes_out
	target.type == "elb-target"
	count(target.facts.instances) == 1
}

# One of several machines of a group. How many of them may go is decided by the area remaining.
replaceable(id) if {
	data.guardrails.params.inferred in {"bounds", "ignore"}
	is_one_machine(targets[id])
	not leads_elsewhere(targets[id])
	every name in live_targets[id] {
		input.clusters[name].kind in groups
		input.clusters[name].total > 1
		not holds_address(targets[id], name)
	}
}

# Routes of these clusters lead to it, and none of their machines takes its place.
leads_elsewhere(target) if count(target.facts.routes) > 0

# A group does not give it back to the next machine.
holds_address(target, name) if {
	some address in target.public_ips
	address in input.clusters[name].public_ips
}

# The order of the names does not matter.
same_names(left, right) if {
	is_array(left)
	is_array(right)
	{name | some name in left} == {name | some name in right}
}

violation(rule, target, message, remediation) := {
	"rule": rule,
	"target": target,
	"message": message,
	"remediation": remediation,
}

# The call names only what could belong to no cluster, such as a stack of topics.
all_unrelated if {
	count(input.targets) > 0
	every target in input.targets {
		target.facts.unrelated == true
	}
}

# How many machines of a cluster this call takes away: those it names, or all if it names something that holds machines.
machines_taken(name) := input.clusters[name].running if {
	name in taken_whole
} else := input.clusters[name].targeted

# The same of those that serve, by the parameter remaining.of.
serving_taken(name) := input.clusters[name].serving if {
	name in taken_whole
} else := input.clusters[name].serving_targeted

taken_whole contains name if {
	some target in targets
	not is_one_machine(target)
	some name in target.clusters
}
