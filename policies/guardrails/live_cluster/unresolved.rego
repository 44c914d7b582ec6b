# An id that cannot be looked up may name a live machine.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Unknown ids are refused
# description: >-
#   An id that AWS does not know, or a resource that cannot be looked up, may be anything. So may a machine that holds or
#   uses the resource and that the region does not show.
# custom:
#   rule: live-cluster/unresolved
#   severity: high
#   remediation: Check the id, the region and the account.
#   incident: Atlassian, 2022
#   avoid: aws ec2 terminate-instances --instance-ids i-00000000000000000
#   prefer: aws ec2 describe-instances --instance-ids i-00000000000000000
deny contains lib.violation("live-cluster/unresolved", id, message, remediation) if {
	some id, target in concerned
	not target.resolved == true
	not has_missing_holder(target)
	message := sprintf("%s names %s, which was not found in %s. It may belong to the live cluster.", [
		text.operation,
		id,
		object.get(input.call, "region", "this region"),
	])
	remediation := "Check the id, the region and the account, and leave out what no longer exists."
}

# METADATA
# title: Resources of unknown machines are not touched
# description: >-
#   A disk, interface, address or network that a machine uses is refused while that machine is not found: it may belong to
#   another account, or the look-up did not show it.
# custom:
#   rule: live-cluster/unresolved
#   severity: high
#   remediation: Find out whose machine it is, and make the change from its account.
#   incident: Atlassian, 2022
deny contains lib.violation("live-cluster/unresolved", id, message, remediation) if {
	some id, target in concerned
	count(target.facts.missing) > 0
	message := sprintf("%s would harm %s, which is used by %s; that machine was not found in %s. It may be live.", [
		text.operation,
		id,
		text.listed(target.facts.missing),
		object.get(input.call, "region", "this region"),
	])
	remediation := concat(" ", [
		"Find out whose machine it is: describe it with its own account's credentials.",
		"If nothing needs it, detach it there first, or set \"live-cluster/unresolved\" = \"warn\" under [enforcement].",
	])
}

has_missing_holder(target) if count(target.facts.missing) > 0

concerned := input.targets if {
	count(lib.harmful) > 0
} else := {id: target |
	"admit" in lib.effects
	some id, target in input.targets

	# Who is sent users through it is judged by who gets them now. What is to receive them has its own rule.
	target.role == "target"
}
