# The live pointer, a parameter that names the live cluster, changes after the addresses have moved, not before.

package guardrails.protection

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: The live pointer does not move before the addresses
# description: >-
#   Denies writing, deleting or relabelling the parameter that names the live cluster, while a source that sees what
#   users reach still names that cluster. Where there is no such source, writing the parameter is the switch: it may name
#   a complete and healthy cluster.
# custom:
#   rule: protection/live-pointer
#   severity: critical
#   remediation: Move the addresses first, then the pointer.
#   incident: Cloudflare R2, 2025-03
#   avoid: aws ssm put-parameter --name LIVE_POINTER --value green --overwrite
#   prefer: aws ec2 associate-address --allocation-id BLUES_ADDRESS --instance-id COMPLETE_GREENS_MACHINE
deny contains lib.violation("protection/live-pointer", id, message, remediation) if {
	changes_protection
	not addresses_have_moved
	some id, target in lib.targets
	moves_pointer(target)
	message := sprintf("%s would change %s, which names the live cluster, before the addresses have moved (%s).", [
		text.operation,
		id,
		text.evidence,
	])
	remediation := "Move the addresses to the complete new cluster first, then change the pointer."
}

addresses_have_moved if {
	count(reached) > 0
	every cluster in pointed_at {
		not cluster in reached
	}
}

addresses_have_moved if {
	not traffic_is_seen
	input.shift.way == "pointer"
	lib.sanctioned_shift
}

# What a person writes; the other sources see what users reach.
pointers := {"tag", "ssm", "file", "env", "command"}

reached contains cluster if {
	some source in input.live.sources
	not source.name in pointers
	some cluster in source.clusters
	not aside(cluster)
}

traffic_is_seen if count(reached) > 0

# It looked for users, and they reach something that is no cluster.
traffic_is_seen if {
	some source in input.live.sources
	not source.name in pointers
	not source.silent == true
	source.clusters == []
}

pointed_at contains cluster if {
	some source in input.live.sources
	source.name == "ssm"
	some cluster in source.clusters
}
