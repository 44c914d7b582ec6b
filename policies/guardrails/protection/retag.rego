# The cluster tag and the live tags are evidence of which cluster is live. Retagging a live machine would take it out of
# the live cluster, and terminating it would then look harmless.

package guardrails.protection

import data.guardrails.lib
import data.guardrails.text

cluster_keys contains data.guardrails.params.cluster_tag

cluster_keys contains key if some key in data.guardrails.params.cluster_tags

live_tag_keys contains data.guardrails.params.live.tag.key

address_keys contains data.guardrails.params.live.eip_tag.key

evidence_keys := (cluster_keys | live_tag_keys) | address_keys

# METADATA
# title: Evidence tags of the live cluster are not changed
# description: >-
#   Denies removing or changing the cluster tag or a live tag on a live target, on an unknown machine, address or group,
#   and on any target while it is unknown which cluster is live. Moving the live tag after the addresses is fine.
# custom:
#   rule: protection/retag
#   severity: critical
#   remediation: Move the addresses first; the live tag may follow them.
#   incident: Cloudflare R2, 2025-02; GitLab, 2017-01-31
#   avoid: aws ec2 delete-tags --resources BLUES_MACHINE --tags Key=Cluster
#   prefer: aws ec2 create-tags --resources BLUES_MACHINE --tags Key=Owner,Value=somebody
deny contains lib.violation("protection/retag", id, message, remediation) if {
	changes_tags
	some id, target in lib.targets
	keys := touched(id, target) | inferred_touched(target)
	count(keys) > 0
	not retag_harmless(id, target)
	not live_tag_follows(target, keys)
	message := sprintf("%s would change the tag %s of %s, %s %s. The tag is evidence of which cluster is live.", [
		text.operation,
		text.listed(keys),
		id,
		text.noun(target),
		standing_of_tags(id, target),
	])
	remediation := "Leave the tag alone while this may be live. Move the addresses to a replacement first; the live tag may follow them."
}

standing_of_tags(id, target) := sprintf("with an address of a live cluster (%s)", [text.listed(live_addresses(target))]) if {
	not lib.live_targets[id]
	count(live_addresses(target)) > 0
} else := sprintf("that may belong to %s", [text.listed(target.facts.look_at)]) if {
	not lib.resolved(target)
} else := standing(id, target)

# The evidence tags of this target that the call changes.
touched(_, target) := {key | some key in evidence_keys; not kept(key, target); not outranked(key, target)} if {
	input.call.tags.removes_all == true
}

touched(id, target) := {key | some key in evidence_keys; changed(key, id, target); not outranked(key, target)} if {
	not input.call.tags.removes_all == true
}

# Another tag, before this one in order, says which cluster the target belongs to.
outranked(key, target) if {
	some place, other in data.guardrails.params.cluster_tags
	some later, name in data.guardrails.params.cluster_tags
	name == key
	place < later
	target.tags[other] != ""
}

# Replacing all tags keeps those that are set again.
kept(key, target) if target.tags[key] == input.call.tags.set[key]

kept(key, target) if {
	lacks(target, key)
	not key in object.keys(input.call.tags.set)
	some name in cluster_keys
	target.tags[name] == input.call.tags.set[name]
}

# A target that could not be looked up may have any tag.
changed(key, _, target) if {
	key in input.call.tags.removed
	not lacks(target, key)
	not has_another_value(key, target)
}

changed(key, _, target) if {
	not lib.resolved(target)
	_ = input.call.tags.set[key]
}

changed(key, _, target) if {
	target.tags[key] != input.call.tags.set[key]
}

# A live target without a cluster tag is live through something else; a cluster tag would take it away from there.
changed(key, id, target) if {
	key in cluster_keys
	lacks(target, key)
	worth_protecting(id, target)
	live_on(target) != {input.call.tags.set[key]}
}

# These remove a tag only where it has the value that they name, if they name one.
removes_by_value if [input.call.service, input.call.operation] in {
	["ec2", "DeleteTags"],
	["acm", "RemoveTagsFromCertificate"],
	["acm-pca", "UntagCertificateAuthority"],
}

has_another_value(key, target) if {
	removes_by_value
	lib.resolved(target)
	values := {object.get(tag, "Value", null) | some tag in input.call.params.Tags; tag.Key == key}
	count(values) > 0
	not null in values
	not target.tags[key] in values
}

live_on(target) := {cluster | some cluster in target.clusters; cluster in lib.live_clusters}

lacks(target, key) if {
	lib.resolved(target)
	not key in object.keys(target.tags)
}

worth_protecting(id, _) if lib.live_targets[id]

worth_protecting(_, target) if count(live_addresses(target)) > 0

live_addresses(target) := {address | some address in target.public_ips; address in addresses_in_use}

addresses_in_use contains address if {
	some name, cluster in input.clusters
	name in lib.live_clusters
	some address in cluster.public_ips
}

retag_harmless(id, target) if {
	harmless(id, target)
	not worth_protecting(id, target)
}

# The live cluster is determined from machines, addresses and groups; of the others only their tags are known.
own_tags_count := {"instance", "address", "asg", "ec2-resource", "health-check", "hosted-zone", "s3-bucket"}

retag_harmless(_, target) if {
	not lib.resolved(target)
	not target.type in own_tags_count
}

# The allowed order: what users reach is no longer this target's clusters, so the live tag may follow.
live_tag_follows(target, keys) if {
	is_live_tag(target, keys)
	count(reached) > 0
	every cluster in target.clusters {
		not cluster in reached
	}
}

# Where no source sees what users reach, the tag is the switch: another cluster that has it can take the place.
live_tag_follows(target, keys) if {
	is_live_tag(target, keys)
	not traffic_is_seen
	some name in marked
	not name in target.clusters
	lib.complete(name)
	lib.settled(name)
	lib.healthy(name)
	lib.large_enough(name, live_on(target))
}

is_live_tag(target, keys) if {
	count(keys & (cluster_keys | address_keys)) == 0
	count(inferring_among(keys)) == 0
	lib.resolved(target)
	lib.live_known
	count(target.clusters) > 0
}

inferring_among(keys) := {key | some key in keys; inferring(key)}

marked contains cluster if {
	some source in input.live.sources
	source.name == "tag"
	some cluster in source.clusters
}

# The address of a bastion, or of a group beside tagged clusters, does not show that users have moved.
aside(cluster) if input.clusters[cluster].kind == "ip"

aside(cluster) if {
	lib.inferred(cluster)
	some other in input.clusters
	other.kind == "tag"
	other.total > 0
}
