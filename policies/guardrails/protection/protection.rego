# METADATA
# title: Protection of the live cluster stays on
# description: Denies switching off the protection of a live cluster, its machines or its groups.
# schemas:
#   - input: schema.input
package guardrails.protection

import data.guardrails.lib
import data.guardrails.text

changes_protection if "protection" in lib.effects

changes_tags if input.call.tags != null

moves_pointer(target) if {
	input.call.service in {"ssm", "cloudcontrolapi"}
	target.type == "ssm-parameter"
}

# Known, without a live cluster, while it is known which cluster is live.
harmless(id, target) if {
	lib.resolved(target)
	not lib.live_targets[id]
	not lib.partly_unknown(target)
	identified(target)
}

identified(_) if lib.live_known

identified(_) if lib.nothing_live

# Not what only a tag could tie to a cluster.
identified(target) if {
	lib.carries_no_cluster(target)
	not target.facts.traced == false
}

# METADATA
# title: Protection flags of the live cluster stay on
# description: >-
#   Denies switching off termination, stop, deletion or scale-in protection of a live or unknown target, and of any
#   target while it is unknown which cluster is live.
# custom:
#   rule: protection/switch-off
#   severity: critical
#   remediation: Leave the protection on until the cluster is no longer live.
#   incident: Cloudflare R2, 2025-02
#   avoid: aws ec2 modify-instance-attribute --instance-id BLUES_MACHINE --no-disable-api-termination
#   prefer: aws ec2 modify-instance-attribute --instance-id GREENS_MACHINE --no-disable-api-termination
deny contains lib.violation("protection/switch-off", id, message, remediation) if {
	changes_protection
	not changes_tags
	some id, target in lib.targets
	not moves_pointer(target)
	not harmless(id, target)
	message := sprintf("%s would weaken the protection of %s, %s %s%s.", [
		text.operation,
		id,
		text.noun(target),
		standing(id, target),
		text.forms,
	])
	remediation := "Leave the protection on while this may be live. First move the addresses to a replacement, then switch it off."
}

# Why a target is protected, for messages.
standing(id, target) := "that was not found" if {
	not lib.resolved(target)
} else := sprintf("of the live cluster %s", [text.live_text(id)]) if {
	lib.live_targets[id]
} else := "with parts that were not found" if {
	lib.partly_unknown(target)
} else := sprintf("of %s, and no source says which cluster is live", [text.clusters_text(target)])
