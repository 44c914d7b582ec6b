package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.indirect
import data.guardrails.live_cluster
import data.guardrails.opaque
import data.guardrails.protection

nowhere := object.union(no_source, {"nothing": true})

machine_without_a_tag := {"i-1": fixtures.thing("instance", [])}

test_where_nothing_is_live_a_person_decides if {
	every targets in [green_machine, machine_without_a_tag] {
		request := while(nowhere, "TerminateInstances", ["terminate"], targets)
		count(live_cluster.deny) == 0 with input as request
		rules(live_cluster.confirm) == {"live-cluster/nothing-live"} with input as request
	}
}

test_the_question_says_what_was_seen if {
	some entry in live_cluster.confirm with input as while(nowhere, "T", ["terminate"], green_machine)
	contains(entry.message, "T would harm i-1 of green. No source finds anything live here, now or lately (eip: as")
	contains(entry.remediation, "set nothing_live = \"allow\" under [params]")
}

test_where_nothing_is_live_all_may_pass if {
	request := while(nowhere, "TerminateInstances", ["terminate"], machine_without_a_tag)
	count(live_cluster.deny | live_cluster.confirm) == 0 with input as request
		with data.guardrails.params.nothing_live as "allow"
}

test_where_nothing_is_live_all_may_stay_denied if {
	every level in ["deny", "warn", null] {
		request := while(nowhere, "TerminateInstances", ["terminate"], machine_without_a_tag)
		rules(live_cluster.deny) == {"live-cluster/unknown-live"} with input as request
			with data.guardrails.params.nothing_live as level
		rules(live_cluster.confirm) == {"live-cluster/untagged"} with input as request
			with data.guardrails.params.nothing_live as level
	}
}

test_what_is_live_is_never_nothing if {
	live := {"known": true, "nothing": true, "disputed": false, "clusters": ["blue"], "sources": [fixtures.source("eip", ["blue"])]}
	request := while(live, "TerminateInstances", ["terminate"], {"i-1": fixtures.machine("blue")})
	rules(live_cluster.deny) == {"live-cluster/terminate"} with input as request
	count(live_cluster.confirm) == 0 with input as request
}

test_a_harmless_call_asks_nobody_where_nothing_is_live if {
	count(live_cluster.confirm) == 0 with input as while(nowhere, "X", ["indirect"], green_machine)
}

test_a_pointer_is_left_to_its_rule_where_nothing_is_live if {
	targets := {"/live": fixtures.thing("ssm-parameter", ["blue"])}
	count(live_cluster.confirm) == 0 with input as while(nowhere, "PutParameter", ["protection", "traffic"], targets)
}

test_one_question_is_enough if {
	bucket := object.union(fixtures.thing("s3-bucket", []), {"facts": {"traced": false}})
	request := while(nowhere, "DeleteBucket", ["storage"], {"b": bucket})
	count(indirect.deny) == 0 with input as request
	rules(live_cluster.confirm) == {"live-cluster/nothing-live"} with input as request
	command := while(nowhere, "SendCommand", ["opaque"], green_machine)
	count(opaque.confirm) == 0 with input as command
	switch := while(nowhere, "ModifyInstanceAttribute", ["protection"], green_machine)
	count(protection.deny) == 0 with input as switch
}
