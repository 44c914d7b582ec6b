package guardrails.protection_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.protection

pointing(sources) := object.union(
	fixtures.request("PutParameter", ["protection", "traffic"], {"/live": fixtures.thing("ssm-parameter", ["blue"])}),
	{"call": {"service": "ssm"}, "live": {"sources": sources}},
)

pointer := {"protection/live-pointer"}

test_pointer_does_not_move_before_the_addresses if {
	sources := [fixtures.source("eip", ["blue"]), fixtures.source("ssm", ["blue"])]
	entries := protection.deny with input as pointing(sources)
	rules(entries) == pointer
	some entry in entries
	contains(entry.message, "would change /live, which names the live cluster, before the addresses have moved")
}

test_pointer_follows_the_addresses if {
	sources := [fixtures.source("eip", ["green"]), fixtures.source("ssm", ["blue"])]
	count(protection.deny) == 0 with input as pointing(sources)
}

test_pointer_alone_does_not_move if {
	rules(protection.deny) == pointer with input as pointing([fixtures.source("ssm", ["blue"])])
}

test_sources_without_a_cluster_do_not_free_the_pointer if {
	sources := [fixtures.source("eip", []), fixtures.source("ssm", ["blue"])]
	rules(protection.deny) == pointer with input as pointing(sources)
}

test_half_a_cutover_does_not_free_the_pointer if {
	sources := [fixtures.source("eip", ["blue", "green"]), fixtures.source("ssm", ["blue"])]
	rules(protection.deny) == pointer with input as pointing(sources)
}

test_addresses_must_have_left_every_cluster_pointed_at if {
	sources := [fixtures.source("eip", ["green"]), fixtures.source("ssm", ["blue", "green"])]
	rules(protection.deny) == pointer with input as pointing(sources)
}

test_an_empty_pointer_may_be_filled if {
	sources := [fixtures.source("eip", ["blue"]), fixtures.source("ssm", [])]
	count(protection.deny) == 0 with input as pointing(sources)
}

test_without_sources_the_pointer_stays if {
	rules(protection.deny) == pointer with input as pointing([])
}

test_only_the_effect_protection_counts if {
	sources := [fixtures.source("ssm", ["blue"])]
	request := object.union(pointing(sources), {"call": {"effects": ["traffic"]}})
	count(protection.deny) == 0 with input as request
}

test_only_a_target_is_a_pointer if {
	request := object.union(
		pointing([fixtures.source("ssm", ["blue"])]),
		{"targets": {"/live": {"role": "destination"}}},
	)
	count(protection.deny) == 0 with input as request
}

test_pointer_remediation if {
	entries := protection.deny with input as pointing([fixtures.source("ssm", ["blue"])])
	some entry in entries
	entry.remediation == "Move the addresses to the complete new cluster first, then change the pointer."
}

test_cloud_control_moves_the_pointer_as_well if {
	sources := [fixtures.source("eip", ["blue"]), fixtures.source("ssm", ["blue"])]
	asked := object.union(pointing(sources), {"call": {"service": "cloudcontrolapi"}})
	rules(protection.deny) == pointer with input as asked
}

# The addresses are with a cluster of this kind; blue, which the pointer names, may be tagged.
reached(kind, blue) := object.union(
	pointing([fixtures.source("eip", ["other"]), fixtures.source("ssm", ["blue"])]),
	{"clusters": {
		"other": object.union(fixtures.cluster(true, 2, 2), {"kind": kind}),
		"blue": blue,
		"green": {"kind": "asg"},
	}},
)

test_what_stands_aside_does_not_free_the_pointer if {
	rules(protection.deny) == pointer with input as reached("ip", {"kind": "asg"})
	rules(protection.deny) == pointer with input as reached("asg", {"kind": "tag"})
	rules(protection.deny) == pointer with input as reached("asg", {"kind": "tag", "total": 1})
	count(protection.deny) == 0 with input as reached("tag", {"kind": "tag"})
	count(protection.deny) == 0 with input as reached("asg", {"kind": "asg"})
	count(protection.deny) == 0 with input as reached("asg", {"kind": "tag", "total": 0})
	rules(protection.deny) == pointer with input as reached("asg", {"kind": "tag", "total": 1})
}

# PutParameter with a shift of the pointer, where no source sees what users reach.
switching(shift, clusters, sources) := object.union(
	pointing(sources),
	{"shift": object.union(to_green, shift), "clusters": clusters},
)

to_green := {"way": "pointer", "known": true, "before": {"blue": 1}, "after": {"green": 1}, "healthy": {"green": true}, "why": ""}

only_pointers := [fixtures.source("ssm", ["blue"]), fixtures.source("file", ["blue"])]

test_the_pointer_is_the_switch_where_traffic_is_not_seen if {
	count(protection.deny) == 0 with input as switching({}, {}, only_pointers)
	silent := [object.union(fixtures.source("eip", []), {"silent": true})]
	count(protection.deny) == 0 with input as switching({}, {}, array.concat(only_pointers, silent))
}

test_what_stands_aside_is_no_traffic if {
	bastion := {"other": object.union(fixtures.cluster(true, 1, 1), {"kind": "ip"})}
	sources := array.concat(only_pointers, [fixtures.source("eip", ["other"])])
	count(protection.deny) == 0 with input as switching({}, bastion, sources)
}

test_the_pointer_names_no_unfit_cluster if {
	every change in [{"running": 2}, {"healthy": false}, {"in_flight": 1}] {
		rules(protection.deny) == pointer with input as switching({}, {"green": change}, only_pointers)
	}
	rules(protection.deny) == pointer with input as switching({"known": false}, {}, only_pointers)
	rules(protection.deny) == pointer with input as switching({"way": "listener"}, {}, only_pointers)
}

test_the_pointer_is_no_switch_where_traffic_is_seen if {
	every clusters in [["blue"], []] {
		sources := array.concat(only_pointers, [fixtures.source("eip", clusters)])
		rules(protection.deny) == pointer with input as switching({}, {}, sources)
	}
}

test_the_pointer_waits_for_no_other_pointer if {
	others := [fixtures.source(name, ["blue"]) | some name in ["tag", "file", "env", "command", "ssm"]]
	sources := array.concat(others, [fixtures.source("eip", ["green"])])
	count(protection.deny) == 0 with input as pointing(sources)
}
