# A machine without a cluster tag may belong to the live cluster.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

untagged_effects := {"terminate", "stop", "storage", "network", "ip", "traffic", "scale-in", "replace"}

# An unknown value denies.
default untagged_action := "deny"

untagged_action := data.guardrails.params.untagged if data.guardrails.params.untagged in {"confirm", "allow"}

# METADATA
# title: Untagged machines need confirmation
# description: >-
#   A machine that nothing shows to belong to a cluster, neither a cluster tag nor AWS's own tags, may be a developer's own,
#   or belong to the live one. The parameter `untagged` decides what happens to it, to a group that holds such machines, and
#   to an address on one. By default a person decides. What is live by an address or a load balancer is never left to it.
# custom:
#   rule: live-cluster/untagged
#   severity: high
#   remediation: Tag the machine with its cluster, or confirm.
#   incident: GitLab, 2017-01-31
#   avoid: aws ec2 terminate-instances --instance-ids MACHINE_WITHOUT_TAG
#   prefer: aws ec2 create-tags --resources MACHINE_WITHOUT_TAG --tags Key=Cluster,Value=green
confirm contains untagged_violation(id) if {
	untagged_action == "confirm"
	some id in untagged_targets
}

# METADATA
# title: Untagged machines are not touched
# description: The same where the parameter `untagged` is "deny".
# custom:
#   rule: live-cluster/untagged
#   severity: high
#   remediation: Tag the machine with its cluster, then try again.
#   incident: GitLab, 2017-01-31
deny contains untagged_violation(id) if {
	untagged_action == "deny"
	some id in untagged_targets
}

untagged_targets contains id if {
	count(lib.harmful & untagged_effects) > 0
	not lib.nothing_live
	some id, target in lib.targets
	id in untagged
	lib.resolved(target)
}

untagged contains id if {
	some id, target in input.targets
	target.clusters == []
	target.type == "instance"
}

untagged contains id if {
	some id, target in input.targets
	count(target.facts.untagged) > 0
}

untagged contains id if {
	some one in not_counted
	some id, target in input.targets
	one in target.clusters
	every name in target.clusters {
		name in not_counted
	}
}

not_counted contains name if {
	data.guardrails.params.inferred == "ignore"
	some name, _ in input.clusters
	lib.inferred(name)
}

# Its address is all that is known of it, and does not make it live.
not_counted contains name if {
	some name, cluster in input.clusters
	cluster.kind == "ip"
	not name in lib.live_clusters
}

untagged_violation(id) := lib.violation("live-cluster/untagged", id, message, remediation) if {
	message := sprintf("%s would harm %s, %s. It may belong to the live cluster.", [
		text.operation,
		id,
		untagged_text(lib.targets[id]),
	])
	remediation := sprintf("Find out which cluster it belongs to, tag it %s=<cluster>, then try again. %s", [
		cluster_tag,
		sprintf("If no cluster needs it, %seval \"$(guardrails break-glass --reason WHY --rule live-cluster/untagged)\".", [
			untagged_way,
		]),
	])
}

default untagged_way := "break the glass: "

untagged_way := "confirm at a terminal; for a script, break the glass: " if untagged_action == "confirm"

untagged_text(target) := sprintf("%s with machines that have no %s tag (%s)", [
	text.noun(target),
	cluster_tag,
	text.listed(target.facts.untagged),
]) if {
	count(target.facts.untagged) > 0
} else := sprintf("%s without a %s tag", [text.noun(target), cluster_tag])

default cluster_tag := "cluster"

cluster_tag := data.guardrails.params.cluster_tag
