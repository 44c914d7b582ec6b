# METADATA
# title: Unreviewed operations
# description: >-
#   AWS adds operations. One that this version's catalogue does not know, and that changes something in a service that
#   clusters use, is not assumed to be safe.
# schemas:
#   - input: schema.input
package guardrails.unreviewed

import data.guardrails.lib
import data.guardrails.text

# An unknown value denies.
default level := "deny"

level := data.guardrails.params.unreviewed if data.guardrails.params.unreviewed in {"warn", "allow"}

# METADATA
# title: Unreviewed operations get a warning
# description: Warns of an operation that the catalogue does not know. The parameter `unreviewed` may turn this into a denial.
# custom:
#   rule: unreviewed/operation
#   severity: low
#   remediation: Update guardrails, or review the operation.
#   incident: Facebook, 2021-10-04
#   avoid: aws ec2 BRAND_NEW_OPERATION
#   prefer: pip install --upgrade botocore-guardrails
warn contains unknown if {
	"unreviewed" in lib.effects
	level == "warn"
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
	"unreviewed" in lib.effects
	level == "deny"
}

unknown := lib.violation("unreviewed/operation", "(operation)", message, remediation) if {
	message := sprintf("%s of %s changes something, and this version of guardrails does not know whether it can harm a cluster.", [
		text.operation,
		object.get(input.call, "service", "this service"),
	])
	remediation := "Update guardrails. Until it knows the operation, check yourself that no live cluster depends on what it changes."
}
