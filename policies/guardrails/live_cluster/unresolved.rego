# An id that cannot be looked up may name a live machine.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Unknown ids are refused
# description: An id that AWS does not know, or a resource that cannot be looked up, may be anything.
# custom:
#   rule: live-cluster/unresolved
#   severity: high
#   remediation: Check the id, the region and the account.
#   incident: Atlassian, 2022
#   avoid: aws ec2 terminate-instances --instance-ids i-00000000000000000
#   prefer: aws ec2 describe-instances --instance-ids i-00000000000000000
deny contains lib.violation("live-cluster/unresolved", id, message, remediation) if {
	count(lib.harmful) > 0
	some id, target in input.targets
	not lib.resolved(target)
	message := sprintf("%s names %s, which was not found in %s. It may belong to the live cluster.", [
		text.operation,
		id,
		object.get(input.call, "region", "this region"),
	])
	remediation := "Check the id, the region and the account, and leave out what no longer exists."
}
