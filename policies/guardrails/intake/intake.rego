# METADATA
# title: What cannot be understood
# description: Inputs with missing pieces and areas that answer in another shape; both deny.
# schemas:
#   - input: schema.input
package guardrails.intake

incomplete contains {
	"rule": "main/malformed-input",
	"target": "(input)",
	"message": sprintf("The guard cannot judge this call: what it was told lacks %s.", [
		concat(", ", sort(missing_pieces)),
	]),
	"remediation": "This is a fault of the guard or of its configuration, not of your call; report it with this message.",
} if {
	count(missing_pieces) > 0
}

# A level vanishes whole when one area of it is not there: on OPA nothing else would say so.
silent(answers) := {entry |
	some level in ["deny", "confirm", "warn"]
	not is_object(object.get(answers, level, null))
	entry := {
		"rule": "main/malformed",
		"target": sprintf("guardrails.areas.%s", [level]),
		"message": sprintf("An area that guardrails.areas names has no %s, so the call is blocked.", [level]),
		"remediation": "Take the area out of guardrails.areas, or load the policies that are missing.",
	}
}

misshapen(answers) := {entry |
	some level, areas in answers
	some area, found in areas
	is_misshapen(found)
	entry := {
		"rule": "main/malformed",
		"target": sprintf("guardrails.%s", [area]),
		"message": sprintf("The policies of guardrails.%s returned a %s that nobody can read, so the call is blocked.", [
			area,
			level,
		]),
		"remediation": sprintf("Mend %s in guardrails.%s: %s.", [
			level,
			area,
			"a set of objects with the texts rule, target, message and remediation",
		]),
	}
}

is_misshapen(found) if not is_set(found)

is_misshapen(found) if {
	is_set(found)
	some entry in found
	not is_well_formed(entry)
}

is_well_formed(entry) if {
	every key in ["rule", "target", "message", "remediation"] {
		is_string(entry[key])
		entry[key] != ""
	}
}

# Each piece has a positive helper: where the input lacks it, `not is_array(input.call.effects)` is undefined on OPA.
missing_pieces contains "call.effects" if not effects_understood

missing_pieces contains "call.tags" if not tags_understood

missing_pieces contains "targets" if not targets_understood

missing_pieces contains "clusters" if not clusters_understood

missing_pieces contains "live" if not live_understood

missing_pieces contains sprintf("facts about %s", [id]) if {
	targets_understood
	some id, target in input.targets
	not target_understood(target)
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

target_understood(target) if {
	target.role in {"target", "destination"}
	is_string(target.type)
	is_boolean(target.resolved)
	is_object(target.tags)
	is_object(target.facts)
	is_array(target.public_ips)
	is_array(target.clusters)
	every cluster in target.clusters {
		is_string(cluster)
	}
}

cluster_understood(cluster) if {
	is_boolean(cluster.live)
	is_array(cluster.public_ips)
	every key in ["running", "total", "targeted", "remaining", "in_flight"] {
		is_number(cluster[key])
	}
}
