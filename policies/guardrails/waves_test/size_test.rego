package guardrails.waves_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.waves

wave(taken, gone, in_wave) := {"mode": "refuse", "taken": taken, "gone": gone, "in_wave": in_wave, "wait_s": in_wave * 0.5}

facts(clusters, live) := {
	"clusters": clusters,
	"live": live,
	"loop": "ec2.terminate_instances(InstanceIds=batch)",
	"sized": false,
}

asked(clusters) := with_facts(facts(clusters, {"blue": {"healthy": 3, "best": 3}}))

with_facts(found) := object.union(fixtures.request("TerminateInstances", ["terminate"], {}), {"waves": found})

denied(taken, gone, in_wave) if {
	count(waves.deny) == 1 with input as asked({"green": wave(taken, gone, in_wave)})
}

test_the_first_wave_is_the_first_size if {
	denied(2, 0, 0)
	denied(30, 0, 0)
	not denied(1, 0, 0)
}

test_each_wave_has_its_size if {
	not denied(5, 1, 0)
	denied(6, 1, 0)
	not denied(25, 6, 0)
	denied(26, 6, 0)
}

test_after_the_last_all_the_rest_may_go if {
	not denied(500, 31, 0)
	not denied(500, 40, 9)
	denied(500, 40, 10)
}

test_a_wave_under_way_counts if {
	denied(1, 1, 1)
	not denied(2, 4, 3)
	denied(3, 4, 3)
}

test_waves_that_were_smaller_keep_the_next_one_small if {
	not denied(5, 3, 0)
	denied(6, 3, 0)
}

test_an_unknown_number_is_denied if {
	denied(null, 0, 0)
	denied(null, 31, 0)
}

test_each_cluster_counts_by_itself if {
	found := waves.deny with input as asked({"green": wave(1, 0, 0), "red": wave(2, 0, 0), "": wave(2, 0, 0)})
	{entry.target | some entry in found} == {"red", "no cluster"}
}

test_the_message_says_what_may_go_and_how if {
	found := waves.deny with input as asked({"green": wave(30, 0, 0)})
	some entry in found
	entry.rule == "waves/size"
	startswith(entry.message, "TerminateInstances would take 30 machines of green out of service at once. 1 may go now")
	endswith(entry.message, " (waves of 1, 5, 25 and the rest, 30 s apart; 0 went before).")
	loop := "`for batch in guardrails.waves(ids): ec2.terminate_instances(InstanceIds=batch)`."
	entry.remediation == sprintf("In waves: %s", [loop])
}

test_the_message_says_how_long_the_wave_lasts if {
	found := waves.deny with input as asked({"green": wave(1, 1, 1)})
	some entry in found
	contains(entry.message, "None may go now")
	startswith(entry.remediation, "The next wave may begin in 0.5 s. In waves")
}

test_a_size_is_lowered_in_steps if {
	found := waves.deny with input as with_facts(object.union(facts({"green": wave(9, 0, 0)}, {}), {
		"loop": "",
		"sized": true,
	}))
	some entry in found
	entry.remediation == "Lower the size in steps: by 1, 5, 25 and the rest, 30 s apart."
}

test_a_stack_loses_its_machines_first if {
	found := waves.deny with input as with_facts(object.union(facts({"green": wave(9, 0, 0)}, {}), {"loop": ""}))
	some entry in found
	startswith(entry.remediation, "First terminate its machines in waves: `for batch in guardrails.waves(ids): ec2.")
}

with_hosts(hosts, gone) := object.union(asked({"green": wave(1, gone, 0)}), {"history": {
	"hosts": hosts,
	"unshared": "the table does not answer.",
}})

test_hosts_without_a_memory_count_by_themselves if {
	found := waves.deny with input as with_hosts(2, 0)
	some entry in found
	endswith(entry.message, " 2 hosts may each do so, because they share no memory now: the table does not answer.")
	count(waves.deny) == 0 with input as with_hosts(3, 1)
	count(waves.deny) == 0 with input as with_hosts(1, 0)
}

test_hosts_that_share_it_do_not if {
	more := {"waves": facts({"green": wave(2, 0, 0)}, {})}
	found := waves.deny with input as object.union(with_hosts(1, 0), more)
	some entry in found
	endswith(entry.message, "0 went before).")
}

test_no_host_goes_on_alone if {
	found := waves.deny with input as with_hosts(0, 31)
	some entry in found
	endswith(entry.message, " What other hosts did is not known: the table does not answer.")
	count(waves.deny) == 1 with input as with_hosts(0, 0)
}

test_without_waves_all_may_go if {
	count(waves.deny) == 0 with input as with_facts(null)
	count(waves.deny) == 0 with input as fixtures.request("TerminateInstances", ["terminate"], {})
}
