# METADATA
# title: The way back stays open
# description: >-
#   The cluster that was live before a cutover is what a failed cutover goes back to. It stays for the parameter
#   `rollback_window_s`, counted from when a guard on this host first saw that it was not live any more.
# schemas:
#   - input: schema.input
package guardrails.rollback

import data.guardrails.lib
import data.guardrails.text

# What cannot be taken back by moving the addresses back.
lasting := {"terminate", "stop", "storage", "scale-in", "replace"}

# METADATA
# title: The previous live cluster stays for a while
# description: Denies destroying or stopping a cluster that was live until less than `rollback_window_s` ago.
# custom:
#   rule: rollback/window
#   severity: high
#   remediation: Wait until the window has passed.
#   incident: Cloudflare R2, 2025-03
#   avoid: aws ec2 terminate-instances --instance-ids BLUES_MACHINES_FIVE_MINUTES_AFTER_THE_CUTOVER
#   prefer: aws ec2 terminate-instances --instance-ids BLUES_MACHINES_AN_HOUR_LATER
deny contains lib.violation("rollback/window", id, message, remediation) if {
	count(lib.hurting & lasting) > 0
	some id, target in lib.targets
	some name in target.clusters
	not name in lib.live_clusters
	since := input.clusters[name].retired_at
	is_number(since)
	window := data.guardrails.params.rollback_window_s
	input.now_s - since < window
	message := sprintf("%s would hurt %s of %s, which was live until %v min ago and is the way back.", [
		text.operation,
		id,
		name,
		floor((input.now_s - since) / 60),
	])
	remediation := sprintf("Wait %v min more; if the new cluster is sure to stay, lower the parameter rollback_window_s.", [
		ceil((window - (input.now_s - since)) / 60),
	])
}
