# METADATA
# title: Wording of messages
# description: >-
#   Strings that have a value whatever the input lacks: a violation whose message is undefined would disappear.
# schemas:
#   - input: schema.input
package guardrails.text

import data.guardrails.lib

nouns := {
	"address": "a public address",
	"asg": "an Auto Scaling group",
	"cfn-change-set": "a change set",
	"cfn-stack": "a stack",
	"cfn-stack-set": "a stack set",
	"cidr": "an address range",
	"eni": "a network interface",
	"elb-target": "a target",
	"fleet": "a fleet",
	"instance": "a machine",
	"internet-gateway": "an internet gateway",
	"load-balancer": "a load balancer",
	"nacl": "a network ACL",
	"nat-gateway": "a NAT gateway",
	"private-ip": "a private address",
	"route-table": "a route table",
	"security-group": "a security group",
	"ssm-parameter": "a parameter",
	"subnet": "a subnet",
	"target-group": "a target group",
	"volume": "a disk",
	"vpc": "a VPC",
}

noun(target) := object.get(nouns, object.get(target, "type", "other"), "a resource")

# Beyond this, ids are counted instead of listed.
max_listed := 20

listed(items) := concat(", ", sort(items)) if count(items) <= max_listed

listed(items) := sprintf("%s and %d more", [shown, count(items) - max_listed]) if {
	count(items) > max_listed
	shown := concat(", ", array.slice(sort(items), 0, max_listed))
}

default operation := "This call"

operation := input.call.operation

# What makes this form of the call dangerous, in brackets; empty if nothing does.
default forms := ""

forms := sprintf(" (%s)", [concat("; ", input.call.forms)]) if count(input.call.forms) > 0

# "1 machine", "3 machines", or "an unknown number of machines".
counted(number_of, singular) := sprintf("1 %s", [singular]) if {
	number_of == 1
} else := sprintf("%v %ss", [number_of, singular]) if {
	is_number(number_of)
} else := sprintf("an unknown number of %ss", [singular])

number(cluster, key) := object.get(object.get(object.get(input, "clusters", {}), cluster, {}), key, "an unknown number")

# How many machines remain is only known for calls that take machines down.
named(cluster) := sprintf(", this call names %v and leaves %v running", [
	number(cluster, "targeted"),
	number(cluster, "remaining"),
]) if {
	number(cluster, "targeted") != 0
	lib.takes_machines_down
} else := sprintf(", this call names %v", [number(cluster, "targeted")]) if {
	number(cluster, "targeted") != 0
} else := ""

# Each live cluster with its numbers; worked out once per call, however many targets it has.
live_texts[cluster] := concat("", [cluster, machines_text(cluster)]) if some cluster in lib.live_clusters

# A cluster may run without machines.
machines_text(cluster) := "" if {
	number(cluster, "total") == 0
} else := sprintf(" (%v of %v machines running%s)", [
	number(cluster, "running"),
	number(cluster, "total"),
	named(cluster),
])

live_text(id) := concat(" and ", [live_texts[cluster] | some cluster in lib.live_targets[id]])

# What of a stack belongs to a live cluster; undefined for anything else.
live_parts(id) := listed(names) if {
	parts := lib.targets[id].facts.parts
	names := {part.name |
		some part in parts
		some cluster in part.clusters
		cluster in lib.live_clusters
	}
	count(names) > 0
}

with_parts(id) := sprintf("%s of %s", [parts, id]) if {
	parts := live_parts(id)
} else := id

# A NAT machine or a firewall may be in another cluster, or in none.
belongs(target) := sprintf("%s that carries routes of", [noun(target)]) if {
	some name in target.facts.routes
	name in lib.live_clusters
} else := concat(" ", [noun(target), "of"])

# "TerminateInstances would terminate i-1, a machine of the live cluster blue (...)."
would(verb, id) := sprintf("%s would %s %s, %s the live cluster %s%s.%s", [
	operation,
	verb,
	with_parts(id),
	belongs(lib.targets[id]),
	live_text(id),
	forms,
	harm(lib.targets[id]),
])

# What the look-ups say that the call would do to this target.
harm(target) := sprintf(" %s.", [what]) if {
	what := target.facts.harm
	is_string(what)
} else := ""

default evidence := "no source was asked"

# The evidence of each source.
evidence := concat("; ", reports) if {
	reports := [sprintf("%v: %v", [object.get(source, "name", "?"), object.get(source, "evidence", "nothing")]) |
		some source in speaking
	]
	count(reports) > 0
}

# A source that found nothing of its kind has nothing to say, unless all are silent.
speaking := heard if {
	count(heard) > 0
} else := input.live.sources

heard := [source | some source in input.live.sources; not silent(source)]

silent(source) if source.silent == true

clusters_text(target) := concat(", ", sort(target.clusters)) if {
	count(target.clusters) > 0
} else := "no cluster"
