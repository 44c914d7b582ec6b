# Without known, undisputed and fresh evidence of which cluster is live, no cluster may be harmed.

package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: Nothing is harmed while the live cluster is unknown
# description: >-
#   While no source names a live cluster, any cluster may be the live one, and what seems to carry none may belong to one
#   that the look-ups did not show. An address that is on nothing may go to a healthy machine that has none: after an
#   outage, that is how the live cluster is shown again.
# custom:
#   rule: live-cluster/unknown-live
#   severity: critical
#   remediation: Make one source name the live cluster, then try again.
#   incident: PythonAnywhere, 2023-10-09; Cloudflare R2, 2025-03
#   avoid: aws ec2 terminate-instances --instance-ids ANY_MACHINE
#   prefer: aws ec2 associate-address --allocation-id IDLE_ADDRESS --instance-id BLUES_MACHINE
deny contains lib.violation("live-cluster/unknown-live", id, message, remediation) if {
	count(lib.harmful) > 0
	not lib.live_known
	not lib.nothing_live
	not gives_idle_addresses
	some id, target in lib.targets

	# The area protection has a rule for moving the live pointer.
	not is_live_pointer(id)

	# What only a tag could tie to a cluster, and does not, is left to the rule for it.
	not untraceable(target)
	message := sprintf("%s would harm %s%s, but no source says which cluster is live, so all are protected (%s).", [
		text.operation,
		id,
		of_clusters(target),
		text.evidence,
	])
	remediation := concat(" ", [sentence |
		some sentence in [
			"Correct the live cluster's addresses, live tag or live pointer so that a source names it, then try again.",
			named_elsewhere,
			not_asked,
			"`guardrails init` proposes sources that see this account's.",
			"If nothing is live in this account, set \"live-cluster/unknown-live\" = \"warn\" under [enforcement],",
			"or break the glass for this rule.",
		]
		sentence != ""
	])
}

default named_elsewhere := ""

# A source names what has no machines here.
named_elsewhere := concat(" ", [
	sprintf("If %s needs no machines, name it in live.without_machines.", [text.listed(input.live.absent)]),
	"If it is in another region, name that in live.regions.",
]) if {
	count(input.live.absent) > 0
}

default not_asked := ""

# These have to look before it can be said that users reach nothing.
not_asked := concat(" ", [
	sprintf("If users reach nothing in %v, add %s to live.sources:", [input.call.region, text.listed(input.live.unasked)]),
	"where these find nothing, a person may confirm, or the parameter nothing_live allows it.",
]) if {
	count(input.live.unasked) > 0
}

gives_idle_addresses if {
	input.call.operation == "AssociateAddress"
	count(lib.destinations) > 0
	every target in lib.targets {
		lib.resolved(target)
		target.facts.instance == null
		target.facts.eni == null
	}
	every destination in lib.destinations {
		lib.resolved(destination)
		count(destination.clusters) > 0
		destination.facts.serves == true
		destination.facts.elastic_ips == []
	}
}

untraceable(target) if {
	target.facts.traced == false
	lib.carries_no_cluster(target)
}

of_clusters(target) := "" if {
	lib.carries_no_cluster(target)
} else := sprintf(" of %s", [text.clusters_text(target)])

# Any other value denies.
disputes_tolerated if data.guardrails.params.disputed == "protect-named"

undisputed if input.live.disputed == false

# METADATA
# title: Nothing is harmed while sources disagree
# description: >-
#   With the parameter `disputed` at its default, "protect-named", every cluster that a source names is protected. With
#   "deny", no destructive call passes until the sources agree.
# custom:
#   rule: live-cluster/disputed
#   severity: high
#   remediation: Make the sources agree, then try again.
#   incident: GitLab, 2017-01-31
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
#   prefer: aws ssm put-parameter --name LIVE_POINTER --value blue --overwrite
deny contains lib.violation("live-cluster/disputed", id, message, remediation) if {
	count(lib.harmful) > 0
	not disputes_tolerated
	not undisputed
	some id, _ in lib.targets
	message := sprintf("%s would harm %s while the sources disagree about which cluster is live (%s).", [
		text.operation,
		id,
		text.evidence,
	])
	remediation := "Find out which source is wrong, correct it, then try again."
}

# METADATA
# title: Evidence is fresh
# description: Two clusters may have switched roles since; old evidence protects the wrong one.
# custom:
#   rule: live-cluster/stale-evidence
#   severity: high
#   remediation: Make the call again, with fresh evidence.
#   incident: Cloudflare R2, 2025-03
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
#   prefer: aws ec2 describe-addresses
deny contains lib.violation("live-cluster/stale-evidence", "(evidence)", message, remediation) if {
	count(lib.harmful | (lib.effects & {"protection"})) > 0
	stale := [sprintf("%v is %s", [object.get(source, "name", "?"), age(source)]) |
		some source in input.live.sources
		not fresh(source)
	]
	count(stale) > 0
	message := sprintf("%s relies on old evidence of which cluster is live: %s; the limit is %v s.", [
		text.operation,
		text.listed(stale),
		max_age,
	])
	remediation := "Make the call again. If this keeps happening, look-ups are slow: make smaller calls, or raise max_fact_age_s."
}

default max_age := 0

max_age := data.guardrails.params.max_fact_age_s

# Evidence from a time that is still to come has none.
age(source) := sprintf("%v s old", [source.age_s]) if {
	is_number(source.age_s)
} else := "of an unknown age (was the clock set back?)"

fresh(source) if {
	is_number(source.age_s)
	is_number(max_age)
	source.age_s <= max_age
}
