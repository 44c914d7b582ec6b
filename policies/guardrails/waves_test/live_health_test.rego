package guardrails.waves_test

import data.guardrails.waves

live(healthy, best) := with_facts(facts({"green": wave(1, 0, 0)}, {"blue": {"healthy": healthy, "best": best}}))

test_a_falling_live_side_stops_it if {
	count(waves.deny) == 1 with input as live(2, 3)
}

test_a_live_side_without_a_healthy_machine_stops_it if {
	count(waves.deny) == 1 with input as live(0, 0)
}

test_an_unknown_health_stops_it if {
	count(waves.deny) == 1 with input as live(null, 0)
}

test_a_live_side_that_holds_does_not if {
	count(waves.deny) == 0 with input as live(3, 3)
}

test_one_that_grows_does_not if {
	count(waves.deny) == 0 with input as live(1, 0)
}

test_the_message_names_the_live_cluster if {
	found := waves.deny with input as live(2, 3)
	some entry in found
	entry.rule == "waves/live-health"
	entry.target == "blue"
	entry.message == "TerminateInstances is a wave, and the live cluster blue has 2 healthy machines (3 before)."
	contains(entry.remediation, "once it is healthy again. In an emergency, break the glass for waves/live-health.")
}
