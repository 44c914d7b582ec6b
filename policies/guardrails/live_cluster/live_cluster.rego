# METADATA
# title: The live cluster cannot be destroyed
# description: >-
#   Nothing that carries a live cluster may be terminated, stopped, or lose its disks or its traffic. There is one
#   violation per target: the worst effect covers those that follow from it.
# schemas:
#   - input: schema.input
package guardrails.live_cluster

import data.guardrails.lib
import data.guardrails.text

terminate_remediation := concat(" ", [
	"Check the ids: did you mean the other cluster?",
	"To retire this one, first move its users (addresses, listeners, records) to a complete replacement;",
	"the call is allowed once this cluster is no longer live.",
])

stop_remediation := concat(" ", [
	"Check the ids: did you mean the other cluster?",
	"For maintenance, first move the users (addresses, listeners, records) to a complete replacement, then stop this one.",
])

# METADATA
# title: Live machines are not terminated
# description: >-
#   Denies every call that terminates machines of a live cluster, however it names them. Of a group that only AWS's tags
#   show, single machines may go (parameter `inferred`), within the bounds of `remaining`.
# custom:
#   rule: live-cluster/terminate
#   severity: critical
#   remediation: Check the ids; move the addresses to the replacement before you retire a cluster.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 terminate-instances --instance-ids BLUES_MACHINE
#   prefer: aws ec2 terminate-instances --instance-ids GREENS_MACHINE
deny contains lib.violation("live-cluster/terminate", id, text.would(verb, id), terminate_remediation) if {
	"terminate" in lib.effects
	some id, _ in lib.live_targets
	not lib.replaceable(id)
	verb := on_machines("terminate", id)
}

# METADATA
# title: Live machines are not stopped
# description: >-
#   Denies stopping, rebooting or interrupting machines of a live cluster. For single machines of a group that only AWS's
#   tags show, see the parameter `inferred`.
# custom:
#   rule: live-cluster/stop
#   severity: critical
#   remediation: Check the ids; move the addresses to a replacement before you stop a cluster.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 stop-instances --instance-ids BLUES_MACHINE
#   prefer: aws ec2 stop-instances --instance-ids GREENS_MACHINE
deny contains lib.violation("live-cluster/stop", id, text.would(verb, id), stop_remediation) if {
	"stop" in lib.effects
	not "terminate" in lib.effects
	some id, _ in lib.live_targets
	not lib.replaceable(id)
	verb := on_machines("stop or interrupt", id)
}

# METADATA
# title: The live cluster keeps its disks
# description: Denies deleting, detaching or replacing disks of a live cluster.
# custom:
#   rule: live-cluster/storage
#   severity: critical
#   remediation: Work on a copy made from a snapshot, or retire the cluster first.
#   incident: Azure DevOps, 2023
#   avoid: aws ec2 detach-volume --volume-id BLUES_VOLUME
#   prefer: aws ec2 create-snapshot --volume-id BLUES_VOLUME
deny contains lib.violation("live-cluster/storage", id, message, remediation) if {
	"storage" in lib.effects
	not lib.takes_machines_down
	some id, _ in lib.live_targets
	message := text.would("delete, detach or replace storage of", id)
	remediation := "Check the id. Work on a copy made from a snapshot, or first move this cluster's addresses to a replacement."
}

# METADATA
# title: The live cluster keeps its traffic
# description: >-
#   Denies cutting off traffic to a live cluster. Where the call also changes a network or an address, moves the live
#   pointer, or is a switch, the rules for those report it. Of a group that only AWS's tags show, single machines may
#   leave their load balancer (parameter `inferred`), within the bounds of `remaining`, where other healthy ones stay.
# custom:
#   rule: live-cluster/traffic
#   severity: critical
#   remediation: Put the replacement into service before you take this one out.
#   incident: Facebook, 2021-10-04
#   avoid: aws elbv2 deregister-targets --target-group-arn BLUES_GROUP --targets Id=BLUES_MACHINE
#   prefer: aws elbv2 register-targets --target-group-arn BLUES_GROUP --targets Id=GREENS_MACHINE
deny contains lib.violation("live-cluster/traffic", id, message, put_into_service_first) if {
	"traffic" in lib.effects
	not lib.takes_machines_down
	count(lib.effects & {"storage", "network", "ip"}) == 0
	not is_switch
	some id, _ in lib.live_targets
	not is_live_pointer(id)
	not leaves_others(id)
	message := concat(" ", array.concat([text.would("cut off traffic to", id)], no_switch))
}

# One of several machines of a group that only AWS's tags show, and others serve; the area remaining counts them.
leaves_others(id) if {
	lib.takes_out
	lib.replaceable(id)
	is_null(input.shift)
}

default put_into_service_first := "Put the replacement into service first, move the addresses to it, then take this one out."

put_into_service_first := concat(" ", [
	"Put a complete, healthy replacement cluster behind the same load balancer first;",
	"then machines of this one may leave, where enough others share the users.",
	"To take out a machine of this cluster alone, break the glass for live-cluster/traffic.",
]) if {
	lib.takes_out
}

put_into_service_first := concat(" ", [
	"Switch with a blue/green deployment of RDS, which keeps the names; or make sure that the new database has the same",
	"data, and break glass for live-cluster/traffic.",
]) if {
	input.shift.way == "record"
	is_string(input.shift.why)
	contains(input.shift.why, " is a database, ")
}

default no_switch := []

no_switch := [sprintf("It is not known to be a safe switch: %s.", [input.shift.why])] if {
	is_string(input.shift.why)
	input.shift.why != ""
}

is_live_pointer(id) if lib.targets[id].type == "ssm-parameter"

# What is stopped itself, or stops what runs on it.
without_machines := {"db-cluster", "db-instance", "eks-cluster", "instance", "tagged"}

on_machines(verb, id) := verb if {
	lib.targets[id].type in without_machines
} else := "delete" if {
	text.live_parts(id)
} else := sprintf("%s the machines of", [verb])
