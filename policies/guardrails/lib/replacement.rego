# Whether a cluster can take the place of others, and whether a switch sends users only to such clusters.

package guardrails.lib

complete(name) if {
	cluster := input.clusters[name]
	is_number(cluster.running)
	cluster.running > 0
	cluster.running == cluster.total
}

settled(name) if input.clusters[name].in_flight == 0

healthy(name) if input.clusters[name].healthy == true

large_enough(name, others) if {
	running := input.clusters[name].running
	share := data.guardrails.params.cutover.min_share
	is_number(share)
	every other in others {
		running >= share * input.clusters[other].running
	}
}

# A switch after which every cluster that gains users can serve them.
sanctioned_shift if {
	input.shift.known == true
	count(input.shift.after) > 0
	count(unfit) == 0
}

# The clusters that may not get the users that a switch gives them.
unfit contains name if {
	some name, _ in input.shift.after
	not may_serve(name)
}

may_serve(name) if {
	not gains(name)
	keeps_a_healthy_group(name)
}

may_serve(name) if {
	complete(name)
	settled(name)
	healthy(name)
	input.shift.healthy[name] == true
	large_enough(name, losers)
	enough_machines(name)
}

# As many of its machines share the users as of each cluster that loses them, in proportion to its part of them.
enough_machines(name) if {
	share := data.guardrails.params.cutover.min_share
	machines := object.get(input.shift, ["machines_after", name], 0)
	every other in losers {
		machines >= (share * input.shift.after[name]) * object.get(input.shift, ["machines_before", other], 0)
	}
}

gains(name) if input.shift.after[name] > object.get(input.shift.before, name, 0)

# Another cluster gets the users that it loses, or its own other group does.
keeps_a_healthy_group(name) if input.shift.after[name] < input.shift.before[name]

keeps_a_healthy_group(name) if input.shift.healthy[name] == true

losers contains name if {
	some name, share in input.shift.before
	share > object.get(input.shift.after, name, 0)
}
