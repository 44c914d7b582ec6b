# METADATA
# title: A rollback stays possible
# description: >-
#   A failed cutover goes back to the cluster that was live before. That one is kept for `rollback_window_s` (a parameter)
#   from when a guard on this host first saw that it was no longer live, whatever its machines are tagged by then.
# schemas:
#   - input: schema.input
package guardrails.rollback

import data.guardrails.lib
import data.guardrails.text

# Effects that moving the addresses back does not undo.
lasting := {"terminate", "stop", "storage", "scale-in", "replace"}

# METADATA
# title: The previous live cluster is kept for a while
# description: >-
#   Denies destroying or stopping a cluster that was live less than `rollback_window_s` ago. Machines and other resources
#   that were part of it are kept even if their cluster tag has changed since.
# custom:
#   rule: rollback/window
#   severity: high
#   remediation: Wait until the window has passed.
#   incident: Cloudflare R2, 2025-03
#   avoid: aws ec2 terminate-instances --instance-ids BLUES_MACHINES_FIVE_MINUTES_AFTER_THE_CUTOVER
#   prefer: aws ec2 terminate-instances --instance-ids BLUES_MACHINES_AN_HOUR_LATER
deny contains lib.violation("rollback/window", id, message, remediation) if {
	count(lib.harmful & lasting) > 0
	some [id, name, since, why] in needed
	window := data.guardrails.params.rollback_window_s
	input.now_s - since < window
	message := sprintf("%s would harm %s %s until %s and is needed for a rollback.", [
		text.operation,
		id,
		sprintf(why, [name]),
		ago(input.now_s - since),
	])
	remediation := sprintf(remedy, [duration(window - (input.now_s - since))])
}

# The clusters that this belongs to, with when they stopped being live, and those that it was taken out of. What is part
# of another live cluster by now is that cluster's.
needed contains [id, name, since, "of %s, which was live"] if {
	some id, target in lib.targets
	some name in target.clusters
	since := retired[name]
}

needed contains [id, name, since, "(retagged since), which belonged to the live cluster %s"] if {
	some id, target in lib.targets
	some name, since in target.facts.taken_out
	is_number(since)
	not lib.live_targets[id]
}

retired[name] := cluster.retired_at if {
	some name, cluster in input.clusters
	is_number(cluster.retired_at)
	not name in lib.live_clusters
}

remedy := concat(" ", [
	"Wait another %s.",
	"If no rollback will be needed, lower the parameter rollback_window_s, or break the glass for this rule.",
])

ago(seconds) := "a moment ago" if {
	seconds < 60
} else := sprintf("%v min ago", [floor(seconds / 60)])

duration(seconds) := sprintf("%v s", [ceil(seconds)]) if {
	seconds < 60
} else := sprintf("%v min", [ceil(seconds / 60)])
