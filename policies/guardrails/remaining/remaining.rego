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

# The clusters of which this call takes machines. What only leaves a load balancer runs on: that counts where it is live.
counted_now contains name if {
	lib.takes_machines_down
	some name, _ in bounds
}

counted_now contains name if {
	lib.takes_out
	some name, _ in bounds
	name in lib.live_clusters
}

# Machines that this host took away within the window, not counting those that this call names.
gone(name) := counted("destroyed", name)

counted(kind, name) := object.get(object.get(input.history, kind, {}), name, 0)

# What is counted: running machines, only healthy ones, or what is missing to the size that groups should have.
default counts := "running"

counts := data.guardrails.params.remaining.of if data.guardrails.params.remaining.of in {"healthy", "desired"}

# Whether healthy machines alone are counted; then the others are leftovers beside them.
taken(name) := lib.serving_taken(name) if counts == "healthy"

taken(name) := lib.machines_taken(name) if counts != "healthy"

serving(name) := to_serve(name) if counts == "healthy"

serving(name) := input.clusters[name].running if counts != "healthy"

# By the parameter remaining.of; undefined where that was not looked up.
to_serve(name) := number if {
	number := input.clusters[name].serving
	is_number(number)
}

# METADATA
# title: A cluster keeps its minimum of running machines
# description: >-
#   Denies a call that would leave fewer machines than the parameter `min_running` of the cluster. The parameter
#   `remaining.of` decides whether all running machines count, or only healthy ones.
# custom:
#   rule: remaining/minimum
#   severity: critical
#   remediation: Take away fewer machines.
#   incident: AWS S3, 2017-02-28
#   avoid: aws ec2 terminate-instances --instance-ids ALL_OF_A_CLUSTER_THAT_MUST_REMAIN
#   prefer: aws ec2 terminate-instances --instance-ids ONE_OF_THEM
deny contains lib.violation("remaining/minimum", name, message, remediation) if {
	some name in counted_now
	bound := bounds[name]
	taken(name) > 0
	left := ((serving(name) - (taken(name) * hosts)) - unseen(name)) - out(name)
	left < bound.min_running
	message := sprintf("%s would leave %v of %v %s machines of %s%s, fewer than the %v that must remain.", [
		text.operation,
		max([left, 0]),
		serving(name),
		adjective,
		name,
		of_hosts,
		bound.min_running,
	])
	remediation := "Take away fewer machines, or start others first."
}

# What other hosts may have taken before, as this one did, and AWS still shows as running.
unseen(name) := input.clusters[name].in_flight * (hosts - 1)

default adjective := "running"

adjective := "healthy" if counts == "healthy"

# METADATA
# title: What is counted is known
# description: >-
#   Denies taking machines away where the parameter `remaining.of` names something that was not looked up, because it is
#   set in a data.json instead of the configuration.
# custom:
#   rule: remaining/minimum
#   severity: critical
#   remediation: Set remaining.of under [params] in guardrails.toml.
#   incident: AWS S3, 2017-02-28
deny contains lib.violation("remaining/minimum", name, message, remediation) if {
	counts in {"healthy", "desired"}
	some name in counted_now
	lib.machines_taken(name) > 0
	not to_serve(name)
	message := sprintf("%s would take %s of %s, and the number of %s machines is unknown.", [
		text.operation,
		text.counted(lib.machines_taken(name), "machine"),
		name,
		counts,
	])
	remediation := "Set remaining.of under [params] in guardrails.toml, so that the guard looks it up."
}

# METADATA
# title: A cluster is taken down slowly
# description: >-
#   Denies taking away more than the share `max_share` of a cluster within `window_s`. Thirty calls for one machine count
#   like one call for thirty, whichever processes make them; a repeated call counts once. The parameter
#   `remaining.of` decides what the whole is.
# custom:
#   rule: remaining/share
#   severity: critical
#   remediation: Take away fewer machines, or wait until the window has passed.
#   incident: AWS S3, 2017-02-28; Skyscanner, 2021-08-25
#   avoid: aws ec2 terminate-instances --instance-ids HALF_OF_A_CLUSTER_THAT_MUST_REMAIN
#   prefer: aws ec2 terminate-instances --instance-ids ONE_OF_THEM
deny contains lib.violation("remaining/share", name, message, remediation) if {
	some name in counted_now
	bound := bounds[name]
	taken(name) > 0
	away := max([(taken(name) + earlier(name)) * hosts, missing(name)])
	away > bound.max_share * whole(name)
	message := sprintf("%s would take %s of %s, with %v taken in the last %v s before: %v of %v%s%s, above the limit of %v%%.", [
		text.operation,
		text.counted(taken(name), "machine"),
		name,
		earlier(name),
		data.guardrails.params.window_s,
		away,
		whole(name),
		object.get({"healthy": " that are healthy", "desired": " that its groups should have"}, counts, ""),
		of_hosts,
		bound.max_share * 100,
	])
	remediation := sprintf("Take away fewer machines, or wait %v s between parts.", [
		data.guardrails.params.window_s,
	])
}

# What went before. Stopped machines are still part of the whole, and so are those that only left a load balancer.
earlier(name) := down_earlier(name) + out(name)

down_earlier(name) := (input.clusters[name].in_flight + gone(name)) + counted("stopped", name)

# After a cutover the old cluster's machines have left theirs, and may go.
out(name) := counted("out", name) if {
	name in lib.live_clusters
} else := 0

whole(name) := (input.clusters[name].total + input.clusters[name].in_flight) + gone(name) if counts == "running"

whole(name) := to_serve(name) + down_earlier(name) if counts == "healthy"

whole(name) := to_serve(name) if counts == "desired"

# How many machines its groups would have to start.
missing(name) := (to_serve(name) - input.clusters[name].running) + (taken(name) * hosts) if counts == "desired"

missing(_) := 0 if counts != "desired"
