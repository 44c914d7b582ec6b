# Sizes of Auto Scaling groups. Whether a call that sets the size of a group provably keeps every machine.

package guardrails.lib

all_keep_size if {
	count(targets) > 0
	every target in targets {
		keeps_size(target)
	}
}

# A MaxSize below the present size lowers the desired capacity without naming it.
keeps_size(target) if {
	input.call.operation == "UpdateAutoScalingGroup"
	not_below("DesiredCapacity", target.facts.desired)
	not_below("MaxSize", target.facts.desired)
}

keeps_size(target) if {
	input.call.operation == "SetDesiredCapacity"
	input.call.params.DesiredCapacity
	not_below("DesiredCapacity", target.facts.desired)
}

# A size the call leaves out stays as it is.
not_below(param, desired) if {
	is_number(desired)
	size := object.get(input.call.params, param, desired)
	is_number(size)
	size >= desired
}
