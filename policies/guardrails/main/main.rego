# METADATA
# title: The verdict
# description: >-
#   Collects what the areas say into the one decision the guard asks for. It is defined for every input; whatever cannot
#   be understood denies.
# schemas:
#   - input: schema.input
package guardrails.main

# METADATA
# title: The verdict on a call
# description: The strongest action of all violations, and the violations in order of rule and target.
# entrypoint: true
decision := {"action": action, "violations": ordered}

# "dryrun" is recorded and decides nothing.
action := "deny" if {
	"deny" in actions
} else := "confirm" if {
	"confirm" in actions
} else := "warn" if {
	"warn" in actions
} else := "allow"

actions := {violation.action | some violation in violations}

ordered := [object_of(row) |
	some row in sort([[found.rule, found.target, found.action, found.message, found.remediation] |
		some found in violations
	])
]

object_of(row) := {"rule": row[0], "target": row[1], "action": row[2], "message": row[3], "remediation": row[4]}

# What every area answers. This package defines none of the three sets, so it does not ask itself.
answers := {"deny": denials, "confirm": confirmations, "warn": warnings}

denials[area] := found if {
	some area
	found := data.guardrails[area].deny
}

confirmations[area] := found if {
	some area
	found := data.guardrails[area].confirm
}

warnings[area] := found if {
	some area
	found := data.guardrails[area].warn
}

violations contains with_action(entry, action_of(entry.rule, level)) if {
	some level, areas in answers
	some found in areas
	is_set(found)
	some entry in found
	is_well_formed(entry)
}

violations contains with_action(entry, "deny") if some entry in malformed

with_action(entry, word) := {
	"rule": entry.rule,
	"target": entry.target,
	"message": entry.message,
	"remediation": entry.remediation,
	"action": word,
}

# The configuration may give a rule another action; a word nobody knows denies.
action_of(rule, level) := "deny" if {
	_ = enforcement[rule]
	not enforcement[rule] in {"warn", "dryrun"}
} else := object.get(enforcement, rule, level)

default enforcement := {}

enforcement := data.guardrails.params.enforcement if is_object(data.guardrails.params.enforcement)
