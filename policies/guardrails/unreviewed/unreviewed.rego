# METADATA
# title: Operations nobody has looked at yet
# description: >-
#   AWS adds operations. One that changes something in a service under a cluster, and that this version of the catalogue
#   does not know, is not taken for safe.
# schemas:
#   - input: schema.input
package guardrails.unreviewed

import data.guardrails.lib
import data.guardrails.text

# An unknown word denies.
default level := "deny"

level := data.guardrails.params.unreviewed if data.guardrails.params.unreviewed in {"warn", "allow"}

# METADATA
# title: Unreviewed operations are pointed out
# description: Warns of an operation that the catalogue does not know. The parameter `unreviewed` may make it a denial.
# custom:
#   rule: unreviewed/operation
#   severity: low
#   remediation: Update guardrails, or review the operation.
#   incident: Facebook, 2021-10-04
#   avoid: aws ec2 BRAND_NEW_OPERATION
#   prefer: pip install --upgrade botocore-guardrails
warn contains unknown if {
	level == "warn"
	"unreviewed" in lib.effects
}

# METADATA
# title: Unreviewed operations are refused
# description: The same where the parameter `unreviewed` is "deny".
# custom:
#   rule: unreviewed/operation
#   severity: low
#   remediation: Update guardrails, or review the operation.
#   incident: Facebook, 2021-10-04
deny contains unknown if {
	level == "deny"
	"unreviewed" in lib.effects
}

unknown := lib.violation("unreviewed/operation", "(operation)", message, remediation) if {
	message := sprintf("%s of %s changes something, and nobody has reviewed yet whether it can hurt a cluster.", [
		text.operation,
		object.get(input.call, "service", "this service"),
	])
	remediation := "Update guardrails; until it knows the operation, make sure yourself that no live cluster depends on it."
}
