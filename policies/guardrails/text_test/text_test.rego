# METADATA
# title: Tests of words for messages
package guardrails.text_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.text

test_types_have_nouns if {
	text.noun({"type": "instance"}) == "a machine"
	text.noun({"type": "unheard-of"}) == "a resource"
	text.noun({}) == "a resource"
}

test_lists_are_sorted_and_cut if {
	text.listed(["b", "a"]) == "a, b"
	many := [sprintf("i-%d", [number]) | some number in numbers.range(10, 32)]
	endswith(text.listed(many), "i-29 and 3 more")
	text.listed(array.slice(many, 0, 20)) == concat(", ", array.slice(many, 0, 20))
}

test_strings_have_a_value_without_facts if {
	text.operation == "This call" with input as {}
	text.forms == "" with input as {}
	text.evidence == "no source was asked" with input as {}
	text.number("blue", "running") == "an unknown number" with input as {}
	text.clusters_text({}) == "no cluster"
}

test_forms_are_in_brackets if {
	request := object.union(fixtures.request("X", [], {}), {"call": {"forms": ["one thing", "another"]}})
	text.forms == " (one thing; another)" with input as request
}

test_silent_sources_have_nothing_to_say if {
	request := {"live": {"sources": [
		{"name": "eip", "evidence": "no address", "silent": true},
		{"name": "tag", "evidence": "1 machine", "silent": false},
	]}}
	text.evidence == "tag: 1 machine" with input as request
	alone := {"live": {"sources": [{"name": "eip", "evidence": "no address", "silent": true}]}}
	text.evidence == "eip: no address" with input as alone
}

test_evidence_of_each_source_is_listed if {
	live := {"sources": [fixtures.source("eip", ["blue"]), {"clusters": []}]}
	request := object.union(fixtures.request("X", [], {}), {"live": live})
	text.evidence == "eip: as seen in the test; ?: nothing" with input as request
}

test_named_machines_are_counted if {
	cluster := object.union(fixtures.cluster(true, 3, 4), {"targeted": 2, "remaining": 1})
	request := object.union(
		fixtures.request("StopInstances", ["stop"], {"i-1": fixtures.machine("blue")}),
		{"clusters": {"blue": cluster}},
	)
	text.would("stop", "i-1") == concat("", [
		"StopInstances would stop i-1, a machine of the live cluster blue",
		" (3 of 4 machines running, this call names 2 and leaves 1 running).",
	]) with input as request
}

test_remaining_machines_are_only_shown_when_machines_go_down if {
	cluster := object.union(fixtures.cluster(true, 3, 4), {"targeted": 2, "remaining": 1})
	request := object.union(
		fixtures.request("SendCommand", ["opaque"], {"i-1": fixtures.machine("blue")}),
		{"clusters": {"blue": cluster}},
	)
	text.live_text("i-1") == "blue (3 of 4 machines running, this call names 2)" with input as request
}

test_a_cluster_without_machines_has_no_numbers if {
	request := object.union(
		fixtures.request("DeleteFunction", ["terminate"], {"f": fixtures.thing("tagged", ["blue"])}),
		{"clusters": {"blue": fixtures.cluster(true, 0, 0)}},
	)
	text.live_text("f") == "blue" with input as request
}

test_several_live_clusters_are_all_named if {
	request := object.union(
		fixtures.request("X", ["network"], {"subnet-1": fixtures.thing("subnet", ["green", "blue"])}),
		{"live": {"clusters": ["blue", "green"]}},
	)
	text.live_text("subnet-1") == concat(" and ", [
		"blue (3 of 3 machines running)",
		"green (3 of 3 machines running)",
	]) with input as request
}

test_clusters_of_a_target_are_listed if {
	text.clusters_text({"clusters": ["red", "blue"]}) == "blue, red"
	text.clusters_text({"clusters": []}) == "no cluster"
}

test_every_type_in_the_schema_has_a_noun if {
	words := {
		"address": "a public address",
		"asg": "an Auto Scaling group",
		"cidr": "an address range",
		"eni": "a network interface",
		"fleet": "a fleet",
		"instance": "a machine",
		"nacl": "a network ACL",
		"nat-gateway": "a NAT gateway",
		"other": "a resource",
		"private-ip": "a private address",
		"route-table": "a route table",
		"ssm-parameter": "a parameter",
		"subnet": "a subnet",
		"volume": "a disk",
	}
	every type, word in words {
		text.noun({"type": type}) == word
	}
}

test_one_form_is_in_brackets if {
	request := object.union(fixtures.request("X", [], {}), {"call": {"forms": ["one thing"]}})
	text.forms == " (one thing)" with input as request
}

test_counts_have_the_right_number if {
	text.counted(0, "machine") == "0 machines"
	text.counted(1, "machine") == "1 machine"
	text.counted(2, "machine") == "2 machines"
	text.counted("an unknown number", "machine") == "an unknown number of machines"
	text.counted(null, "machine") == "an unknown number of machines"
}

stack := object.union(fixtures.thing("cfn-stack", ["blue", "green"]), {"facts": {"parts": [
	{"name": "AWS::EC2::EIP 198.51.100.7", "clusters": ["blue"]},
	{"name": "AWS::RDS::DBInstance main", "clusters": ["green", "blue"]},
	{"name": "AWS::EC2::Instance i-1", "clusters": ["green"]},
]}})

test_the_live_parts_of_a_stack_are_named if {
	message := text.would("delete", "site") with input as fixtures.request("DeleteStack", ["traffic"], {"site": stack})
	start := "DeleteStack would delete AWS::EC2::EIP 198.51.100.7, AWS::RDS::DBInstance main of site, a stack of the live cluster blue"
	startswith(message, start)
}

test_without_live_parts_the_stack_is_named if {
	every facts in [{}, {"parts": []}, {"parts": [{"name": "AWS::EC2::Instance i-1", "clusters": ["green"]}]}] {
		site := object.union(fixtures.thing("cfn-stack", ["blue"]), {"facts": facts})
		asked := fixtures.request("DeleteStack", ["traffic"], {"site": site})
		not text.live_parts("site") with input as asked
		startswith(text.would("delete", "site"), "DeleteStack would delete site, a stack of") with input as asked
	}
}

test_no_harm_is_named_where_none_is_known if {
	not contains(text.harm({"facts": {"harm": null}}), "null")
	text.harm({"facts": {"harm": "it takes users"}}) == " it takes users."
}

test_a_machine_that_carries_routes_is_not_the_clusters if {
	router := object.union(fixtures.thing("instance", ["blue", "nat"]), {"facts": {"routes": ["blue"]}})
	asked := fixtures.request("TerminateInstances", ["terminate"], {"i-1": router})
	contains(
		text.would("terminate", "i-1"),
		"i-1, a machine that carries routes of the live cluster blue",
	) with input as asked
	own := object.union(fixtures.thing("instance", ["blue"]), {"facts": {"routes": ["green"]}})
	contains(text.would("terminate", "i-1"), "i-1, a machine of the live cluster blue") with input as object.union(
		asked,
		{"targets": {"i-1": own}},
	)
}
