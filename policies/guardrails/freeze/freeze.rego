# METADATA
# title: Freezes
# description: >-
#   While someone has frozen effects for all guards that share a memory, no call that has one of them is sent.
# schemas:
#   - input: schema.input
package guardrails.freeze

import data.guardrails.lib
import data.guardrails.text

# What such a call does is not in the call itself: it may be what is frozen.
unknown := {"indirect", "opaque", "unreviewed"}

# AWS terminates machines for these.
terminating := {"replace", "scale-in"}

# METADATA
# title: What is frozen stays as it is
# description: >-
#   Denies what `guardrails freeze` has frozen, whatever the call acts on: a change freeze, or an incident in which one
#   hand acts. What a call does that runs a command, acts later, or is not reviewed yet, is unknown: a freeze of anything
#   holds it. Where the memory does not say what is frozen, all is held but what only starts machines. Only a break glass
#   that names this rule sets it aside.
# custom:
#   rule: freeze/in-force
#   severity: high
#   remediation: Wait until it ends, or have it lifted.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 terminate-instances --instance-ids ANY_MACHINE
#   prefer: aws ec2 describe-instances --instance-ids ANY_MACHINE
deny contains lib.violation("freeze/in-force", sprintf("(freeze %s)", [found.id]), found.message, found.remediation) if {
	some found in holding
}

holding contains {"id": freeze.id, "message": message, "remediation": remediation} if {
	some freeze in input.freezes
	held := {effect | some effect in lib.effects; holds(freeze, effect)}
	count(held) > 0
	message := sprintf("%s %s (%s). It is frozen until %s, by %s on %s: %s.", [
		text.operation,
		does(freeze, held),
		text.listed(held),
		freeze.until,
		freeze.by,
		freeze.host,
		trim_right(freeze.reason, ". "),
	])
	remediation := concat(" ", [
		"Wait until it ends, or have it lifted for everyone: `guardrails freeze --lift`.",
		"In an emergency, break the glass for freeze/in-force.",
	])
}

# No memory says what is frozen: anything may be. To recover, machines have to be started.
holding contains {"id": "unknown", "message": message, "remediation": remediation} if {
	input.freezes_unknown != ""
	held := lib.effects - {"capacity"}
	count(held) > 0
	message := sprintf("%s may do what is frozen (%s): whether this is frozen is unknown: %s.", [
		text.operation,
		text.listed(held),
		trim_right(input.freezes_unknown, ". "),
	])
	remediation := "Repair the memory that guards share, or break the glass for freeze/in-force."
}

does(freeze, held) := "does what is frozen" if {
	some effect in held
	effect in freeze.effects
} else := "may do what is frozen"

holds(freeze, effect) if effect in freeze.effects

holds(_, effect) if effect in unknown

holds(freeze, effect) if {
	effect in terminating
	"terminate" in freeze.effects
}
