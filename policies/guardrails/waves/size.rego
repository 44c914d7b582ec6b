# METADATA
# title: Machines go in waves
# description: >-
#   Where the configuration says so (key `waves`), machines are taken away a few at first and then more, with a pause and
#   a look at the live cluster between.
# schemas:
#   - input: schema.input
package guardrails.waves

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: A wave takes no more machines than its turn
# description: >-
#   Denies taking more machines of a cluster out of service than the wave has room for: terminating, stopping, rebooting,
#   deregistering, detaching or scaling in. The first wave takes the first of `wave_sizes`, then the second, and after the
#   last size all the rest. Thirty calls for one machine count like one call for thirty, whichever processes make them. A
#   wave is over `wave_pause_s` after its last call.
# custom:
#   rule: waves/size
#   severity: high
#   remediation: Take them away in waves, with guardrails.waves().
#   incident: Google Compute Engine, 2016-04-11
#   avoid: aws ec2 terminate-instances --instance-ids ALL_OF_A_CLUSTER_WITH_WAVES
#   prefer: aws ec2 terminate-instances --instance-ids ONE_OF_THEM
deny contains lib.violation("waves/size", named(name), message, forward(wave)) if {
	some name in too_many
	wave := input.waves.clusters[name]
	message := sprintf("%s would take %s of %s out of service at once. %s (waves of %s, %v s apart; %v went before).%s", [
		text.operation,
		text.counted(wave.taken, "machine"),
		named(name),
		room(wave),
		sizes_text,
		pause,
		wave.gone,
		alone,
	])
}

# How many hosts may each do the same, because none sees what the others do; 0 where none may go on alone.
default hosts := 1

hosts := input.history.hosts

default alone := ""

alone := sprintf(" %v hosts may each do so, because they share no memory now: %s.", [hosts, unshared]) if hosts > 1

alone := sprintf(" What other hosts did is not known: %s.", [unshared]) if hosts == 0

unshared := trim_right(input.history.unshared, ". ")

sizes := data.guardrails.params.waves.sizes

pause := data.guardrails.params.waves.pause_s

# How many machines have gone once each wave is over.
reached := [sum(array.slice(sizes, 0, number + 1)) | some number, _ in sizes]

too_many contains name if {
	some name, _ in input.waves.clusters
	not fits(name)
}

# null is below every number.
fits(name) if {
	wave := input.waves.clusters[name]
	is_number(wave.taken)
	hosts > 0
	wave.taken * hosts <= left(wave)
}

# After the last size, all the rest may go.
fits(name) if {
	wave := input.waves.clusters[name]
	is_number(wave.taken)
	hosts > 0
	wave.gone - wave.in_wave >= sum(sizes)
}

# What the wave under way, or the next one, still has room for.
left(wave) := sizes[count(over)] - wave.in_wave if {
	over := [total | some total in reached; total <= wave.gone - wave.in_wave]
}

default room(_) := "None may go now"

room(wave) := sprintf("%v may go now", [left(wave)]) if left(wave) > 0

sizes_text := sprintf("%s and the rest", [concat(", ", [sprintf("%v", [size]) | some size in sizes])])

named(name) := name if name != ""

named("") := "no cluster"

forward(wave) := sprintf("%s%s", [waiting(wave), way])

default waiting(_) := ""

waiting(wave) := sprintf("The next wave may begin in %v s. ", [wave.wait_s]) if wave.wait_s > 0

way := sprintf("In waves: `for batch in guardrails.waves(ids): %s`.", [input.waves.loop]) if {
	input.waves.loop != ""
} else := sprintf("Lower the size in steps: by %s, %v s apart.", [sizes_text, pause]) if {
	input.waves.sized
} else := concat(" ", [
	"First terminate its machines in waves:",
	"`for batch in guardrails.waves(ids): ec2.terminate_instances(InstanceIds=batch)`.",
	"For an update of a stack, execute a change set: it counts what it changes.",
])
