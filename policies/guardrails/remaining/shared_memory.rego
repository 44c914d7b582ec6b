# What hosts did together is unknown while the memory that they share does not answer.

package guardrails.remaining

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: What other hosts did is known
# description: >-
#   Denies harming a live cluster, or one that has bounds, while the table with the shared memory does not answer. Each of
#   many hosts might take as much as all of them may together. A safe switch of users takes no machine away, and passes.
#   With `state.fallback = "host"` each host keeps its part of the bounds instead.
# custom:
#   rule: remaining/shared-memory
#   severity: critical
#   remediation: Make the table answer, then try again.
#   incident: AWS S3, 2017-02-28
#   avoid: aws ec2 terminate-instances --instance-ids ONE_OF_A_CLUSTER_THAT_MUST_REMAIN
#   prefer: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
deny contains lib.violation("remaining/shared-memory", id, message, remediation) if {
	count(lib.harmful) > 0
	not only_switches
	input.history.hosts == 0
	some id, target in lib.targets
	names := sort([name | some name in target.clusters; kept(name)])
	count(names) > 0
	message := sprintf("%s would harm %s of %s, and it is unknown what other hosts did: %s.", [
		text.operation,
		id,
		concat(", ", names),
		input.history.unshared,
	])
	remediation := concat(" ", [
		"Make the table answer, then try again; `guardrails doctor` says what is wrong.",
		"To go on without it, set state.fallback = \"host\", or break the glass for this rule.",
	])
}

# Users go to a cluster that can serve them, and no machine is taken away: there is nothing to count.
only_switches if {
	lib.sanctioned_shift
	count(lib.harmful - {"ip", "traffic"}) == 0
}

kept(name) if name in lib.live_clusters

kept(name) if data.guardrails.params.remaining.clusters[name]

# How many hosts may each take as much as this one, because none of them sees what the others do.
default hosts := 1

hosts := max([1, input.history.hosts])

default of_hosts := ""

of_hosts := sprintf(" if each of %v hosts does the same, which share no memory now", [hosts]) if hosts > 1
