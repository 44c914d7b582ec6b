package guardrails.rollback_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.rollback

retired(ago) := object.union(
	fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("green")}),
	{"clusters": {"green": {"retired_at": 1696864920 - ago}}},
)

test_the_previous_live_cluster_is_kept if {
	some entry in rollback.deny with input as retired(600)
	entry.rule == "rollback/window"
	contains(entry.message, "was live until 10 min ago")
	contains(entry.remediation, "Wait another 50 min.")
}

test_a_short_time_is_said_in_seconds if {
	some entry in rollback.deny with input as retired(5) with data.guardrails.params.rollback_window_s as 8
	contains(entry.message, "was live until a moment ago")
	contains(entry.remediation, "Wait another 3 s.")
}

test_from_a_minute_on_it_is_said_in_minutes if {
	every seconds, words in {59: "a moment ago", 60: "1 min ago", 60.5: "1 min ago"} {
		some entry in rollback.deny with input as retired(seconds)
		contains(entry.message, words)
	}
	every window, words in {69: "another 59 s.", 70: "another 1 min.", 70.5: "another 2 min."} {
		some entry in rollback.deny with input as retired(10) with data.guardrails.params.rollback_window_s as window
		contains(entry.remediation, words)
	}
}

test_after_the_window_it_may_go if {
	count(rollback.deny) == 0 with input as retired(3600)
	count(rollback.deny) == 0 with input as retired(600) with data.guardrails.params.rollback_window_s as 0
}

test_a_cluster_that_was_never_live_may_go if {
	asked := fixtures.request("TerminateInstances", ["terminate"], {"i-1": fixtures.machine("green")})
	count(rollback.deny) == 0 with input as asked
}

test_the_live_cluster_is_left_to_its_rules if {
	asked := object.union(retired(600), {"live": {"clusters": ["blue", "green"]}})
	count(rollback.deny) == 0 with input as asked
}

test_moving_back_is_allowed if {
	asked := json.patch(retired(600), [{"op": "replace", "path": "/call/effects", "value": ["ip", "traffic"]}])
	count(rollback.deny) == 0 with input as asked
}

test_every_lasting_effect_is_refused if {
	every effect in ["terminate", "stop", "storage", "scale-in", "replace"] {
		asked := json.patch(retired(600), [{"op": "replace", "path": "/call/effects", "value": [effect]}])
		count(rollback.deny) == 1 with input as asked
	}
}

taken_out(clusters, since) := fixtures.request("TerminateInstances", ["terminate"], {"i-1": object.union(
	fixtures.machine("old"),
	{"clusters": clusters, "facts": {"taken_out": {"green": 1696864920 - since}}},
)})

test_another_tag_does_not_end_the_window if {
	every clusters in [["old"], []] {
		some entry in rollback.deny with input as taken_out(clusters, 600)
		entry.rule == "rollback/window"
		contains(entry.message, "i-1 (retagged since), which belonged to the live cluster green until 10 min ago")
	}
	count(rollback.deny) == 0 with input as taken_out(["old"], 3600)
}

test_what_is_live_again_is_left_to_its_rules if {
	count(rollback.deny) == 0 with input as taken_out(["blue"], 600)
}

test_what_was_taken_out_at_an_unknown_time_may_go if {
	asked := object.union(taken_out(["old"], 600), {"targets": {"i-1": {"facts": {"taken_out": {"green": null}}}}})
	count(rollback.deny) == 0 with input as asked
}
