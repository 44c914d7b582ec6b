package guardrails.lib_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.lib

listener(facts) := object.union(fixtures.thing("load-balancer", ["blue"]), {"facts": facts})

kept := listener({"spared": "the rule comes after all others"})

test_what_keeps_everything_is_no_target if {
	count(lib.targets) == 0 with input as fixtures.request("X", ["traffic"], {"l": kept})
	count(lib.live_targets) == 0 with input as fixtures.request("X", ["traffic"], {"l": kept})
}

test_another_target_still_is if {
	object.keys(lib.targets) == {"m"} with input as fixtures.request("X", ["traffic"], {"l": kept, "m": listener({})})
}

test_only_a_proof_spares if {
	every target in [listener({"spared": null}), object.union(kept, {"resolved": false})] {
		object.keys(lib.targets) == {"l"} with input as fixtures.request("X", ["traffic"], {"l": target})
	}
}

test_a_deployment_that_is_discarded_is_spared_while_others_say_what_is_live if {
	frame := object.union(fixtures.thing("db-bluegreen", ["blue"]), {"facts": {"discards": true}})
	asked := fixtures.request("DeleteBlueGreenDeployment", ["storage"], {"bgd-1": frame})
	count(lib.targets) == 0 with input as asked
	unknown := fixtures.request("X", ["storage"], {"bgd-1": object.union(frame, {"resolved": false})})
	count(lib.targets) == 1 with input as unknown
	alone := object.union(asked, {"live": {"sources": [fixtures.source("rds", ["blue"])]}})
	count(lib.targets) == 1 with input as alone
	both := object.union(asked, {"live": {"sources": [fixtures.source("rds", ["blue"]), fixtures.source("eip", ["blue"])]}})
	count(lib.targets) == 0 with input as both
}
