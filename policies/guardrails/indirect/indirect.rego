# METADATA
# title: Targets at one remove
# description: >-
#   Resources that no look-up leads to a cluster, ids that are not what the caller says they are, and things that kill
#   later.
# schemas:
#   - input: schema.input
package guardrails.indirect

import data.guardrails.lib
import data.guardrails.text

# An unknown word denies.
default untraced_level := "deny"

untraced_level := data.guardrails.params.untraced if data.guardrails.params.untraced in {"warn", "confirm", "allow"}

untraced contains id if {
	count(lib.hurting) > 0
	some id, target in lib.targets
	target.facts.traced == false
}

# METADATA
# title: What cannot be traced is pointed out
# description: >-
#   Warns of a destructive call on a resource of which no look-up tells what depends on it. The parameter `untraced` may
#   make it a denial.
# custom:
#   rule: indirect/untraced
#   severity: medium
#   remediation: Find out what depends on it.
#   incident: Travis CI images, 2016; Cloudflare R2, 2025-02
#   avoid: aws ec2 delete-managed-prefix-list --prefix-list-id ANY_LIST
#   prefer: aws ec2 get-managed-prefix-list-associations --prefix-list-id ANY_LIST
warn contains untraced_violation(id) if {
	untraced_level == "warn"
	some id in untraced
}

# METADATA
# title: What cannot be traced needs a person's word
# description: The same where the parameter `untraced` is "confirm".
# custom:
#   rule: indirect/untraced
#   severity: medium
#   remediation: Find out what depends on it.
#   incident: Travis CI images, 2016; Cloudflare R2, 2025-02
confirm contains untraced_violation(id) if {
	untraced_level == "confirm"
	some id in untraced
}

# METADATA
# title: What cannot be traced is refused
# description: The same where the parameter `untraced` is "deny".
# custom:
#   rule: indirect/untraced
#   severity: medium
#   remediation: Find out what depends on it.
#   incident: Travis CI images, 2016; Cloudflare R2, 2025-02
deny contains untraced_violation(id) if {
	untraced_level == "deny"
	some id in untraced
}

untraced_violation(id) := lib.violation("indirect/untraced", id, message, remediation) if {
	message := sprintf("%s would hurt %s, and no look-up tells whether the live cluster depends on it.", [
		text.operation,
		id,
	])
	remediation := "Find out what depends on it before you go on."
}

# METADATA
# title: An id is what the caller says it is
# description: Denies a call that names a resource of another type than the operation acts on.
# custom:
#   rule: indirect/mismatch
#   severity: critical
#   remediation: Check where the id came from.
#   incident: Atlassian, 2022
#   avoid: aws ec2 terminate-instances --instance-ids vol-0123456789abcdef0
#   prefer: aws ec2 delete-volume --volume-id vol-0123456789abcdef0
deny contains lib.violation("indirect/mismatch", id, message, remediation) if {
	count(lib.hurting) > 0
	some id, target in lib.targets
	is_string(target.facts.mismatch)
	message := sprintf("%s names %s: %s.", [text.operation, id, target.facts.mismatch])
	remediation := "Check where the id came from: the list may hold ids of something else."
}

# METADATA
# title: A batch over several zones is pointed out
# description: >-
#   When one machine of a batch is protected, AWS refuses the call and terminates those in other zones all the same
#   (EC2 API reference, TerminateInstances).
# custom:
#   rule: indirect/zones
#   severity: low
#   remediation: Make one call per zone.
#   incident: AWS S3, 2017-02-28
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_IN_ZONE_A GREENS_IN_ZONE_B
#   prefer: aws ec2 terminate-instances --instance-ids GREENS_IN_ZONE_A
warn contains lib.violation("indirect/zones", "(batch)", message, remediation) if {
	input.call.operation == "TerminateInstances"
	zones := {target.facts.zone | some target in lib.targets; is_string(target.facts.zone)}
	count(zones) > 1
	protected := [id | some id, target in lib.targets; target.protections.termination == true]
	count(protected) > 0
	message := sprintf("%s names machines in %s, and %s protected: AWS refuses the call and terminates those in other zones.", [
		text.operation,
		concat(", ", sort(zones)),
		text.listed(protected),
	])
	remediation := "Make one call per zone, without the protected machines."
}
