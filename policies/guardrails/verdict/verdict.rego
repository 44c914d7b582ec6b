# METADATA
# title: From what the areas say to one verdict
# description: >-
#   Functions of the router: which entries are well formed, what the configuration makes of them, which action is strongest.
package guardrails.verdict

import data.guardrails.intake

# "dryrun" is recorded and decides nothing.
strongest(found) := "deny" if {
	some violation in found
	violation.action == "deny"
} else := "confirm" if {
	some violation in found
	violation.action == "confirm"
} else := "warn" if {
	some violation in found
	violation.action == "warn"
} else := "allow"

ordered(found) := [object_of(row) |
	some row in sort([[entry.rule, entry.target, entry.action, entry.message, entry.remediation] |
		some entry in found
	])
]

object_of(row) := {"rule": row[0], "target": row[1], "action": row[2], "message": row[3], "remediation": row[4]}

violations(answers) := well_formed(answers) | {with_action(entry, "deny") | some entry in faults(answers)}

faults(answers) := (intake.silent(answers) | intake.misshapen(answers)) | intake.incomplete

well_formed(answers) := {with_action(entry, action_of(entry.rule, level)) |
	some level, areas in answers
	some found in areas
	is_set(found)
	some entry in found
	intake.is_well_formed(entry)
}

with_action(entry, word) := {
	"rule": entry.rule,
	"target": entry.target,
	"message": entry.message,
	"remediation": entry.remediation,
	"action": word,
}

# The configuration may give a rule another action; a word nobody knows denies. Both functions answer for every input:
# an entry whose action were undefined would vanish.
action_of(rule, level) := set_aside(rule, known(object.get(enforcement, rule, level)))

# Break glass: what was set aside is still said, and recorded. What main says of a broken policy or input never is.
set_aside(rule, word) := "warn" if {
	word in {"deny", "confirm"}
	glass_is_broken_for(rule)
} else := word

glass_is_broken_for(rule) if {
	is_number(input.now_s)
	is_number(input.break_glass.until_s)
	input.now_s < input.break_glass.until_s
	rule in input.break_glass.rules
	not rule in object.get(data.guardrails.params, "unbreakable", [])
}

known(word) := word if {
	word in {"deny", "confirm", "warn", "dryrun"}
} else := "deny"

enforcement := object.get(data.guardrails.params, "enforcement", {})
