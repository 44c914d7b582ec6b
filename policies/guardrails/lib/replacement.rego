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
		running >= share * size(other)
	}
}

# What a cluster serves with. Machines that calls are about to take away count: those calls may be denied yet.
size(name) := (cluster.running + cluster.in_flight) + object.get(cluster, "stopping", 0) if {
	cluster := input.clusters[name]
}

large_enough(name, others) if {
	is_number(data.guardrails.params.cutover.min_share)
	every other in others {
		took_over(other, name)
	}
}

# Within the rollback window users may go back to where they were: to a smaller cluster, too, if none of its machines was
# terminated or stopped.
took_over(other, name) if {
	since := input.clusters[other].live_since
	is_number(since)
	window := data.guardrails.params.rollback_window_s
	is_number(window)
	input.now_s - since < window
	was_live(name, since)
	unharmed(name)
}

was_live(name, at) if {
	since := input.clusters[name].live_since
	is_number(since)
	since < at
}

was_live(name, at) if {
	some member in ["retired_at", "was_live_until"]
	until := input.clusters[name][member]
	is_number(until)
	until >= at
}

unharmed(name) if {
	object.get(input.history.destroyed, name, 0) == 0
	object.get(input.history.stopped, name, 0) == 0
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

# Users go back: all machines of the cluster share them, as before.
enough_machines(name) if {
	every other in losers {
		took_over(other, name)
	}
	share := data.guardrails.params.cutover.min_share
	object.get(input.shift, ["machines_after", name], 0) >= share * input.clusters[name].running
}

gains(name) if input.shift.after[name] > object.get(input.shift.before, name, 0)

# Another cluster gets the users that it loses, or its own other group does.
keeps_a_healthy_group(name) if input.shift.after[name] < input.shift.before[name]

keeps_a_healthy_group(name) if input.shift.healthy[name] == true

losers contains name if {
	some name, share in input.shift.before
	share > object.get(input.shift.after, name, 0)
}
