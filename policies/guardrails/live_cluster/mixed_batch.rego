# A list of ids that mixes live machines with others is probably the wrong list.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Live and other resources do not share a call
# description: A destructive call that names a live cluster and something else is probably given the wrong list of ids.
# custom:
#   rule: live-cluster/mixed-batch
#   severity: critical
#   remediation: Make one call per cluster.
#   incident: PythonAnywhere, 2023-10-09; Travis CI images, 2016
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_MACHINE BLUES_MACHINE
#   prefer: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
deny contains lib.violation("live-cluster/mixed-batch", "(batch)", message, remediation) if {
	count(lib.harmful & lib.destructive) > 0

	# A switch names both sides.
	not is_switch
	count(lib.live_targets) > 0
	others := [sprintf("%s (%s)", [id, text.clusters_text(target)]) |
		some id, target in lib.targets
		not lib.live_targets[id]
	]
	count(others) > 0
	live := [sprintf("%s (%s)", [id, concat(", ", names)]) | some id, names in lib.live_targets]
	message := sprintf("%s mixes live targets with others. Live (%d): %s. Not live (%d): %s.", [
		text.operation,
		count(live),
		text.listed(live),
		count(others),
		text.listed(others),
	])
	remediation := "Check where the list of ids came from, take out the live ones, then make the call again."
}
