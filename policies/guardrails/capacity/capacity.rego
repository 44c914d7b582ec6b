# METADATA
# title: A launch fits, and what is destroyed can be rebuilt
# description: >-
#   Compares what a call starts with free addresses and quotas, before AWS has started half of it. Unknown capacity never
#   blocks a call.
# schemas:
#   - input: schema.input
package guardrails.capacity

# Places without enough addresses for all machines.
short contains place if {
	some place in input.capacity.places
	place.free < place.needed
}

other_subnets(place) := sprintf("Use another subnet: %s.", [concat(", ", choices)]) if {
	choices := [sprintf("%v in %v has %v free addresses", [other.id, zone(place, other), other.free]) |
		some other in place.alternatives
	]
	count(choices) > 0
} else := "Create a larger subnet; no other subnet of this network has enough free addresses."

zone(place, other) := "the same zone" if {
	other.zone in place.zones
} else := sprintf("another zone, %v,", [other.zone])
