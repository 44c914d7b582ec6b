# The one switch of addresses that is allowed: from the live cluster to a cluster that can take its place.

package guardrails.addresses

import data.guardrails.lib

is_cutover(target) if {
	is_another(target)
	lib.complete(next_cluster)
	lib.settled(next_cluster)
	lib.healthy(next_cluster)
	lib.large_enough(next_cluster, live_clusters_of(target))
}

is_cutover(target) if {
	data.guardrails.params.untagged == "allow"
	swaps_pets(target)
}

# A machine that is a cluster only by its address is replaced by another machine that stands alone.
swaps_pets(target) if {
	is_pet(target)
	pet_destinations
	every destination in lib.destinations {
		destination.facts.serves == true
	}
}

is_pet(target) if {
	count(target.clusters) > 0
	every cluster in target.clusters {
		input.clusters[cluster].kind == "ip"
	}
}

pet_destinations if {
	destinations_known
	every destination in lib.destinations {
		count(destination.clusters) == 0
	}
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

live_clusters_of(target) := [cluster | some cluster in sort(target.clusters); cluster in lib.live_clusters]
