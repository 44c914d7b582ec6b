# METADATA
# title: Tests of what the rules share
package guardrails.lib_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.lib

request(targets) := fixtures.request("TerminateInstances", ["terminate", "protection"], targets)

test_roles_divide_the_targets if {
	destination := object.union(fixtures.machine("green"), {"role": "destination"})
	both := request({"i-1": fixtures.machine("blue"), "i-2": destination})
	object.keys(lib.targets) == {"i-1"} with input as both
	object.keys(lib.destinations) == {"i-2"} with input as both
}

test_a_terminated_machine_is_no_target if {
	gone := object.union(fixtures.machine("blue"), {"state": "terminated"})
	both := request({"i-1": gone, "i-2": fixtures.machine("green")})
	object.keys(lib.targets) == {"i-2"} with input as both
}

test_only_a_resolved_machine_counts_as_terminated if {
	every change in [{"resolved": false}, {"type": "volume"}, {"state": "shutting-down"}, {"state": null}] {
		target := object.union(object.union(fixtures.machine("blue"), {"state": "terminated"}), change)
		object.keys(lib.targets) == {"i-1"} with input as request({"i-1": target})
	}
}

test_protection_is_not_harmful if {
	lib.harmful == {"terminate"} with input as request({})
	lib.harmful == {"replace"} with input as fixtures.request("X", ["replace", "indirect"], {})
}

test_live_clusters_come_from_sources_and_counts if {
	lib.live_clusters == {"blue"} with input as request({})
	lib.live_clusters == {"blue", "green"} with input as object.union(request({}), {"live": {"clusters": ["green"]}})
}

test_live_targets_name_their_live_clusters if {
	shared := fixtures.thing("subnet", ["red", "blue", "green"])
	lib.live_targets == {"subnet-1": ["blue"]} with input as request({"subnet-1": shared, "i-2": fixtures.machine("green")})
}

test_only_true_is_known_and_resolved if {
	lib.live_known with input as request({})
	not lib.live_known with input as object.union(request({}), {"live": {"known": "yes"}})
	lib.resolved({"resolved": true})
	not lib.resolved({"resolved": "yes"})
	not lib.resolved({})
}

test_only_an_empty_list_carries_nothing if {
	lib.carries_no_cluster({"clusters": []})
	not lib.carries_no_cluster({"clusters": ["blue"]})
	not lib.carries_no_cluster({})
}

test_names_are_compared_without_order if {
	lib.same_names(["a", "b"], ["b", "a"])
	not lib.same_names(["a"], ["a", "b"])
	not lib.same_names("a", ["a"])
	not lib.same_names(["a"], "a")
}

test_violation_has_four_members if {
	lib.violation("a/b", "t", "m", "r") == {"rule": "a/b", "target": "t", "message": "m", "remediation": "r"}
}

test_only_lists_have_names if {
	not lib.same_names("a", [])
	not lib.same_names([], "a")
	not lib.same_names(null, null)
}

test_only_terminating_and_stopping_take_machines_down if {
	lib.takes_machines_down with input as fixtures.request("X", ["terminate"], {})
	lib.takes_machines_down with input as fixtures.request("X", ["stop"], {})
	not lib.takes_machines_down with input as fixtures.request("X", ["storage", "replace", "scale-in"], {})
}

test_a_group_takes_only_its_own_clusters if {
	asked := object.union(
		fixtures.request("X", ["terminate"], {"g": fixtures.thing("asg", ["blue"])}),
		{"clusters": {"green": {"targeted": 1}}},
	)
	lib.machines_taken("green") == 1 with input as asked
	lib.machines_taken("blue") == 3 with input as asked
}

rerouting(operation, via, onto, change) := fixtures.request(operation, ["network", "traffic", "ip"], {
	"rtb-1": object.union(fixtures.thing("route-table", ["blue", "green"]), object.union({"facts": {"via": via}}, change)),
	"i-2": object.union(fixtures.machine(onto), {"role": "destination", "facts": {"serves": true}}),
})

test_a_route_that_fails_over_harms_nothing_but_what_else_the_call_does if {
	lib.harmful == {"ip"} with input as rerouting("ReplaceRoute", ["blue"], "blue", {})
	every call in [
		rerouting("CreateRoute", ["blue"], "blue", {}),
		rerouting("ReplaceRoute", [], "blue", {}),
		rerouting("ReplaceRoute", ["blue"], "green", {}),
		rerouting("ReplaceRoute", ["blue"], "blue", {"resolved": false}),
		object.remove(rerouting("ReplaceRoute", ["blue"], "blue", {}), ["targets"]),
		json.remove(rerouting("ReplaceRoute", ["blue"], "blue", {}), ["targets/rtb-1"]),
	] {
		lib.harmful == {"network", "traffic", "ip"} with input as call
	}
}

onto(changes) := fixtures.request("X", ["ip"], {"i-2": object.union(
	fixtures.machine("blue"),
	object.union({"role": "destination", "facts": {"serves": true}}, changes),
)})

test_only_a_serving_machine_of_the_same_cluster_takes_over if {
	lib.takes_over(["blue"]) with input as onto({})
	not lib.takes_over(["green"]) with input as onto({})
	not lib.takes_over([]) with input as onto({"clusters": []})
	not lib.takes_over(["blue"]) with input as onto({"resolved": false})
	not lib.takes_over(["blue"]) with input as onto({"facts": {"serves": false}})
	not lib.takes_over(["blue"]) with input as fixtures.request("X", ["ip"], {})
}

unrelated(facts) := object.union(fixtures.thing("cfn-stack", []), {"facts": facts})

test_what_belongs_to_no_cluster_cannot_be_harmed if {
	topics := unrelated({"unrelated": true})
	count(lib.harmful) == 0 with input as fixtures.request("DeleteStack", ["terminate"], {"a": topics, "b": topics})
	count(lib.harmful) == 0 with input as fixtures.request("DeleteStack", ["terminate"], {"a": topics})
	every other in [unrelated({"unrelated": false}), unrelated({}), fixtures.machine("green")] {
		lib.harmful == {"terminate"} with input as fixtures.request("X", ["terminate"], {"a": topics, "b": other})
	}
}

test_a_call_without_a_target_is_not_unrelated if {
	lib.harmful == {"terminate"} with input as fixtures.request("X", ["terminate"], {})
}

test_without_targets_there_are_none if {
	every targets in [null, [], "i-1"] {
		lib.targets == {} with input as {"targets": targets}
	}
}

leaving(service, operation, effects) := object.union(
	fixtures.request(operation, effects, {"i-1": fixtures.machine("blue")}),
	{"call": {"service": service}},
)

test_machines_leave_by_these_calls_alone if {
	every service, operation in {"elb": "DeregisterInstancesFromLoadBalancer", "elbv2": "DeregisterTargets"} {
		lib.takes_out with input as leaving(service, operation, ["traffic"])
		not lib.takes_out with input as leaving(service, "SetSecurityGroups", ["traffic"])
		not lib.takes_out with input as leaving("ec2", operation, ["traffic"])
		not lib.takes_out with input as leaving(service, operation, ["traffic", "terminate"])
	}
	every operation in ["DetachInstances", "EnterStandby"] {
		lib.takes_out with input as leaving("autoscaling", operation, ["traffic"])
	}
}

test_a_target_of_a_balancer_is_a_machine_where_it_leaves if {
	address := object.union(fixtures.thing("elb-target", ["blue"]), {"facts": {"instances": ["i-1"]}})
	lib.is_one_machine(address) with input as leaving("elbv2", "DeregisterTargets", ["traffic"])
	not lib.is_one_machine(address) with input as leaving("elbv2", "DeleteTargetGroup", ["traffic"])
	group := object.union(address, {"type": "asg"})
	not lib.is_one_machine(group) with input as leaving("elbv2", "DeregisterTargets", ["traffic"])
}

test_no_route_leads_elsewhere_without_one if {
	lib.leads_elsewhere({"facts": {"routes": ["blue"]}})
	not lib.leads_elsewhere({"facts": {"routes": []}})
}
