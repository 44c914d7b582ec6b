# A call without a target may act on everything.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: An empty selector is refused
# description: A destructive call without a target may mean everything, now or after the next change of the service.
# custom:
#   rule: live-cluster/empty-selector
#   severity: critical
#   remediation: Name the resources.
#   incident: Joyent, 2014; Google disk-erase
#   avoid: aws ec2 terminate-instances --instance-ids
#   prefer: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
deny contains lib.violation("live-cluster/empty-selector", "(none)", message, remediation) if {
	count(lib.harmful | (lib.effects & {"protection"})) > 0
	not names_target
	message := sprintf("%s %s, and an empty or missing selector may mean everything%s.", [
		text.operation,
		what_it_names,
		text.forms,
	])
	remediation := "Name each resource. If your list is empty, there is nothing to do: skip the call."
}

default what_it_names := "names no target"

# Target maps name values of parameters, which need not be ids.
what_it_names := "has target maps without an id that the guard can look up" if input.call.params.TargetMaps

names_target if {
	some target in input.targets
	target.role == "target"

	# Where an automation runs does not say on what.
	target.type != "location"
}
