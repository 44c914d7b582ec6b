package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

auto_scaling_group(cluster) := object.union(fixtures.thing("asg", [cluster]), {"facts": {"desired": 3, "untagged": []}})

sized(operation, cluster, params) := object.union(
	fixtures.request(operation, ["scale-in"], {"g": auto_scaling_group(cluster)}),
	{"call": {"params": params}},
)

test_live_group_is_not_shrunk if {
	entries := live_cluster.deny with input as sized("SetDesiredCapacity", "blue", {"DesiredCapacity": 2})
	rules(entries) == {"live-cluster/scale-in"}
	some entry in entries
	endswith(entry.message, ". The group's desired size is 3, its minimum unknown; the call sets DesiredCapacity to 2.")
}

test_other_group_may_shrink if {
	count(live_cluster.deny) == 0 with input as sized("SetDesiredCapacity", "green", {"DesiredCapacity": 0})
}

test_both_sizes_are_named if {
	some entry in live_cluster.deny
		with input as sized("UpdateAutoScalingGroup", "blue", {"DesiredCapacity": 3, "MaxSize": 2})
	endswith(entry.message, "the call sets DesiredCapacity to 3, MaxSize to 2.")
}

test_a_missing_size_denies if {
	some entry in live_cluster.deny with input as sized("SetDesiredCapacity", "blue", {})
	endswith(entry.message, "the call sets no size.")
}

test_an_unknown_current_size_is_said if {
	request := fixtures.request("SetDesiredCapacity", ["scale-in"], {"g": fixtures.thing("asg", ["blue"])})
	some entry in live_cluster.deny with input as request
	contains(entry.message, "The group's desired size is unknown,")
}

test_what_is_no_group_has_no_size_of_its_own if {
	request := fixtures.request("UpdateService", ["scale-in"], {"web": fixtures.thing("ecs-service", ["blue"])})
	entries := live_cluster.deny with input as request
	rules(entries) == {"live-cluster/scale-in"}
	some entry in entries
	not contains(entry.message, "size")
}

test_the_look_ups_say_what_a_later_size_does if {
	later := object.union(auto_scaling_group("blue"), {"facts": {"harm": "It schedules a MaxSize of 0, and the group has 3"}})
	entries := live_cluster.deny with input as fixtures.request("X", ["scale-in"], {"g": later})
	rules(entries) == {"live-cluster/scale-in"}
	some entry in entries
	endswith(entry.message, "running). It schedules a MaxSize of 0, and the group has 3.")
}

test_terminating_covers_scaling_in if {
	request := fixtures.request("X", ["terminate", "scale-in"], {"g": auto_scaling_group("blue")})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as request
}

test_live_machines_are_not_replaced if {
	request := fixtures.request("StartInstanceRefresh", ["replace"], {"g": auto_scaling_group("blue")})
	rules(live_cluster.deny) == {"live-cluster/replace"} with input as request
	count(live_cluster.deny) == 0 with input as fixtures.request("StartInstanceRefresh", ["replace"], {"g": auto_scaling_group("green")})
}

test_delayed_harm_gets_a_warning if {
	request := fixtures.request("PutScheduledUpdateGroupAction", ["indirect"], {"g": auto_scaling_group("blue")})
	rules(live_cluster.warn) == {"live-cluster/indirect"} with input as request
	count(live_cluster.deny) == 0 with input as request
}

test_delayed_harm_says_what_shows_it if {
	request := fixtures.request("PutScheduledUpdateGroupAction", ["indirect"], {"g": auto_scaling_group("blue")})
	some entry in live_cluster.warn with input as request
	contains(entry.message, "would change what happens later to g")
	contains(entry.remediation, "Look at it with the service's Describe, Get and List operations.")
	look := json.patch(request, [{"op": "add", "path": "/call/look_at", "value": "autoscaling:DescribePolicies"}])
	some named in live_cluster.warn with input as look
	contains(named.remediation, "Look at it with autoscaling:DescribePolicies.")
}

test_delayed_harm_to_others_passes if {
	request := fixtures.request("PutScheduledUpdateGroupAction", ["indirect"], {"g": auto_scaling_group("green")})
	count(live_cluster.warn) == 0 with input as request
	count(live_cluster.warn) == 0 with input as fixtures.request("StopInstances", ["stop"], {"g": auto_scaling_group("blue")})
}

test_an_update_of_a_live_stack_asks_for_a_change_set if {
	request := fixtures.request("UpdateStack", ["replace"], {"web": fixtures.thing("cfn-stack", ["blue"])})
	some entry in live_cluster.deny with input as request
	entry.rule == "live-cluster/replace"
	contains(entry.remediation, "CreateChangeSet")
}

test_only_a_stack_has_change_sets if {
	contains(live_cluster.instead_of_replacing("cfn-stack"), "Create a change set")
	startswith(live_cluster.instead_of_replacing("asg"), "Start the new version as a separate cluster")
}

test_what_is_replaced_in_a_stack_is_named if {
	parts := {"facts": {"parts": [{"name": "AWS::EC2::EIP x", "clusters": ["blue"]}]}}
	site := object.union(fixtures.thing("cfn-stack", ["blue"]), parts)
	some entry in live_cluster.deny with input as fixtures.request("UpdateStack", ["replace"], {"site": site})
	startswith(entry.message, "UpdateStack would replace AWS::EC2::EIP x of site")
}

test_a_stack_of_machines_alone_is_replaced_as_before if {
	site := fixtures.thing("cfn-stack", ["blue"])
	some entry in live_cluster.deny with input as fixtures.request("UpdateStack", ["replace"], {"site": site})
	startswith(entry.message, "UpdateStack would replace running machines of site")
}

test_change_sets_name_every_way_and_what_to_do if {
	parts := {"facts": {"parts": [{"name": "AWS::EC2::EIP x (InstanceId)", "clusters": ["blue"]}]}}
	site := object.union(fixtures.thing("cfn-change-set", ["blue"]), parts)
	some entry in live_cluster.deny with input as fixtures.request("ExecuteChangeSet", ["replace"], {"cs of site": site})
	startswith(entry.message, "ExecuteChangeSet would remove, replace or change AWS::EC2::EIP x (InstanceId) of cs of site")
	contains(entry.remediation, "Leave these changes out of the change set")
	contains(entry.remediation, "break glass for live-cluster/replace")
}

test_a_new_minimum_is_named if {
	group := object.union(fixtures.thing("asg", ["blue"]), {"facts": {"desired": 3, "min": 3}})
	request := object.union(
		fixtures.request("UpdateAutoScalingGroup", ["scale-in"], {"web": group}),
		{"call": {"params": {"MinSize": 1}}},
	)
	some entry in live_cluster.deny with input as request
	contains(entry.message, "its minimum 3; the call sets MinSize to 1.")
}
