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
