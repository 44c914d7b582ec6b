# METADATA
# title: Enough of a cluster remains
# description: >-
#   Limits how many machines of one cluster may be taken away, at once and within a window, by all processes of this host
#   together. The limits apply to the clusters named in the parameter `remaining.clusters`, to a live cluster if the
#   configuration has relaxed the rules that protect it, and to live groups that only AWS's tags show.
# schemas:
#   - input: schema.input
package guardrails.remaining

import data.guardrails.lib
import data.guardrails.text

# The limits of every cluster that has any.
bounds[name] := object.union(data.guardrails.params.remaining.bounds, own) if {
	some name, own in data.guardrails.params.remaining.clusters
}

bounds[name] := data.guardrails.params.remaining.bounds if {
	relaxed
	some name in lib.live_clusters
	not data.guardrails.params.remaining.clusters[name]
}

bounds[name] := data.guardrails.params.remaining.bounds if {
	data.guardrails.params.inferred == "bounds"
	some id, names in lib.live_targets
	lib.replaceable(id)
	some name in names
	not data.guardrails.params.remaining.clusters[name]
}

# How much of a live cluster remains only matters where the rule that protects all of it does not block.
relaxed if {
	"terminate" in lib.effects
	object.get(data.guardrails.params.enforcement, "live-cluster/terminate", "deny") != "deny"
}

relaxed if {
	"stop" in lib.effects
	object.get(data.guardrails.params.enforcement, "live-cluster/stop", "deny") != "deny"
}

# Machines that this host took away within the window, not counting those that this call names.
gone(name) := counted("destroyed", name)

counted(kind, name) := object.get(object.get(input.history, kind, {}), name, 0)

# METADATA
# title: A cluster keeps its minimum of running machines
# description: Denies a call that would leave fewer running machines than the parameter `min_running` of the cluster.
# custom:
#   rule: remaining/minimum
#   severity: critical
#   remediation: Take away fewer machines.
#   incident: AWS S3, 2017-02-28
#   avoid: aws ec2 terminate-instances --instance-ids ALL_OF_A_CLUSTER_THAT_MUST_REMAIN
#   prefer: aws ec2 terminate-instances --instance-ids ONE_OF_THEM
deny contains lib.violation("remaining/minimum", name, message, remediation) if {
	lib.takes_machines_down
	some name, bound in bounds
	cluster := input.clusters[name]
	lib.machines_taken(name) > 0
	left := cluster.running - lib.machines_taken(name)
	left < bound.min_running
	message := sprintf("%s would leave %v of %v running machines of %s, fewer than the %v that must remain.", [
		text.operation,
		max([left, 0]),
		cluster.running,
		name,
		bound.min_running,
	])
	remediation := "Take away fewer machines, or start others first."
}

# METADATA
# title: A cluster is taken down slowly
# description: >-
#   Denies taking away more than the share `max_share` of a cluster within `window_s`. Thirty calls for one machine count
#   like one call for thirty, whichever processes of this host make them; a repeated call counts once.
# custom:
#   rule: remaining/share
#   severity: critical
#   remediation: Take away fewer machines, or wait until the window has passed.
#   incident: AWS S3, 2017-02-28; Skyscanner, 2021-08-25
#   avoid: aws ec2 terminate-instances --instance-ids HALF_OF_A_CLUSTER_THAT_MUST_REMAIN
#   prefer: aws ec2 terminate-instances --instance-ids ONE_OF_THEM
deny contains lib.violation("remaining/share", name, message, remediation) if {
	lib.takes_machines_down
	some name, bound in bounds
	cluster := input.clusters[name]
	lib.machines_taken(name) > 0
	whole := (cluster.total + cluster.in_flight) + gone(name)

	# Stopped machines are still part of the whole.
	earlier := (cluster.in_flight + gone(name)) + counted("stopped", name)
	away := lib.machines_taken(name) + earlier
	away > bound.max_share * whole
	message := sprintf("%s would take %s of %s, with %v taken in the last %v s before: %v of %v, above the limit of %v%%.", [
		text.operation,
		text.counted(lib.machines_taken(name), "machine"),
		name,
		earlier,
		data.guardrails.params.window_s,
		away,
		whole,
		bound.max_share * 100,
	])
	remediation := sprintf("Take away fewer machines, or wait %v s between parts.", [
		data.guardrails.params.window_s,
	])
}
