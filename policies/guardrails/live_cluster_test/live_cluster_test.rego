# METADATA
# title: Tests of the area live_cluster
package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

rules(entries) := {entry.rule | some entry in entries}

on_blue(operation, effects) := fixtures.request(operation, effects, {"i-1": fixtures.machine("blue")})

on_green(operation, effects) := fixtures.request(operation, effects, {"i-1": fixtures.machine("green")})

# Every effect in the catalogue.
all_effects := [
	"terminate", "stop", "storage", "traffic", "network",
	"ip", "scale-in", "replace", "protection", "indirect",
]

test_live_machine_is_not_terminated if {
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as on_blue("TerminateInstances", ["terminate"])
}

test_terminating_covers_what_follows if {
	effects := ["terminate", "storage", "ip", "traffic", "stop"]
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as on_blue("TerminateInstances", effects)
}

test_a_machine_that_is_not_live_may_be_terminated if {
	count(live_cluster.deny) == 0 with input as on_green("TerminateInstances", all_effects)
	count(live_cluster.confirm) == 0 with input as on_green("TerminateInstances", all_effects)
	count(live_cluster.warn) == 0 with input as on_green("TerminateInstances", all_effects)
}

test_each_live_machine_has_its_violation if {
	targets := {"i-1": fixtures.machine("blue"), "i-2": fixtures.machine("blue")}
	entries := live_cluster.deny with input as fixtures.request("TerminateInstances", ["terminate"], targets)
	{entry.target | some entry in entries} == {"i-1", "i-2"}
}

test_message_says_what_would_happen if {
	entries := live_cluster.deny with input as on_blue("TerminateInstances", ["terminate"])
	[entry.message | some entry in entries] == [concat("", [
		"TerminateInstances would terminate i-1, a machine of the live cluster blue",
		" (3 of 3 machines running).",
	])]
}

test_groups_lose_the_machines_of_the_cluster if {
	targets := {"blue-asg": fixtures.thing("asg", ["blue"])}
	entries := live_cluster.deny with input as fixtures.request("DeleteAutoScalingGroup", ["terminate"], targets)
	some entry in entries
	startswith(entry.message, "DeleteAutoScalingGroup would terminate the machines of blue-asg, an Auto Scaling group")
}

test_live_machine_is_not_stopped if {
	rules(live_cluster.deny) == {"live-cluster/stop"} with input as on_blue("StopInstances", ["stop", "ip"])
}

test_live_disk_is_kept if {
	request := fixtures.request("DeleteVolume", ["storage"], {"vol-1": fixtures.thing("volume", ["blue"])})
	rules(live_cluster.deny) == {"live-cluster/storage"} with input as request
}

test_a_disk_that_is_not_live_may_be_detached if {
	request := fixtures.request("DeleteVolume", ["storage"], {"vol-1": fixtures.thing("volume", ["green"])})
	count(live_cluster.deny) == 0 with input as request
}

test_live_traffic_flows if {
	rules(live_cluster.deny) == {"live-cluster/traffic"} with input as on_blue("EnterStandby", ["traffic"])
}

test_network_and_address_rules_cover_traffic if {
	count(live_cluster.deny) == 0 with input as on_blue("ReleaseAddress", ["ip", "traffic"])
	count(live_cluster.deny) == 0 with input as on_blue("ReplaceRoute", ["network", "traffic"])
	rules(live_cluster.deny) == {"live-cluster/storage"} with input as on_blue("X", ["storage", "traffic"])
}

test_live_pointer_is_left_to_its_rule if {
	pointer := fixtures.thing("ssm-parameter", ["blue"])
	request := fixtures.request("PutParameter", ["protection", "traffic"], {"/live": pointer})
	count(live_cluster.deny) == 0 with input as request
}

test_a_cluster_marked_live_counts_without_a_source if {
	request := object.union(on_blue("TerminateInstances", ["terminate"]), {"live": {"clusters": ["green"]}})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as request
}

test_a_named_cluster_without_counts_is_live if {
	request := object.union(on_blue("TerminateInstances", ["terminate"]), {"clusters": {"blue": {"live": false}}})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as request
}

test_destinations_are_not_harmed if {
	machine := object.union(fixtures.machine("blue"), {"role": "destination"})
	request := fixtures.request("AttachNetworkInterface", ["terminate"], {"i-1": machine, "i-2": fixtures.machine("green")})
	count(live_cluster.deny) == 0 with input as request
}

test_stopping_covers_what_follows if {
	every effect in ["storage", "traffic", "scale-in"] {
		entries := live_cluster.deny with input as on_blue("StopInstances", ["stop", effect])
		rules(entries) == {"live-cluster/stop"}
	}
}

test_launching_does_not_excuse_cutting_traffic if {
	rules(live_cluster.deny) == {"live-cluster/traffic"} with input as on_blue("X", ["traffic", "capacity"])
}

test_only_machines_are_named_directly if {
	every type in ["instance", "tagged"] {
		live_cluster.on_machines("stop", "x") == "stop" with input as fixtures.request("X", ["stop"], {"x": fixtures.thing(type, ["blue"])})
	}
	group := fixtures.request("X", ["stop"], {"x": fixtures.thing("asg", ["blue"])})
	live_cluster.on_machines("stop", "x") == "stop the machines of" with input as group
}

test_what_is_deleted_with_a_stack_is_named if {
	parts := {"facts": {"parts": [{"name": "AWS::EC2::EIP x", "clusters": ["blue"]}]}}
	site := object.union(fixtures.thing("cfn-stack", ["blue"]), parts)
	some entry in live_cluster.deny with input as fixtures.request("DeleteStack", ["terminate"], {"site": site})
	entry.rule == "live-cluster/terminate"
	startswith(entry.message, "DeleteStack would delete AWS::EC2::EIP x of site, a stack of the live cluster blue")
}

test_a_stack_of_machines_alone_is_named_as_before if {
	site := fixtures.thing("cfn-stack", ["blue"])
	some entry in live_cluster.deny with input as fixtures.request("DeleteStack", ["terminate"], {"site": site})
	startswith(entry.message, "DeleteStack would terminate the machines of site, a stack of")
}

# A machine of a live cluster of three, whose name comes from there.
inferred(kind, effects) := object.union(
	fixtures.request("X", effects, {"i-1": fixtures.machine("blue")}),
	{"clusters": {"blue": {"kind": kind}}},
)

test_so_it_may_where_inferred_clusters_are_ignored if {
	count(live_cluster.deny) == 0 with input as inferred("asg", ["terminate"]) with data.guardrails.params.inferred as "ignore"
}

test_one_machine_of_a_live_group_may_go if {
	every effect in ["terminate", "stop"] {
		every kind in ["asg", "eb", "ecs", "eks", "fleet", "tg"] {
			count(live_cluster.deny) == 0 with input as inferred(kind, [effect])
			count(live_cluster.deny) == 1 with input as inferred(kind, [effect])
				with data.guardrails.params.inferred as "protect"
		}
		every kind in ["tag", "stack", "ip"] {
			rules(live_cluster.deny) == {concat("/", ["live-cluster", effect])} with input as inferred(kind, [effect])
		}
	}
}

test_a_machine_that_routes_of_a_live_group_lead_to_stays if {
	router := object.union(inferred("asg", ["terminate"]), {"targets": {"i-1": {"facts": {"routes": ["blue"]}}}})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as router
}

test_everything_else_of_a_live_group_stays if {
	rules(live_cluster.deny) == {"live-cluster/storage"} with input as inferred("asg", ["storage"])
	rules(live_cluster.deny) == {"live-cluster/traffic"} with input as inferred("asg", ["traffic"])
	group := object.union(inferred("asg", ["terminate"]), {"targets": {"i-1": {"type": "asg"}}})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as group
}

test_the_last_machine_of_a_live_group_stays if {
	alone := object.union(inferred("asg", ["terminate"]), {"clusters": {"blue": {"total": 1}}})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as alone
	two := object.union(alone, {"clusters": {"blue": {"total": 2}}})
	count(live_cluster.deny) == 0 with input as two
}

test_a_machine_with_an_address_stays if {
	held := object.union(inferred("asg", ["terminate"]), {
		"targets": {"i-1": {"public_ips": ["198.51.100.1", "203.0.113.7"]}},
		"clusters": {"blue": {"public_ips": ["203.0.113.7"]}},
	})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as held
	elsewhere := object.union(held, {"clusters": {"blue": {"public_ips": ["203.0.113.8"]}}})
	count(live_cluster.deny) == 0 with input as elsewhere
}

# A machine of a live group that only AWS's tags show leaves its target group.
leaves(kind, ids, shift) := object.union(
	fixtures.request("DeregisterTargets", ["traffic"], {"i-1": object.union(
		fixtures.thing("elb-target", ["web"]),
		{"facts": {"instances": ids}},
	)}),
	{
		"call": {"service": "elbv2"},
		"clusters": {"web": object.union(fixtures.cluster(true, 6, 6), {"targeted": 1, "kind": kind})},
		"live": {"clusters": ["web"]},
		"shift": shift,
	},
)

test_one_of_several_may_leave_its_target_group if {
	count(live_cluster.deny) == 0 with input as leaves("asg", ["i-1"], null)
	unknown := {"way": "targets", "known": false, "why": "nothing else is registered with it"}
	every asked in [leaves("tag", ["i-1"], null), leaves("asg", [], null), leaves("asg", ["i-1"], unknown)] {
		some entry in live_cluster.deny with input as asked
		entry.rule == "live-cluster/traffic"
		contains(entry.remediation, "break the glass for live-cluster/traffic")
	}
}

test_only_a_machine_that_leaves_gets_the_bounds if {
	elsewhere := object.union(inferred("asg", ["traffic"]), {"shift": null})
	rules(live_cluster.deny) == {"live-cluster/traffic"} with input as elsewhere
}

moved_by(way, why) := object.union(
	fixtures.request("X", ["traffic"], {"x": fixtures.thing("dns-record", ["blue"])}),
	{"shift": {"way": way, "known": false, "before": {}, "after": {}, "healthy": {}, "why": why}},
)

test_databases_have_a_way_of_their_own if {
	some stays in live_cluster.deny with input as moved_by("record", "x is a database, and no look-up tells")
	contains(stays.remediation, "blue/green deployment of RDS")
	every other in [["targets", "x is a database, and no look-up tells"], ["record", "x is unknown"]] {
		some entry in live_cluster.deny with input as moved_by(other[0], other[1])
		startswith(entry.remediation, "Put the replacement into service first")
	}
}

test_what_has_no_machines_is_ended_itself if {
	every type in ["db-cluster", "db-instance", "eks-cluster", "tagged"] {
		request := fixtures.request("DeleteIt", ["terminate"], {"x": fixtures.thing(type, ["blue"])})
		some entry in live_cluster.deny with input as request
		entry.rule == "live-cluster/terminate"
		startswith(entry.message, "DeleteIt would terminate x, ")
	}
}
