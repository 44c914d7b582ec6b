# METADATA
# title: Protection of the live cluster stays on
# description: Denies switching off what protects a live cluster, its machines or its groups.
# schemas:
#   - input: schema.input
package guardrails.protection

import data.guardrails.lib
import data.guardrails.text

changes_protection if "protection" in lib.effects

changes_tags if input.call.tags != null

moves_pointer(target) if {
	input.call.service == "ssm"
	target.type == "ssm-parameter"
}

# Nobody is harmed: the target is known, no live cluster is on it, and it is known which one is live.
harmless(id, target) if {
	lib.resolved(target)
	not lib.live_targets[id]
	identified(target)
}

identified(_) if lib.live_known

identified(target) if lib.carries_no_cluster(target)

# METADATA
# title: Protection flags of the live cluster stay on
# description: >-
#   Denies switching off termination, stop, deletion or scale-in protection of a live target, of an unknown one, and of
#   any while it is unknown which cluster is live.
# custom:
#   rule: protection/switch-off
#   severity: critical
#   remediation: Leave the protection on until the cluster is not live any more.
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
	remediation := "Leave the protection on. Move the addresses to the replacement first; once this is not live, it may go."
}

# Why a target is held to be worth protecting, for the message.
standing(id, target) := "that could not be found" if {
	not lib.resolved(target)
} else := sprintf("of the live cluster %s", [text.live_text(id)]) if {
	lib.live_targets[id]
} else := sprintf("of %s, while no source says which cluster is live", [text.clusters_text(target)])
