# METADATA
# title: Input and answers that cannot be understood
# description: An input that lacks something, and areas whose answers have the wrong shape, deny.
# schemas:
#   - input: schema.input
package guardrails.intake

incomplete contains {
	"rule": "main/malformed-input",
	"target": "(input)",
	"message": sprintf("The guard cannot judge this call: its input lacks %s.", [
		concat(", ", sort(missing_pieces)),
	]),
	"remediation": "This is a fault of the guard or its configuration, not of your call. Report it with this message.",
} if {
	count(missing_pieces) > 0
}

# On OPA a whole level is undefined when one of its areas is missing, and nothing else would report it.
missing_levels(answers) := {entry |
	some level in ["deny", "confirm", "warn"]
	not answers[level]
	entry := {
		"rule": "main/malformed",
		"target": sprintf("guardrails.areas.%s", [level]),
		"message": sprintf("An area listed in guardrails.areas has no %s, so the call is blocked.", [level]),
		"remediation": "Remove the area from guardrails.areas, or load its policies.",
	}
}

malformed(answers, sound) := {entry |
	some level, areas in answers
	some area, entries in areas
	not sound[level][area] == entries
	entry := {
		"rule": "main/malformed",
		"target": sprintf("guardrails.%s", [area]),
		"message": sprintf("The policies of guardrails.%s returned a malformed %s, so the call is blocked.", [
			area,
			level,
		]),
		"remediation": sprintf("Fix %s in guardrails.%s: it must be %s.", [
			level,
			area,
			"a set of objects with the strings rule, target, message and remediation",
		]),
	}
}

# Most areas have nothing to say.
with_entries(answers) := {level: {area: entries | some area, entries in areas; entries != set()} |
	some level, areas in answers
}

# The well-formed entries, by level and area.
sound(answers) := {level: {area: well_formed(entries) |
	some area, entries in areas
	is_set(entries)
} |
	some level, areas in answers
}

well_formed(entries) := {entry |
	some entry in entries
	is_string(entry.rule)
	is_string(entry.target)
	is_string(entry.message)
	is_string(entry.remediation)
	not "" in [entry.rule, entry.target, entry.message, entry.remediation]
}

# Each piece has a positive helper: without the piece, `not is_array(input.call.effects)` is undefined on OPA.
missing_pieces contains "call.effects" if not effects_understood

missing_pieces contains "call.tags" if not tags_understood

missing_pieces contains "targets" if not targets_understood

missing_pieces contains "clusters" if not clusters_understood

missing_pieces contains "live" if not live_understood

missing_pieces contains sprintf("facts about %s", [id]) if {
	targets_understood
	some id, _ in input.targets
	not id in understood
}

missing_pieces contains sprintf("counts of cluster %s", [name]) if {
	clusters_understood
	some name, cluster in input.clusters
	not cluster_understood(cluster)
}

missing_pieces contains "params.cluster_tag" if not cluster_tag_named

cluster_tag_named if {
	is_string(data.guardrails.params.cluster_tag)
	data.guardrails.params.cluster_tag != ""
}

effects_understood if is_array(input.call.effects)

targets_understood if is_object(input.targets)

clusters_understood if is_object(input.clusters)

tags_understood if input.call.tags == null

tags_understood if {
	is_object(input.call.tags.set)
	is_array(input.call.tags.removed)
	is_boolean(input.call.tags.removes_all)
}

live_understood if {
	is_boolean(input.live.known)
	is_boolean(input.live.disputed)
	is_array(input.live.clusters)
	every source in input.live.sources {
		is_string(source.name)
		is_array(source.clusters)
	}
}

# Values of different types are in order: null, booleans, numbers, strings, arrays, objects. To compare them is ten times
# as fast as to ask for their types, and a call may have a thousand targets.
# regal ignore:prefer-set-or-object-rule
understood := {id |
	some id, target in input.targets
	target.role in {"target", "destination"}
	target.resolved in {true, false}
	target.type >= ""
	target.type < []
	target.tags >= {}
	target.facts >= {}
	target.public_ips >= []
	target.public_ips < {}
	target.clusters < {}
	every name in target.clusters {
		is_string(name)
	}
}

cluster_understood(cluster) if {
	is_boolean(cluster.live)
	is_array(cluster.public_ips)
	every key in ["running", "total", "targeted", "remaining", "in_flight"] {
		is_number(cluster[key])
	}
}
