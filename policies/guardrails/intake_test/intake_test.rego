# METADATA
# title: Tests of what cannot be understood
package guardrails.intake_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.intake
import data.guardrails.verdict

entry(rule) := {"rule": rule, "target": "i-1", "message": "m", "remediation": "r"}

fine := fixtures.request("T", ["terminate"], {"i-1": fixtures.machine("green")})

answers(level, areas) := object.union({"deny": {}, "confirm": {}, "warn": {}}, {level: areas})

actions(entries) := {violation.action | some violation in entries}

rules(entries) := {violation.rule | some violation in entries}

test_a_malformed_answer_denies if {
	every entries in [[entry("a/b")], {"a": entry("a/b")}, "deny", true, null, 1] {
		violations := verdict.violations(answers("deny", {"area": entries})) with input as fine
		rules(violations) == {"main/malformed"}
		actions(violations) == {"deny"}
	}
}

test_an_incomplete_entry_denies if {
	every key in ["rule", "target", "message", "remediation"] {
		every broken in [object.remove(entry("a/b"), [key]), object.union(entry("a/b"), {key: ""}), object.union(entry("a/b"), {key: 1})] {
			violations := verdict.violations(answers("warn", {"area": {broken}})) with input as fine
			rules(violations) == {"main/malformed"}
			actions(violations) == {"deny"}
		}
	}
}

test_the_message_names_level_and_area if {
	answer := {"warn": {"weekend": {"just a text"}}}
	entries := intake.malformed(answer, intake.sound(answer))
	some violation in entries
	violation.target == "guardrails.weekend"
	contains(violation.message, "returned a malformed warn")
	contains(violation.remediation, "Fix warn in guardrails.weekend")
}

test_a_broken_entry_does_not_hide_others if {
	violations := verdict.violations(answers("deny", {"area": {"broken", entry("a/b")}})) with input as fine
	rules(violations) == {"main/malformed", "a/b"}
}

test_empty_sets_are_fine if {
	intake.with_entries({"deny": {"one": set(), "two": {"a"}}}) == {"deny": {"two": {"a"}}}
	verdict.violations({"deny": {"one": set()}, "confirm": {}, "warn": {}}) == set() with input as fine
}

test_a_missing_level_denies if {
	every level in ["deny", "confirm", "warn"] {
		violations := verdict.violations(object.remove(answers("deny", {}), [level])) with input as fine
		actions(violations) == {"deny"}
		{violation.target | some violation in violations} == {sprintf("guardrails.areas.%s", [level])}
	}
}

test_a_complete_input_is_understood if {
	count(intake.incomplete) == 0 with input as fine
}

# Each piece, missing or malformed, by the words the message must contain.
pieces := {
	"call.effects": [["call", "effects"], ["terminate"]],
	"call.tags": [["call", "tags"], {"set": {}, "removed": []}],
	"targets": [["targets"], []],
	"clusters": [["clusters"], "none"],
	"live": [["live", "known"], "yes"],
}

without(path) := json.patch(fine, [{"op": "remove", "path": path}])

replaced(path, value) := json.patch(fine, [{"op": "replace", "path": path, "value": value}])

lacks(request, piece) if {
	entries := intake.incomplete with input as request
	some violation in entries
	[violation.rule, violation.target] == ["main/malformed-input", "(input)"]
	contains(violation.message, piece)
}

test_a_missing_piece_is_named if {
	every piece, place in pieces {
		lacks(without(place[0]), piece)
	}
}

test_a_malformed_piece_is_named if {
	lacks(replaced(["call", "effects"], "terminate"), "call.effects")
	lacks(replaced(["call", "tags"], {"set": {}, "removed": []}), "call.tags")
	lacks(replaced(["call", "tags"], {"set": [], "removed": [], "removes_all": false}), "call.tags")
	lacks(replaced(["call", "tags"], {"set": {}, "removed": {}, "removes_all": false}), "call.tags")
	lacks(replaced(["targets"], []), "targets")
	lacks(replaced(["clusters"], null), "clusters")
	lacks(replaced(["live", "known"], "yes"), "live")
	lacks(replaced(["live", "disputed"], null), "live")
	lacks(replaced(["live", "clusters"], {"blue": true}), "live")
	lacks(replaced(["live", "sources"], [{"name": "eip"}]), "live")
	lacks(replaced(["live", "sources"], [{"name": 1, "clusters": []}]), "live")
}

test_tags_are_understood if {
	tags := {"set": {"a": "b"}, "removed": ["c"], "removes_all": false}
	count(intake.incomplete) == 0 with input as replaced(["call", "tags"], tags)
}

test_every_fact_about_a_target_is_needed if {
	every key in ["role", "type", "resolved", "tags", "facts", "public_ips", "clusters"] {
		lacks(without(["targets", "i-1", key]), "facts about i-1")
		lacks(replaced(["targets", "i-1", key], 1), "facts about i-1")
	}
	lacks(replaced(["targets", "i-1", "role"], "bystander"), "facts about i-1")
	lacks(replaced(["targets", "i-1", "clusters"], [1]), "facts about i-1")
	lacks(replaced(["targets", "i-1"], "a machine"), "facts about i-1")
}

test_every_type_of_a_fact_about_a_target_is_needed if {
	others := {
		"type": [null, true, 1, [], {}],
		"tags": [null, true, 1, "", []],
		"facts": [null, true, 1, "", []],
		"public_ips": [null, true, 1, "", {}],
		"clusters": [null, true, 1, "", {}],
		"resolved": [null, 1, "", [], {}],
	}
	every key, values in others {
		every value in values {
			lacks(replaced(["targets", "i-1", key], value), "facts about i-1")
		}
	}
}

test_an_empty_fact_about_a_target_is_understood if {
	count(intake.incomplete) == 0 with input as replaced(["targets", "i-1", "resolved"], false)
	every key, value in {"type": "", "tags": {}, "facts": {}, "public_ips": [], "clusters": []} {
		count(intake.incomplete) == 0 with input as replaced(["targets", "i-1", key], value)
	}
}

test_every_count_of_a_cluster_is_needed if {
	every key in ["live", "public_ips", "running", "total", "targeted", "remaining", "in_flight"] {
		lacks(without(["clusters", "blue", key]), "counts of cluster blue")
		lacks(replaced(["clusters", "blue", key], "three"), "counts of cluster blue")
	}
}

test_the_cluster_tag_is_needed if {
	every word in ["", null, 1] {
		entries := intake.incomplete with input as fine with data.guardrails.params.cluster_tag as word
		rules(entries) == {"main/malformed-input"}
	}
}

test_all_missing_pieces_are_named_at_once if {
	entries := intake.incomplete with input as {}
	some violation in entries
	contains(violation.message, "lacks call.effects, call.tags, clusters, live, targets.")
}

test_a_destination_is_understood if {
	destination := object.union(fixtures.machine("green"), {"role": "destination"})
	request := fixtures.request("T", ["ip"], {"i-1": destination})
	count(intake.incomplete) == 0 with input as request
}

# An object of names would otherwise be searched like a list.
test_clusters_of_a_target_must_be_a_list if {
	lacks(replaced(["targets", "i-1", "clusters"], {"a": "green"}), "facts about i-1")
}

test_null_targets_are_named if {
	lacks(replaced(["targets"], null), "targets")
}

test_a_missing_level_has_a_rule_id if {
	rules(intake.missing_levels({"deny": {}, "confirm": {}})) == {"main/malformed"}
}
