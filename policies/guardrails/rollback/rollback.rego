# METADATA
# title: A rollback stays possible
# description: >-
#   A failed cutover goes back to the cluster that was live before. That one is kept for `rollback_window_s` (a parameter)
#   from when a guard on this host first saw that it was no longer live.
# schemas:
#   - input: schema.input
package guardrails.rollback

import data.guardrails.lib
import data.guardrails.text

# Effects that moving the addresses back does not undo.
lasting := {"terminate", "stop", "storage", "scale-in", "replace"}

# METADATA
# title: The previous live cluster is kept for a while
# description: Denies destroying or stopping a cluster that was live less than `rollback_window_s` ago.
# custom:
#   rule: rollback/window
#   severity: high
#   remediation: Wait until the window has passed.
#   incident: Cloudflare R2, 2025-03
#   avoid: aws ec2 terminate-instances --instance-ids BLUES_MACHINES_FIVE_MINUTES_AFTER_THE_CUTOVER
#   prefer: aws ec2 terminate-instances --instance-ids BLUES_MACHINES_AN_HOUR_LATER
deny contains lib.violation("rollback/window", id, message, remediation) if {
	count(lib.harmful & lasting) > 0
	some id, target in lib.targets
	some name in target.clusters
	not name in lib.live_clusters
	since := input.clusters[name].retired_at
	is_number(since)
	window := data.guardrails.params.rollback_window_s
	input.now_s - since < window
	message := sprintf("%s would harm %s of %s, which was live until %v min ago and is needed for a rollback.", [
		text.operation,
		id,
		name,
		floor((input.now_s - since) / 60),
	])
	remediation := sprintf("Wait %v min more. If no rollback will be needed, lower the parameter rollback_window_s.", [
		ceil((window - (input.now_s - since)) / 60),
	])
}
