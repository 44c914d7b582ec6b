package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

on_untagged(effects) := fixtures.request("TerminateInstances", effects, {"i-9": fixtures.untagged})

test_untagged_machine_needs_confirmation if {
	some effect in ["terminate", "stop", "storage", "network", "ip", "traffic", "scale-in", "replace"]
	rules(live_cluster.confirm) == {"live-cluster/untagged"} with input as on_untagged([effect])
}

test_untagged_machine_needs_confirmation_for_every_effect if {
	every effect in ["terminate", "stop", "storage", "network", "ip", "traffic", "scale-in", "replace"] {
		rules(live_cluster.confirm) == {"live-cluster/untagged"} with input as on_untagged([effect])
	}
}

test_untagged_machine_may_be_protected_or_affected_indirectly if {
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as on_untagged(["protection", "indirect"])
}

test_untagged_may_be_denied_or_allowed if {
	request := on_untagged(["terminate"])
	count(live_cluster.confirm) == 0 with input as request with data.guardrails.params.untagged as "deny"
	rules(live_cluster.deny) == {"live-cluster/untagged"} with input as request
		with data.guardrails.params.untagged as "deny"
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as request
		with data.guardrails.params.untagged as "allow"
}

test_unknown_value_of_untagged_denies if {
	rules(live_cluster.deny) == {"live-cluster/untagged"} with input as on_untagged(["terminate"])
		with data.guardrails.params.untagged as "maybe"
	rules(live_cluster.deny) == {"live-cluster/untagged"} with input as on_untagged(["terminate"])
		with data.guardrails.params.untagged as null
}

test_untagged_does_not_deny_where_it_asks if {
	count(live_cluster.deny) == 0 with input as on_untagged(["terminate"])
}

test_a_machine_that_was_not_found_is_not_left_to_a_person if {
	request := fixtures.request("TerminateInstances", ["terminate"], {"i-9": fixtures.unresolved})
	rules(live_cluster.deny) == {"live-cluster/unresolved"} with input as request
	count(live_cluster.confirm) == 0 with input as request
}

test_untagged_names_a_way_for_scripts if {
	asked := live_cluster.confirm with input as on_untagged(["terminate"])
	some question in asked
	contains(question.remediation, "needs it, confirm at a terminal; for a script, break the glass: eval \"$(guardrails")
	denied := live_cluster.deny with input as on_untagged(["terminate"]) with data.guardrails.params.untagged as "deny"
	some denial in denied
	contains(denial.remediation, "needs it, break the glass: eval \"$(guardrails break-glass --reason WHY")
}

test_untagged_message_names_the_tag if {
	entries := live_cluster.confirm with input as on_untagged(["terminate"])
		with data.guardrails.params.cluster_tag as "Stack"
	some entry in entries
	contains(entry.message, "would harm i-9, a machine without a Stack tag.")
	contains(entry.remediation, "Stack=<cluster>")
}

test_a_group_with_untagged_machines_needs_confirmation if {
	group := object.union(fixtures.thing("asg", ["green"]), {"facts": {"untagged": ["i-7", "i-8"]}})
	entries := live_cluster.confirm with input as fixtures.request("DeleteAutoScalingGroup", ["terminate"], {"g": group})
	rules(entries) == {"live-cluster/untagged"}
	some entry in entries
	contains(entry.message, "an Auto Scaling group with machines that have no Cluster tag (i-7, i-8).")
}

test_a_group_without_untagged_machines_may_be_deleted if {
	group := object.union(fixtures.thing("asg", ["green"]), {"facts": {"untagged": []}})
	count(live_cluster.confirm) == 0 with input as fixtures.request("DeleteAutoScalingGroup", ["terminate"], {"g": group})
}

test_an_empty_subnet_may_be_deleted if {
	request := fixtures.request("DeleteSubnet", ["network"], {"subnet-1": fixtures.thing("subnet", [])})
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as request
}

test_untagged_message_without_parameters if {
	entries := live_cluster.deny with input as on_untagged(["terminate"]) with data.guardrails.params as {}
	some entry in entries
	entry.rule == "live-cluster/untagged"
	contains(entry.message, "a machine without a cluster tag.")
}

test_a_group_with_one_untagged_machine_needs_confirmation if {
	group := object.union(fixtures.thing("asg", ["green"]), {"facts": {"untagged": ["i-7"]}})
	request := fixtures.request("DeleteAutoScalingGroup", ["terminate"], {"g": group})
	entries := live_cluster.confirm with input as request
	rules(entries) == {"live-cluster/untagged"}
	some entry in entries
	contains(entry.message, "with machines that have no Cluster tag (i-7).")
}

test_an_empty_list_means_the_machine_itself if {
	machine := object.union(fixtures.untagged, {"facts": {"untagged": []}})
	request := fixtures.request("TerminateInstances", ["terminate"], {"i-9": machine})
	entries := live_cluster.confirm with input as request
	rules(entries) == {"live-cluster/untagged"}
	some entry in entries
	contains(entry.message, "would harm i-9, a machine without a Cluster tag.")
}

test_untagged_remediation_without_the_parameter if {
	entries := live_cluster.deny with input as on_untagged(["terminate"])
		with data.guardrails.params as {"max_fact_age_s": 5}
	rules(entries) == {"live-cluster/untagged"}
	some entry in entries
	contains(entry.remediation, "tag it cluster=<cluster>,")
}

test_launches_are_ignored if {
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as on_untagged(["capacity"])
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as fixtures.request("RunInstances", ["capacity"], {})
}

# i-9 of a cluster that AWS's tags show, live or not.
of_kind(kind, live) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-9": fixtures.machine("x")}),
	{"clusters": {"x": object.union(fixtures.cluster(live, 3, 3), {"kind": kind})}},
)

test_a_machine_known_by_its_address_counts_as_untagged if {
	rules(live_cluster.confirm) == {"live-cluster/untagged"} with input as of_kind("ip", false)
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as of_kind("ip", true)
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as of_kind("asg", false)
}

test_inferred_clusters_may_be_ignored if {
	rules(live_cluster.confirm) == {"live-cluster/untagged"} with input as of_kind("asg", false)
		with data.guardrails.params.inferred as "ignore"
	rules(live_cluster.confirm) == {"live-cluster/untagged"} with input as of_kind("asg", true)
		with data.guardrails.params.inferred as "ignore"
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as of_kind("tag", false) with data.guardrails.params.inferred as "ignore"
}

test_a_disk_of_an_ignored_cluster_is_named if {
	disk := object.union(of_kind("asg", false), {"targets": {"i-9": fixtures.thing("volume", ["x"])}})
	entries := live_cluster.confirm with input as disk with data.guardrails.params.inferred as "ignore"
	some entry in entries
	contains(entry.message, "would harm i-9, a disk without a Cluster tag.")
}

test_one_cluster_that_counts_is_enough if {
	both := object.union(of_kind("ip", false), {
		"clusters": {"green": {"kind": "tag"}},
		"targets": {"i-9": {"clusters": ["x", "green"]}},
	})
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as both
}

test_a_machine_alone_leaves_what_has_no_cluster if {
	both := object.union(of_kind("ip", false), {"targets": {"subnet-1": fixtures.thing("subnet", [])}})
	{entry.target | some entry in live_cluster.confirm} == {"i-9"} with input as both
}
