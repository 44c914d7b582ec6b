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

spread(subnets) := object.union(fixtures.thing("asg", ["blue"]), {"facts": {"subnets": subnets}})

placing(params, targets) := object.union(
	fixtures.request("UpdateAutoScalingGroup", ["network", "replace"], targets),
	{"call": {"params": params}},
)

listing(subnets) := placing({"VPCZoneIdentifier": subnets}, {"g": spread(["s-1", "s-2"])})

test_subnets_that_stay_or_come_harm_nothing if {
	every subnets in ["s-1,s-2", "s-2, s-1", "s-1,s-2,s-3"] {
		count(lib.harmful) == 0 with input as listing(subnets)
	}
}

test_one_subnet_that_stays_harms_nothing if {
	count(lib.harmful) == 0 with input as placing({"VPCZoneIdentifier": "s-1"}, {"g": spread(["s-1"])})
}

test_a_subnet_that_goes_harms if {
	every subnets in ["s-1", "s-3", "", 7, null] {
		lib.harmful == {"network", "replace"} with input as listing(subnets)
	}
}

test_every_group_must_keep_its_subnets if {
	both := {"g": spread(["s-1"]), "h": spread(["s-2"])}
	lib.harmful == {"network", "replace"} with input as placing({"VPCZoneIdentifier": "s-1"}, both)
}

test_without_known_subnets_nothing_is_proven if {
	every targets in [{}, {"g": spread([])}, {"g": group(3)}] {
		lib.harmful == {"network", "replace"} with input as placing({"VPCZoneIdentifier": "s-1"}, targets)
	}
}

test_what_else_replaces_machines_counts if {
	every more in [{"MixedInstancesPolicy": {}}, {"MaxInstanceLifetime": 86400}] {
		asked := json.patch(listing("s-1,s-2"), [{"op": "replace", "path": "/call/params", "value": object.union(
			{"VPCZoneIdentifier": "s-1,s-2"},
			more,
		)}])
		lib.harmful == {"replace"} with input as asked
	}
}

test_zones_are_not_compared if {
	every zones in ["AvailabilityZones", "AvailabilityZoneIds"] {
		asked := placing({"VPCZoneIdentifier": "s-1,s-2", zones: []}, {"g": spread(["s-1", "s-2"])})
		lib.harmful == {"network", "replace"} with input as asked
	}
}

test_only_the_update_of_a_group_is_compared if {
	asked := json.patch(listing("s-1,s-2"), [{"op": "replace", "path": "/call/operation", "value": "CreateFleet"}])
	lib.harmful == {"network", "replace"} with input as asked
}
