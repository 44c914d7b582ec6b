package guardrails.protection_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.protection

retag := {"protection/retag"}

# Blue's evidence: the cluster tag, a live tag on its machines, a tag on its addresses.
marks := {"tag": {"key": "Live", "value": "true"}, "eip_tag": {"key": "Front", "value": "yes"}, "ssm_parameter": null}

no_tags := {"set": {}, "removed": [], "removes_all": false}

tagging(target, change) := object.union(
	fixtures.request("CreateTags", ["protection"], {"x-1": target}),
	{"call": {"tags": object.union(no_tags, change)}},
)

marked(cluster) := object.union(fixtures.machine(cluster), {"tags": {"Live": "true"}})

front(cluster) := object.union(fixtures.thing("address", [cluster]), {"tags": {"Front": "yes"}})

denied(request) := rules(entries) if {
	entries := protection.deny with input as request with data.guardrails.params.live as marks
}

test_cluster_tag_of_a_live_machine_stays if {
	denied(tagging(fixtures.machine("blue"), {"set": {"Cluster": "green"}})) == retag
	denied(tagging(fixtures.machine("blue"), {"removed": ["Cluster"]})) == retag
	denied(tagging(fixtures.machine("blue"), {"set": {"Cluster": ""}})) == retag
}

test_live_tag_of_a_live_machine_stays if {
	denied(tagging(marked("blue"), {"set": {"Live": "false"}})) == retag
	denied(tagging(marked("blue"), {"removed": ["Live"]})) == retag
}

test_tag_of_a_live_address_stays if {
	denied(tagging(front("blue"), {"removed": ["Front"]})) == retag
	denied(tagging(front("blue"), {"set": {"Front": "no"}})) == retag
}

test_removing_all_tags_removes_evidence if {
	denied(tagging(fixtures.machine("blue"), {"removes_all": true})) == retag
	count(denied(tagging(fixtures.machine("green"), {"removes_all": true}))) == 0
}

test_replacing_all_tags_may_keep_the_evidence if {
	bucket := object.union(fixtures.machine("blue"), {"type": "s3-bucket"})
	count(denied(tagging(bucket, {"removes_all": true, "set": {"Cluster": "blue"}}))) == 0
	count(denied(tagging(bucket, {"removes_all": true, "set": {"Cluster": "blue", "Owner": "us"}}))) == 0
	denied(tagging(bucket, {"removes_all": true, "set": {"Cluster": "green"}})) == retag
	denied(tagging(bucket, {"removes_all": true, "set": {"Owner": "us"}})) == retag
	denied(tagging(bucket, {"removes_all": true, "set": {"Cluster": "blue", "Live": "true"}})) == retag
	live := object.union(bucket, {"tags": {"Live": "true"}})
	denied(tagging(live, {"removes_all": true, "set": {"Cluster": "blue"}})) == retag
	count(denied(tagging(live, {"removes_all": true, "set": {"Cluster": "blue", "Live": "true"}}))) == 0
	bare := object.union(object.remove(bucket, ["tags"]), {"tags": {}})
	denied(tagging(bare, {"removes_all": true, "set": {"Owner": "us"}})) == retag
	unknown := object.union(bucket, {"resolved": false})
	denied(tagging(unknown, {"removes_all": true, "set": {"Cluster": "blue"}})) == retag
}

test_the_same_value_changes_nothing if {
	count(denied(tagging(fixtures.machine("blue"), {"set": {"Cluster": "blue"}}))) == 0
	count(denied(tagging(marked("blue"), {"set": {"Live": "true"}}))) == 0
}

test_removing_a_missing_tag_changes_nothing if {
	count(denied(tagging(fixtures.machine("blue"), {"removed": ["Live"]}))) == 0
}

test_other_tags_may_change if {
	count(denied(tagging(fixtures.machine("blue"), {"set": {"Name": "web"}, "removed": ["Owner"]}))) == 0
}

test_tags_of_other_clusters_may_change if {
	count(denied(tagging(fixtures.machine("green"), {"set": {"Cluster": "red"}}))) == 0
	count(denied(tagging(marked("green"), {"removed": ["Live", "Cluster"]}))) == 0
	count(denied(tagging(front("green"), {"removed": ["Front"]}))) == 0
}

test_a_machine_may_get_its_first_live_tag if {
	count(denied(tagging(fixtures.untagged, {"set": {"Cluster": "green"}}))) == 0
	count(denied(tagging(fixtures.machine("green"), {"set": {"Live": "true"}}))) == 0
	count(denied(tagging(fixtures.machine("blue"), {"set": {"Live": "true"}}))) == 0
}

test_a_first_cluster_tag_takes_a_live_target_away if {
	bare := object.union(object.remove(fixtures.machine("blue"), ["tags"]), {"tags": {}})
	denied(tagging(bare, {"set": {"Cluster": "green"}})) == retag
	count(denied(tagging(bare, {"set": {"Cluster": "blue"}}))) == 0
}

test_a_first_cluster_tag_on_a_live_address_is_refused if {
	bare := object.union(fixtures.untagged, {"public_ips": ["203.0.113.7"]})
	request := object.union(
		tagging(bare, {"set": {"Cluster": "green"}}),
		{"clusters": {"blue": {"public_ips": ["203.0.113.7"]}}},
	)
	denied(request) == retag
	entries := protection.deny with input as request with data.guardrails.params.live as marks
	some entry in entries
	contains(entry.message, "a machine with an address of a live cluster (203.0.113.7). The tag is evidence")
}

test_addresses_of_other_clusters_are_not_evidence if {
	bare := object.union(fixtures.untagged, {"public_ips": ["203.0.113.8"]})
	request := object.union(
		tagging(bare, {"set": {"Cluster": "green"}}),
		{"clusters": {"green": {"public_ips": ["203.0.113.8"]}}},
	)
	count(denied(request)) == 0
}

test_unknown_machines_addresses_and_groups_are_not_retagged if {
	every type in ["instance", "address", "asg", "ec2-resource", "health-check", "hosted-zone", "s3-bucket"] {
		unknown := object.union(fixtures.unresolved, {"type": type})
		denied(tagging(unknown, {"set": {"Cluster": "green"}})) == retag
		denied(tagging(unknown, {"removed": ["Live"]})) == retag
		denied(tagging(unknown, {"removes_all": true})) == retag
	}
}

test_an_unknown_target_says_what_to_look_at if {
	unknown := object.union(fixtures.unresolved, {"type": "s3-bucket", "facts": {"look_at": ["the machines of red"]}})
	some entry in protection.deny with input as tagging(unknown, {"set": {"Cluster": "green"}})
	contains(entry.message, "a resource that may belong to the machines of red. ")
}

test_other_unknown_targets_are_not_evidence if {
	every type in ["other", "subnet", "volume"] {
		unknown := object.union(fixtures.unresolved, {"type": type})
		count(denied(tagging(unknown, {"set": {"Cluster": "green"}}))) == 0
	}
}

test_nothing_is_retagged_while_live_is_unknown if {
	request := object.union(tagging(fixtures.machine("green"), {"set": {"Cluster": "red"}}), {"live": no_source})
	denied(request) == retag
	count(denied(object.union(tagging(fixtures.untagged, {"set": {"Cluster": "red"}}), {"live": no_source}))) == 0
}

# The addresses have moved to green; blue still has the live tag.
after(sources) := {"live": {"clusters": ["blue", "green"], "disputed": true, "sources": sources}}

addresses_moved := after([fixtures.source("eip", ["green"]), fixtures.source("tag", ["blue"])])

test_the_live_tag_follows_the_addresses if {
	count(denied(object.union(tagging(marked("blue"), {"removed": ["Live"]}), addresses_moved))) == 0
	count(denied(object.union(tagging(marked("blue"), {"set": {"Live": "false"}}), addresses_moved))) == 0
}

test_the_live_tag_does_not_move_before_the_addresses if {
	every sources in [
		[fixtures.source("eip", ["blue"]), fixtures.source("tag", ["blue"])],
		[fixtures.source("eip", ["blue", "green"]), fixtures.source("tag", ["blue"])],
		[fixtures.source("eip", []), fixtures.source("tag", ["blue"])],
		[fixtures.source("tag", ["blue"])],
	] {
		denied(object.union(tagging(marked("blue"), {"removed": ["Live"]}), after(sources))) == retag
	}
}

# Without a source that sees what users reach: these clusters have the live tag, and this is different about green.
unmarking(clusters, change, more) := object.union(
	tagging(marked("blue"), {"removed": ["Live"]}),
	{
		"clusters": {"green": change},
		"live": {"known": true, "sources": array.concat([fixtures.source("tag", clusters)], more)},
	},
)

test_the_live_tag_is_the_switch_where_traffic_is_not_seen if {
	count(denied(unmarking(["blue", "green"], {}, []))) == 0
	silent := [object.union(fixtures.source("eip", []), {"silent": true}), fixtures.source("ssm", ["blue"])]
	count(denied(unmarking(["blue", "green"], {}, silent))) == 0
}

test_the_live_tag_stays_without_a_fit_replacement if {
	every change in [{"running": 3, "total": 4}, {"healthy": false}, {"in_flight": 1}, {"running": 2, "total": 2}] {
		denied(unmarking(["blue", "green"], change, [])) == retag
	}
	both := {"call": {"tags": {"removed": ["Live", "Cluster"]}}}
	denied(object.union(unmarking(["blue", "green"], {}, []), both)) == retag
	denied(unmarking(["blue"], {}, [])) == retag
	denied(unmarking([], {}, [fixtures.source("ssm", ["green"])])) == retag
}

test_the_live_tag_is_no_switch_where_traffic_is_seen if {
	denied(unmarking(["blue", "green"], {}, [fixtures.source("eip", ["blue"])])) == retag
	denied(unmarking(["blue", "green"], {}, [fixtures.source("eip", [])])) == retag
}

test_the_live_tag_waits_for_no_pointer if {
	count(denied(unmarking(["blue"], {}, [fixtures.source("eip", ["green"]), fixtures.source("ssm", ["blue"])]))) == 0
}

test_only_the_live_tag_follows if {
	denied(object.union(tagging(marked("blue"), {"removed": ["Cluster"]}), addresses_moved)) == retag
	denied(object.union(tagging(marked("blue"), {"removed": ["Live", "Cluster"]}), addresses_moved)) == retag
	denied(object.union(tagging(marked("blue"), {"removes_all": true}), addresses_moved)) == retag
	denied(object.union(tagging(front("blue"), {"removed": ["Front"]}), addresses_moved)) == retag
}

test_a_live_tag_that_is_the_cluster_tag_does_not_follow if {
	request := object.union(tagging(marked("blue"), {"removed": ["Cluster"]}), addresses_moved)
	entries := protection.deny with input as request
		with data.guardrails.params.live as {"tag": {"key": "Cluster", "value": "blue"}}
	rules(entries) == retag
}

test_tagging_is_judged_once if {
	count(denied(tagging(fixtures.machine("blue"), {"removed": ["Cluster"]}))) == 1
}

test_a_call_without_tags_is_ignored if {
	request := fixtures.request("X", ["terminate"], {"x-1": fixtures.machine("blue")})
	count(denied(request)) == 0
}

test_message_for_a_live_target if {
	machine := object.union(fixtures.machine("blue"), {"public_ips": ["203.0.113.7"]})
	request := object.union(
		tagging(machine, {"removed": ["Cluster"]}),
		{"clusters": {"blue": {"public_ips": ["203.0.113.7"]}}},
	)
	entries := protection.deny with input as request with data.guardrails.params.live as marks
	some entry in entries
	contains(entry.message, "would change the tag Cluster of x-1, a machine of the live cluster blue (3 of 3")
}

test_message_for_a_target_without_live_addresses if {
	request := object.union(tagging(fixtures.machine("green"), {"set": {"Cluster": "red"}}), {"live": no_source})
	entries := protection.deny with input as request with data.guardrails.params.live as marks
	some entry in entries
	contains(entry.message, "a machine of green, and no source says which cluster is live. The tag is")
}

test_other_tags_of_unknown_targets_may_change if {
	count(denied(tagging(fixtures.unresolved, {"set": {"Name": "web"}, "removed": ["Owner"]}))) == 0
}

test_a_live_target_without_a_cluster_tag_may_get_a_live_tag if {
	bare := object.union(object.remove(fixtures.machine("blue"), ["tags"]), {"tags": {}})
	count(denied(tagging(bare, {"set": {"Live": "true"}}))) == 0
}

test_a_group_may_get_its_first_cluster_tag_while_live_is_unknown if {
	request := tagging(fixtures.thing("asg", ["green"]), {"set": {"Cluster": "green"}})
	count(denied(object.union(request, {"live": no_source}))) == 0
}

test_tags_of_other_live_resources_stay if {
	subnet := object.union(fixtures.thing("subnet", ["blue"]), {"tags": {"Cluster": "blue"}})
	denied(tagging(subnet, {"removed": ["Cluster"]})) == retag
}

test_the_live_tag_does_not_follow_a_name_without_machines if {
	sources := [fixtures.source("eip", ["ghost"]), fixtures.source("tag", ["blue"])]
	unknown := {"live": {"known": false, "clusters": ["blue", "ghost"], "sources": sources}}
	denied(object.union(tagging(marked("blue"), {"removed": ["Live"]}), unknown)) == retag
}

test_destinations_are_not_retagged if {
	destination := object.union(fixtures.unresolved, {"role": "destination"})
	count(denied(tagging(destination, {"set": {"Cluster": "green"}}))) == 0
}

# The list of live clusters leaves blue out, but its own `live` is enough for its addresses to count.
test_addresses_of_a_cluster_marked_live_are_evidence if {
	bare := object.union(fixtures.untagged, {"public_ips": ["203.0.113.7"]})
	request := object.union(
		tagging(bare, {"set": {"Cluster": "green"}}),
		{"clusters": {"blue": {"public_ips": ["203.0.113.7"]}}, "live": {"clusters": []}},
	)
	denied(request) == retag
}

test_retag_remediation if {
	request := tagging(fixtures.machine("blue"), {"removed": ["Cluster"]})
	entries := protection.deny with input as request with data.guardrails.params.live as marks
	some entry in entries
	startswith(entry.remediation, "Leave the tag alone while this may be live. Move the addresses to a replacement first;")
}

test_the_live_tag_of_a_target_without_a_cluster_stays if {
	stray := object.union(fixtures.untagged, {"tags": {"Live": "true"}, "public_ips": ["203.0.113.7"]})
	request := object.union(
		tagging(stray, {"removed": ["Live"]}),
		{"clusters": {"blue": {"public_ips": ["203.0.113.7"]}}},
	)
	denied(request) == retag
}

test_the_live_tag_of_an_unknown_target_stays if {
	unknown := object.union(marked("blue"), {"resolved": false})
	denied(object.union(tagging(unknown, {"removed": ["Live"]}), addresses_moved)) == retag
}

# It has the tag already, so the rule for targets without one does not apply.
test_a_tag_that_is_there_is_repeated if {
	tagged := object.union(fixtures.machine("blue"), {"tags": {"Cluster": "green"}})
	count(denied(tagging(tagged, {"set": {"Cluster": "green"}}))) == 0
}

test_clusters_that_are_not_live_do_not_count if {
	shared := object.union(fixtures.thing("subnet", ["blue", "green"]), {"tags": {}})
	count(denied(tagging(shared, {"set": {"Cluster": "blue"}}))) == 0
	denied(tagging(shared, {"set": {"Cluster": "green"}})) == retag
}

# A machine with these tags, where two tags name clusters.
denied_in_order(tags, change) := rules(entries) if {
	target := object.union(object.remove(fixtures.machine("blue"), ["tags"]), {"tags": tags})
	entries := protection.deny with input as tagging(target, change)
		with data.guardrails.params.cluster_tags as ["Cluster", "Service"]
}

test_every_cluster_tag_is_evidence if {
	denied_in_order({"Service": "blue"}, {"set": {"Service": "green"}}) == retag
	denied_in_order({"Service": "blue"}, {"removed": ["Service"]}) == retag
	denied_in_order({"Service": "blue"}, {"removes_all": true}) == retag
	denied_in_order({"Service": "blue"}, {"set": {"Cluster": "green"}}) == retag
	count(denied_in_order({"Service": "blue"}, {"removes_all": true, "set": {"Service": "blue"}})) == 0
	count(denied_in_order({"Service": "blue"}, {"set": {"Cluster": "blue"}})) == 0
}

test_a_later_cluster_tag_says_nothing_beside_an_earlier_one if {
	both := {"Cluster": "blue", "Service": "web"}
	count(denied_in_order(both, {"set": {"Service": "shop"}})) == 0
	count(denied_in_order(both, {"removed": ["Service"]})) == 0
	count(denied_in_order({"Cluster": "blue"}, {"set": {"Service": "shop"}})) == 0
	denied_in_order(both, {"set": {"Cluster": "green"}}) == retag
	denied_in_order(both, {"removed": ["Cluster", "Service"]}) == retag
	denied_in_order({"Cluster": "", "Service": "blue"}, {"set": {"Service": "green"}}) == retag
}

untagging(service, operation, target, tags) := object.union(
	tagging(target, {"removed": ["Cluster"]}),
	{"call": {"service": service, "operation": operation, "params": {"Tags": tags}}},
)

test_removing_another_value_changes_nothing if {
	other := [{"Key": "Cluster", "Value": "green"}]
	every call in [["ec2", "DeleteTags"], ["acm", "RemoveTagsFromCertificate"], ["acm-pca", "UntagCertificateAuthority"]] {
		denied(untagging(call[0], call[1], fixtures.machine("blue"), other)) == set()
	}
	denied(untagging("ec2", "DeleteTags", fixtures.unresolved, other)) == retag
	denied(untagging("autoscaling", "DeleteTags", fixtures.machine("blue"), other)) == retag
}

test_removing_its_value_or_any_takes_the_tag if {
	every tags in [
		[{"Key": "Cluster", "Value": "blue"}],
		[{"Key": "Cluster"}],
		[{"Key": "Cluster", "Value": "green"}, {"Key": "Cluster"}],
		[{"Key": "Cluster", "Value": "green"}, {"Key": "Cluster", "Value": "blue"}],
		[{"Key": "Live", "Value": "green"}],
	] {
		denied(untagging("ec2", "DeleteTags", fixtures.machine("blue"), tags)) == retag
	}
}
