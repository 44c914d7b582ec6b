# Why a cluster cannot take the place of others, for messages.

package guardrails.text

import data.guardrails.lib

# The others are live clusters that would lose their users.
gaps(name, others) := ((incomplete(name) | unsettled(name)) | unhealthy(name)) | too_small(name, others)

incomplete(name) := {sprintf("%s runs %v of %v machines", [name, number(name, "running"), number(name, "total")]) |
	not lib.complete(name)
}

unsettled(name) := {sprintf("%s has %s", [name, counted(number(name, "in_flight"), "terminating machine")]) |
	not lib.settled(name)
}

unhealthy(name) := {sprintf("%s is not known to be healthy", [name]) | not lib.healthy(name)}

too_small(name, others) := {gap |
	not lib.large_enough(name, others)
	some other in others
	gap := sprintf("%s runs %s and %s runs %s, below the required share of %v", [
		name,
		counted(number(name, "running"), "machine"),
		other,
		counted(size(other), "machine"),
		object.get(data.guardrails.params, ["cutover", "min_share"], "unknown"),
	])
}

size(name) := lib.size(name)

size(name) := "unknown" if not lib.size(name)
