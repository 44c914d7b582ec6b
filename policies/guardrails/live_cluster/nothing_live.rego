# Where nothing is live, the guard has nothing to protect, as far as it can see.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Where nothing is live, a person decides
# description: >-
#   Where there is no Elastic IP on a machine and no load balancer with targets, and no cluster was live lately, nothing
#   that users reach can be harmed, as far as the sources can see. The parameter `nothing_live` decides what happens.
# custom:
#   rule: live-cluster/nothing-live
#   severity: medium
#   remediation: Confirm, or set the parameter nothing_live to "allow".
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 terminate-instances --instance-ids ANY_MACHINE
#   prefer: aws ec2 describe-addresses
confirm contains lib.violation("live-cluster/nothing-live", id, message, remediation) if {
	lib.nothing_live
	count(lib.harmful) > 0
	data.guardrails.params.nothing_live == "confirm"
	some id, target in lib.targets
	not is_live_pointer(id)
	message := sprintf("%s would harm %s%s. No source finds anything live here, now or lately (%s).", [
		text.operation,
		id,
		of_clusters(target),
		text.evidence,
	])
	remediation := concat(" ", [
		"If users reach nothing here, confirm.",
		"For scripts, set nothing_live = \"allow\" under [params]; if something is live, name it under [live].",
	])
}
