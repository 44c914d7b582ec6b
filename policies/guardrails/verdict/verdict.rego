# METADATA
# title: From the answers of the areas to one decision
# description: >-
#   Functions for main: which entries are well formed, which action the configuration gives them, and which is strongest.
package guardrails.verdict

import data.guardrails.intake

# "dryrun" is recorded and changes nothing.
strongest(entries) := "deny" if {
	some entry in entries
	entry.action == "deny"
} else := "confirm" if {
	some entry in entries
	entry.action == "confirm"
} else := "warn" if {
	some entry in entries
	entry.action == "warn"
} else := "allow"

ordered(entries) := [object_of(row) |
	some row in sort([[entry.rule, entry.target, entry.action, entry.message, entry.remediation] |
		some entry in entries
	])
]

object_of(row) := {"rule": row[0], "target": row[1], "action": row[2], "message": row[3], "remediation": row[4]}

violations(answers) := well_formed(answers) | {with_action(entry, "deny") | some entry in faults(answers)}

faults(answers) := (intake.missing_levels(answers) | intake.malformed(answers)) | intake.incomplete

well_formed(answers) := {with_action(entry, action_of(entry.rule, level)) |
	some level, areas in answers
	some entries in areas
	is_set(entries)
	some entry in entries
	intake.is_well_formed(entry)
}

with_action(entry, action) := {
	"rule": entry.rule,
	"target": entry.target,
	"message": entry.message,
	"remediation": entry.remediation,
	"action": action,
}

# The configuration may give a rule another action; an unknown action denies. Both functions below have a value for every
# argument: an entry with an undefined action would disappear.
action_of(rule, level) := after_break_glass(rule, known(object.get(enforcement, rule, level)))

# Break glass turns a denial into a warning, which is still shown and recorded. It never covers what main says about
# broken policies or input.
after_break_glass(rule, action) := "warn" if {
	action in {"deny", "confirm"}
	glass_is_broken_for(rule)
} else := action

glass_is_broken_for(rule) if {
	is_number(input.now_s)
	is_number(input.break_glass.until_s)
	input.now_s < input.break_glass.until_s
	rule in input.break_glass.rules
	not rule in object.get(data.guardrails.params, "unbreakable", [])
}

known(action) := action if {
	action in {"deny", "confirm", "warn", "dryrun"}
} else := "deny"

enforcement := object.get(data.guardrails.params, "enforcement", {})
