# Which cluster is live is known, undisputed and fresh. Without good evidence of which cluster is live, none may be
# hurt.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Nothing is hurt while the live cluster is unknown
# description: Where no source names a live cluster, any cluster may be it.
# custom:
#   rule: live-cluster/unknown-live
#   severity: critical
#   remediation: Make a source name the live cluster, then try again.
#   incident: PythonAnywhere, 2023-10-09; Cloudflare R2, 2025-03
#   avoid: aws ec2 terminate-instances --instance-ids ANY_MACHINE
#   prefer: aws ec2 associate-address --allocation-id IDLE_ADDRESS --instance-id BLUES_MACHINE
deny contains lib.violation("live-cluster/unknown-live", id, message, remediation) if {
	count(lib.hurting) > 0
	not lib.live_known
	some id, target in lib.targets

	# Moving the live pointer has a rule of its own, in the area protection.
	not is_live_pointer(id)
	not lib.carries_no_cluster(target)
	message := sprintf("%s would hurt %s of %s, and no source says which cluster is live, so none may be hurt (%s).", [
		text.operation,
		id,
		text.clusters_text(target),
		text.evidence,
	])
	remediation := "Put the live cluster's addresses, live tag or pointer right so that one source names it, then try again."
}

# A positive word is needed; an unknown one denies.
disputes_tolerated if data.guardrails.params.disputed == "protect-named"

undisputed if input.live.disputed == false

# METADATA
# title: Nothing is hurt while sources disagree
# description: >-
#   With the parameter `disputed` at "protect-named", the default, each cluster that any source names is protected;
#   with "deny", no destructive call passes until the sources agree.
# custom:
#   rule: live-cluster/disputed
#   severity: high
#   remediation: Bring the sources into agreement, then try again.
#   incident: GitLab, 2017-01-31
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
#   prefer: aws ssm put-parameter --name LIVE_POINTER --value blue --overwrite
deny contains lib.violation("live-cluster/disputed", id, message, remediation) if {
	count(lib.hurting) > 0
	not disputes_tolerated
	not undisputed
	some id, _ in lib.targets
	message := sprintf("%s would hurt %s while the sources disagree about which cluster is live (%s).", [
		text.operation,
		id,
		text.evidence,
	])
	remediation := "Find out which source is wrong, put it right, then try again."
}

# METADATA
# title: Evidence is fresh
# description: The roles of two clusters may have been switched since; old evidence protects the wrong one.
# custom:
#   rule: live-cluster/stale-evidence
#   severity: high
#   remediation: Make the call again, with fresh evidence.
#   incident: Cloudflare R2, 2025-03
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
#   prefer: aws ec2 describe-addresses
deny contains lib.violation("live-cluster/stale-evidence", "(evidence)", message, remediation) if {
	count(lib.hurting | (lib.effects & {"protection"})) > 0
	stale := [sprintf("%v is %v s old", [object.get(source, "name", "?"), object.get(source, "age_s", "an unknown number of")]) |
		some source in input.live.sources
		not fresh(source)
	]
	count(stale) > 0
	message := sprintf("%s was judged by old evidence of which cluster is live: %s, at most %v s are allowed.", [
		text.operation,
		text.listed(stale),
		max_age,
	])
	remediation := "Make the call again. If it happens again, look-ups are slow: make smaller calls, or raise max_fact_age_s."
}

default max_age := 0

max_age := data.guardrails.params.max_fact_age_s

fresh(source) if {
	is_number(source.age_s)
	is_number(max_age)
	source.age_s <= max_age
}
