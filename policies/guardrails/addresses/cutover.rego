# The one switch of addresses that is allowed: from the live cluster to a cluster that can take its place.

package guardrails.addresses

import data.guardrails.lib

is_cutover(target) if {
	is_another(target)
	is_complete
	is_settled
	is_healthy
	is_large_enough(target)
}

# The one cluster that all destinations belong to.
next_cluster := name if {
	destinations_known
	every destination in lib.destinations {
		count(destination.clusters) == 1
	}
	names := {cluster | some destination in lib.destinations; some cluster in destination.clusters}
	count(names) == 1
	some name in names
}

is_another(target) if {
	is_string(next_cluster)
	not next_cluster in target.clusters
}

is_complete if {
	cluster := input.clusters[next_cluster]
	is_number(cluster.running)
	cluster.running > 0
	cluster.running == cluster.total
}

is_settled if input.clusters[next_cluster].in_flight == 0

is_healthy if input.clusters[next_cluster].healthy == true

is_large_enough(target) if {
	running := input.clusters[next_cluster].running
	share := data.guardrails.params.cutover.min_share
	is_number(share)
	every cluster in live_clusters_of(target) {
		running >= share * input.clusters[cluster].running
	}
}

live_clusters_of(target) := [cluster | some cluster in sort(target.clusters); cluster in lib.live_clusters]
