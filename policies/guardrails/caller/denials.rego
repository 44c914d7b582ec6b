# METADATA
# title: What a caller did before
# description: >-
#   A program that was denied several times on the live cluster, and goes on, has not understood why.
# schemas:
#   - input: schema.input
package guardrails.caller

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Several denials on the live cluster stop the caller
# description: >-
#   Denies harmful calls of a caller that was denied on a live cluster as often as the parameter `denials` says for its
#   kind, within the last hour. By default this holds for agents, which try again in another way, and for no one else.
# custom:
#   rule: caller/denials
#   severity: critical
#   remediation: Stop, and report the denials to a person, who can approve this call.
#   incident: Replit, 2025-07
#   avoid: aws ec2 terminate-instances --instance-ids BLUES_MACHINE  # for the fourth time
#   prefer: aws ec2 describe-instances --instance-ids BLUES_MACHINE
deny contains lib.violation("caller/denials", "(caller)", message, remediation) if {
	count(lib.harmful) > 0
	limit := data.guardrails.params.denials[input.caller.kind]
	limit > 0
	reached(limit)
	message := sprintf("%s comes from %s (%s), and was denied on a live cluster %s within the last hour.", [
		text.operation,
		input.caller.program,
		input.caller.kind,
		times,
	])
	remediation := concat(" ", [
		"Stop, and report the denials to a person, who can approve this call or break the glass for this rule.",
		"An hour after the denials, calls like this one are decided on as usual.",
	])
}

reached(limit) if input.caller.denials >= limit

# The memory of this host does not answer.
reached(_) if input.caller.denials == null

times := "an unknown number of times" if {
	input.caller.denials == null
} else := sprintf("%v times", [input.caller.denials])
