# Before each wave, the live cluster is looked at.

package guardrails.waves

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: No wave while the live cluster is falling
# description: >-
#   Denies taking machines away in waves while a live cluster has fewer healthy machines than it had before, none, or a
#   number that is not known. A machine is healthy when it runs and passes the status checks of EC2, and those of the load
#   balancers that it is registered with.
# custom:
#   rule: waves/live-health
#   severity: critical
#   remediation: Wait until the live cluster is healthy again.
#   incident: AWS S3, 2017-02-28
#   avoid: aws ec2 terminate-instances --instance-ids THE_NEXT_WAVE_WHILE_LIVE_MACHINES_FAIL
#   prefer: aws ec2 terminate-instances --instance-ids THE_NEXT_WAVE
deny contains lib.violation("waves/live-health", name, message, remediation) if {
	some name in falling
	side := input.waves.live[name]
	message := sprintf("%s is a wave, and the live cluster %s has %s (%v before).", [
		text.operation,
		name,
		text.counted(side.healthy, "healthy machine"),
		side.best,
	])
	remediation := concat(" ", [
		"Find out what is wrong with it, and go on with the machines that are left once it is healthy again.",
		"In an emergency, break the glass for waves/live-health.",
	])
}

falling contains name if {
	some name, _ in input.waves.live
	not well(name)
}

well(name) if {
	side := input.waves.live[name]
	side.healthy > 0
	side.healthy >= side.best
}
