# METADATA
# title: From the answers of the areas to one decision
# description: >-
#   Functions for main: which entries are well formed, which action the configuration gives them, and which is strongest.
package guardrails.verdict

import data.guardrails.intake

# "dryrun" is recorded and changes nothing.
strongest(entries) := first_of({entry.action | some entry in entries})

first_of(actions) := "deny" if {
	"deny" in actions
} else := "confirm" if {
	"confirm" in actions
} else := "warn" if {
	"warn" in actions
} else := "allow"

ordered(entries) := [{"rule": row[0], "target": row[1], "action": row[2], "message": row[3], "remediation": row[4]} |
	some row in sort([[entry.rule, entry.target, entry.action, entry.message, entry.remediation] |
		some entry in entries
	])
]

violations(answers) := acted_on(sound) | {with_action(entry, "deny") | some entry in faults(given, sound)} if {
	given := intake.with_entries(answers)
	sound := intake.sound(given)
}

faults(answers, sound) := (intake.missing_levels(answers) | intake.malformed(answers, sound)) | intake.incomplete

# An action is worked out once per rule, however many targets violate it.
acted_on(sound) := {with_action(entry, actions[entry.rule]) |
	some level, areas in sound
	some entries in areas
	actions := actions_of({entry.rule | some entry in entries}, level)
	some entry in entries
}

actions_of(rules, level) := {rule: action_of(rule, level) | some rule in rules}

with_action(entry, action) := {
	"rule": entry.rule,
	"target": entry.target,
	"message": entry.message,
	"remediation": with_way_out(entry, action),
	"action": action,
}

# Whether anything uses what has the live cluster's tag cannot be looked up for every type. If nothing does, only a
# person can say so.
with_way_out(entry, action) := sprintf("%s If nothing uses it any more, break glass for %s.", [entry.remediation, entry.rule]) if {
	action in {"deny", "confirm"}
	entry.rule in may_be_leftovers
	not input.targets[entry.target].type in {"asg", "instance"}
	not contains(entry.remediation, "glass")
	not entry.rule in object.get(data.guardrails.params, "unbreakable", [])
} else := entry.remediation

# Rules that keep what belongs to a live cluster until its users are elsewhere.
may_be_leftovers := {
	"live-cluster/stop",
	"live-cluster/storage",
	"live-cluster/terminate",
	"live-cluster/traffic",
	"network/acl",
	"network/interface",
	"network/machine",
	"network/other",
	"network/route-table",
	"network/subnet",
	"protection/switch-off",
	"protection/retag",
}

# The configuration may give a rule another action; an unknown action denies. The functions below have a value for every
# argument: an entry with an undefined action would disappear.
action_of(rule, level) := after_approval(rule, after_break_glass(rule, known(object.get(enforcement, rule, level))))

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

# A second person may approve what the parameter `approvals` names. Like break glass, that turns a denial into a warning.
after_approval(rule, action) := "warn" if {
	terms_of(rule, action)
	is_approved(rule)
} else := action

is_approved(rule) if {
	is_number(input.now_s)
	some approval in input.approvals
	is_number(approval.until_s)
	input.now_s < approval.until_s
	rule in approval.rules
}

# Who may approve what a rule blocks, and for how many minutes that counts. What is not named can be approved where it
# only asks for confirmation.
terms_of(rule, action) := limits(data.guardrails.params.approvals[rule]) if action in {"deny", "confirm"}

terms_of(rule, "confirm") := limits(data.guardrails.params.approvals.confirm) if {
	not data.guardrails.params.approvals[rule]
}

limits(terms) := {"by": object.get(terms, "by", ["*"]), "minutes": terms.minutes} if {
	is_number(terms.minutes)
	terms.minutes > 0
}

# The terms of every rule that blocks the call. Nothing where none does, or where one of them cannot be approved.
approval_terms(entries) := {"approvable": {entry.rule: terms_of(entry.rule, entry.action) | some entry in stops}} if {
	stops := blocking(entries)
	count(stops) > 0
	every entry in stops {
		terms_of(entry.rule, entry.action)
	}
} else := {}

blocking(entries) := {entry | some entry in entries; entry.action in {"deny", "confirm"}}

known(action) := action if {
	action in {"deny", "confirm", "warn", "dryrun"}
} else := "deny"

enforcement := object.get(data.guardrails.params, "enforcement", {})
