package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

test_empty_selector_is_refused if {
	every effect in ["terminate", "stop", "network", "protection", "replace"] {
		rules(live_cluster.deny) == {"live-cluster/empty-selector"} with input as fixtures.request("X", [effect], {})
	}
	count(live_cluster.deny) == 0 with input as fixtures.request("X", ["indirect"], {})
}

test_destinations_alone_are_an_empty_selector if {
	destination := object.union(fixtures.machine("green"), {"role": "destination"})
	request := fixtures.request("AssociateAddress", ["ip"], {"i-1": destination})
	rules(live_cluster.deny) == {"live-cluster/empty-selector"} with input as request
}

test_a_target_that_keeps_everything_is_still_named if {
	kept := object.union(fixtures.thing("asg", ["blue"]), {"facts": {"spared": "it grows"}})
	count(live_cluster.deny) == 0 with input as fixtures.request("X", ["scale-in"], {"g": kept})
}

test_a_location_names_no_target if {
	here := {"eu-west-1": object.union(fixtures.thing("location", []), {"facts": {"spared": "it is here"}})}
	asked := fixtures.request("StartAutomationExecution", ["terminate"], here)
	rules(live_cluster.deny) == {"live-cluster/empty-selector"} with input as asked
	named := fixtures.request("X", ["terminate"], object.union(here, {"i-1": fixtures.machine("green")}))
	count(live_cluster.deny) == 0 with input as named
}

test_what_a_call_without_a_target_names if {
	every params, words in {{}: "names no target,", {"TargetMaps": [{"Name": ["web"]}]}: "has target maps without an id"} {
		asked := fixtures.request("StartAutomationExecution", ["terminate"], {})
		entries := live_cluster.deny with input as object.union(asked, {"call": {"params": params}})
		some entry in entries
		entry.target == "(none)"
		startswith(entry.message, concat(" ", ["StartAutomationExecution", words]))
	}
}
