# A destructive call knows what it names. Unknown, unmarked, missing or mixed targets of a destructive call.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

untagged_effects := {"terminate", "stop", "storage", "network", "ip", "traffic", "scale-in", "replace"}

# An unknown word denies.
default untagged_action := "deny"

untagged_action := data.guardrails.params.untagged if data.guardrails.params.untagged in {"confirm", "allow"}

# METADATA
# title: Machines of nobody's cluster are refused
# description: >-
#   A machine without a cluster tag may belong to the live cluster. The parameter `untagged` says what happens to it,
#   to a group that holds such machines and to an address on one.
# custom:
#   rule: live-cluster/untagged
#   severity: high
#   remediation: Tag the machine with its cluster, then try again.
#   incident: GitLab, 2017-01-31
#   avoid: aws ec2 terminate-instances --instance-ids MACHINE_WITHOUT_TAG
#   prefer: aws ec2 create-tags --resources MACHINE_WITHOUT_TAG --tags Key=Cluster,Value=green
deny contains untagged_violation(id) if {
	untagged_action == "deny"
	some id in untagged_targets
}

# METADATA
# title: Machines of nobody's cluster need a person's word
# description: The same machines where the parameter `untagged` is "confirm".
# custom:
#   rule: live-cluster/untagged
#   severity: high
#   remediation: Tag the machine with its cluster, then try again.
#   incident: GitLab, 2017-01-31
confirm contains untagged_violation(id) if {
	untagged_action == "confirm"
	some id in untagged_targets
}

untagged_targets contains id if {
	count(lib.hurting & untagged_effects) > 0
	some id, target in lib.targets
	lib.resolved(target)
	untagged(target)
}

untagged(target) if {
	target.type == "instance"
	lib.carries_no_cluster(target)
}

untagged(target) if count(target.facts.untagged) > 0

untagged_violation(id) := lib.violation("live-cluster/untagged", id, message, remediation) if {
	message := sprintf("%s would hurt %s, %s, so nobody can tell whether it is live.", [
		text.operation,
		id,
		untagged_text(lib.targets[id]),
	])
	remediation := sprintf("Find out whose it is and tag it %s=<cluster>, then try again.", [cluster_tag])
}

untagged_text(target) := sprintf("%s with machines that have no %s tag: %s", [
	text.noun(target),
	cluster_tag,
	text.listed(target.facts.untagged),
]) if {
	count(target.facts.untagged) > 0
} else := sprintf("a machine without a %s tag", [cluster_tag])

default cluster_tag := "cluster"

cluster_tag := data.guardrails.params.cluster_tag

# METADATA
# title: Unknown ids are refused
# description: An id AWS does not know, or a resource nobody can look up, may be anything.
# custom:
#   rule: live-cluster/unresolved
#   severity: high
#   remediation: Check the id, the region and the account.
#   incident: Atlassian, 2022
#   avoid: aws ec2 terminate-instances --instance-ids i-00000000000000000
#   prefer: aws ec2 describe-instances --instance-ids i-00000000000000000
deny contains lib.violation("live-cluster/unresolved", id, message, remediation) if {
	count(lib.hurting) > 0
	some id, target in input.targets
	not lib.resolved(target)
	message := sprintf("%s names %s, which could not be found in %s, so nobody can tell whether it is live.", [
		text.operation,
		id,
		object.get(input.call, "region", "this region"),
	])
	remediation := "Check the id, the region and the account, and leave out what does not exist any more."
}

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
	count(lib.hurting | (lib.effects & {"protection"})) > 0
	count(lib.targets) == 0
	message := sprintf("%s names nothing it acts on, and an empty or omitted selector may mean everything%s.", [
		text.operation,
		text.forms,
	])
	remediation := "Name each resource. If your list is empty, there is nothing to do: do not make the call."
}

# METADATA
# title: Live and other resources do not share a call
# description: A destructive call that names a live cluster and something else is most likely a wrong list of ids.
# custom:
#   rule: live-cluster/mixed-batch
#   severity: critical
#   remediation: Make one call per cluster.
#   incident: PythonAnywhere, 2023-10-09; Travis CI images, 2016
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_MACHINE BLUES_MACHINE
#   prefer: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
deny contains lib.violation("live-cluster/mixed-batch", "(batch)", message, remediation) if {
	count(lib.hurting & lib.destructive) > 0
	count(lib.live_targets) > 0
	others := [sprintf("%s (%s)", [id, text.clusters_text(target)]) |
		some id, target in lib.targets
		not lib.live_targets[id]
	]
	count(others) > 0
	live := [sprintf("%s (%s)", [id, concat(", ", names)]) | some id, names in lib.live_targets]
	message := sprintf("%s mixes %d live with %d other targets. Live: %s. Not live: %s.", [
		text.operation,
		count(live),
		count(others),
		text.listed(live),
		text.listed(others),
	])
	remediation := "Check how the list of ids came about, take the live ones out and make the call again."
}
