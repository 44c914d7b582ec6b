package guardrails.lib_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.lib

group(desired) := object.union(fixtures.thing("asg", ["blue"]), {"facts": {"desired": desired}})

sizing(operation, params, targets) := object.union(
	fixtures.request(operation, ["scale-in"], targets),
	{"call": {"params": params}},
)

test_a_group_that_keeps_its_size_is_not_harmed if {
	count(lib.harmful) == 0 with input as sizing("SetDesiredCapacity", {"DesiredCapacity": 3}, {"g": group(3)})
	count(lib.harmful) == 0 with input as sizing("UpdateAutoScalingGroup", {"MaxSize": 5}, {"g": group(3)})
}

test_every_group_must_keep_its_size if {
	both := {"g": group(3), "h": group(4)}
	lib.harmful == {"scale-in"} with input as sizing("SetDesiredCapacity", {"DesiredCapacity": 3}, both)
}

test_without_a_group_nothing_is_proven if {
	lib.harmful == {"scale-in"} with input as sizing("SetDesiredCapacity", {"DesiredCapacity": 3}, {})
}

test_a_size_must_be_a_number if {
	lib.harmful == {"scale-in"} with input as sizing("SetDesiredCapacity", {"DesiredCapacity": "9"}, {"g": group(3)})
	lib.harmful == {"scale-in"} with input as sizing("SetDesiredCapacity", {"DesiredCapacity": 3}, {"g": group("3")})
	lib.harmful == {"scale-in"} with input as sizing("SetDesiredCapacity", {"DesiredCapacity": 3}, {"g": group(null)})
}

test_zero_is_a_size if {
	count(lib.harmful) == 0 with input as sizing("SetDesiredCapacity", {"DesiredCapacity": 0}, {"g": group(0)})
	lib.harmful == {"scale-in"} with input as sizing("SetDesiredCapacity", {"DesiredCapacity": 0}, {"g": group(1)})
}

test_size_does_not_excuse_other_effects if {
	request := object.union(
		fixtures.request("SetDesiredCapacity", ["scale-in", "terminate"], {"g": group(3)}),
		{"call": {"params": {"DesiredCapacity": 3}}},
	)
	lib.harmful == {"terminate"} with input as request
}
