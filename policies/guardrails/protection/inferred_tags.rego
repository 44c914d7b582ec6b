# Tags of Kubernetes, eksctl and Elastic Beanstalk show the cluster of a machine that has no cluster tag, and unlike those
# that begin with "aws:" anyone may change them.

package guardrails.protection

inferring_kinds := {
	"elasticbeanstalk:environment-name": "eb",
	"eks:cluster-name": "eks",
	"alpha.eksctl.io/cluster-name": "eks",
}

kubernetes := "kubernetes.io/cluster/"

# The name of the cluster that such a tag stands for.
inferred_name(key, value) := sprintf("%s/%s", [inferring_kinds[key], value])

inferred_name(key, "owned") := sprintf("eks/%s", [trim_prefix(key, kubernetes)]) if startswith(key, kubernetes)

inferring(key) if inferring_kinds[key]

inferring(key) if startswith(key, kubernetes)

# Those of a machine that the call takes away, changes, or adds as another cluster's. Where it removes all tags, retag.rego
# finds that the cluster tag is not kept.
inferred_touched(target) := {key | some key in inferred_keys(target)} if {
	target.type == "instance"
	not has_cluster_tag(target)
} else := set()

inferred_keys(target) := (taken_away(target) | overwritten(target)) | added(target)

has_cluster_tag(target) if {
	some key in cluster_keys
	target.tags[key] != ""
}

taken_away(target) := {key |
	some key in input.call.tags.removed
	inferring(key)
	not lacks(target, key)
}

overwritten(target) := {key |
	some key, value in input.call.tags.set
	inferring(key)
	target.tags[key] != value
}

added(target) := {key |
	some key, value in input.call.tags.set
	lacks(target, key)
	live_on(target) != {inferred_name(key, value)}
}
