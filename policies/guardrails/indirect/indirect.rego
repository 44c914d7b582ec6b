# METADATA
# title: Indirect targets
# description: >-
#   Resources that no look-up traces to a cluster, ids of another type than the operation expects, and batches that AWS
#   carries out in part.
# schemas:
#   - input: schema.input
package guardrails.indirect

import data.guardrails.lib
import data.guardrails.text

# An unknown value denies.
default untraced_level := "deny"

untraced_level := data.guardrails.params.untraced if data.guardrails.params.untraced in {"warn", "confirm", "allow"}

untraced contains id if {
	count(lib.harmful) > 0
	not lib.nothing_live
	some id, target in lib.targets
	target.facts.traced == false
}

# METADATA
# title: Untraceable resources get a warning
# description: The same where the parameter `untraced` is "warn".
# custom:
#   rule: indirect/untraced
#   severity: medium
#   remediation: Find out what depends on it, and tag it with its cluster.
#   incident: Travis CI images, 2016; Cloudflare R2, 2025-02
#   avoid: aws dynamodb delete-table --table-name TABLE_WITHOUT_A_TAG
#   prefer: aws dynamodb tag-resource --resource-arn TABLE --tags Key=Cluster,Value=green
warn contains untraced_violation(id) if {
	untraced_level == "warn"
	some id in untraced
}

# METADATA
# title: Untraceable resources need confirmation
# description: The same where the parameter `untraced` is "confirm".
# custom:
#   rule: indirect/untraced
#   severity: medium
#   remediation: Find out what depends on it, and tag it with its cluster.
#   incident: Travis CI images, 2016; Cloudflare R2, 2025-02
confirm contains untraced_violation(id) if {
	untraced_level == "confirm"
	some id in untraced
}

# METADATA
# title: Untraceable resources are not touched
# description: >-
#   Denies a destructive call on a resource if no look-up can tell whose it is: it may be the live cluster's. The cluster
#   tag tells. The parameter `untraced` decides; its default is "deny".
# custom:
#   rule: indirect/untraced
#   severity: medium
#   remediation: Find out what depends on it, and tag it with its cluster.
#   incident: Travis CI images, 2016; Cloudflare R2, 2025-02
deny contains untraced_violation(id) if {
	untraced_level == "deny"
	some id in untraced
}

untraced_violation(id) := lib.violation("indirect/untraced", id, message, remediation) if {
	message := sprintf("%s would harm %s, and no look-up can tell whether the live cluster depends on it.%s", [
		text.operation,
		untraced_text(id),
		places(lib.targets[id]),
	])
	remediation := sprintf(untraced_remediation, [data.guardrails.params.cluster_tag])
}

# Of a stack it is not all of it.
untraced_text(id) := sprintf("%s of %s", [text.listed(lib.targets[id].facts.untraced), id]) if {
	count(lib.targets[id].facts.untraced) > 0
} else := id

# METADATA
# title: Stacks with parts that cannot be followed are not touched
# description: >-
#   Denies deleting or changing a stack with a resource that no look-up finds, or whose name in the stack does not say
#   what it is: it may belong to the live cluster.
# custom:
#   rule: indirect/unread
#   severity: high
#   remediation: Find out what these resources are.
#   incident: Skyscanner, 2021-08-25
#   avoid: aws cloudformation delete-stack --stack-name STACK_WITH_AN_UNREADABLE_ROUTE
#   prefer: aws cloudformation list-stack-resources --stack-name STACK_WITH_AN_UNREADABLE_ROUTE
deny contains lib.violation("indirect/unread", id, message, remediation) if {
	count(lib.harmful) > 0
	some id, target in lib.targets
	count(target.facts.unread) > 0
	not target.type == "location"
	message := sprintf("%s would harm %s, and these parts of it could not be followed: %s. They may be the live cluster's.", [
		text.operation,
		id,
		text.listed(target.facts.unread),
	])
	remediation := concat(" ", [
		unread_first(target),
		"If none of them serves the live cluster, break glass for indirect/unread.",
	])
}

unread_first(target) := sprintf("Name each resource, or select them by the tag %s.", [data.guardrails.params.cluster_tag]) if {
	target.type == "tag-selector"
} else := "Look at these resources (list-stack-resources)."

# METADATA
# title: Automations that run elsewhere are not started
# description: >-
#   Denies an automation that terminates or stops something in another account or region: which cluster is live there
#   cannot be seen from here.
# custom:
#   rule: indirect/unread
#   severity: high
#   remediation: Make the call there by itself.
#   incident: Joyent, 2014
#   avoid: aws ssm start-automation-execution --document-name AWS-StopEC2Instance --target-locations Regions=us-east-1
#   prefer: aws ssm start-automation-execution --document-name AWS-StopEC2Instance --region us-east-1
deny contains lib.violation("indirect/unread", id, message, remediation) if {
	count(lib.harmful) > 0
	some id, target in lib.targets
	count(target.facts.unread) > 0
	target.type == "location"
	message := sprintf("%s would run in %s, and which machines are live there cannot be seen from %s.", [
		text.operation,
		id,
		object.get(input.call, "region", "this region"),
	])
	remediation := concat(" ", [
		"Make a call for each account and region by itself, with its own credentials and a client of that region, and",
		"without TargetLocations: it is judged by the machines there.",
		"If nothing there is live, break glass for indirect/unread.",
	])
}

# What may lead from there to the live cluster.
places(target) := sprintf(" Look at %s.", [text.listed(target.facts.look_at)]) if {
	count(target.facts.look_at) > 0
} else := ""

untraced_remediation := concat(" ", [
	"Find out what depends on it. If it belongs to another cluster, tag it %s=<cluster>, then try again.",
	"If it cannot have tags, break glass for indirect/untraced.",
])

# METADATA
# title: Every id has the type the operation expects
# description: Denies a call that names a resource of another type than the operation acts on.
# custom:
#   rule: indirect/mismatch
#   severity: critical
#   remediation: Check where the id came from.
#   incident: Atlassian, 2022
#   avoid: aws ec2 terminate-instances --instance-ids vol-0123456789abcdef0
#   prefer: aws ec2 delete-volume --volume-id vol-0123456789abcdef0
deny contains lib.violation("indirect/mismatch", id, message, remediation) if {
	count(lib.harmful) > 0
	some id, target in lib.targets
	mismatch := target.facts.mismatch
	is_string(mismatch)
	message := sprintf("%s names %s: %s.", [text.operation, id, mismatch])
	remediation := "Check where the id came from: the list may hold ids of another kind of resource."
}

# METADATA
# title: A protected batch over several zones gets a warning
# description: >-
#   If one machine of a batch is protected, AWS reports an error but still terminates the machines in other zones (EC2
#   API reference, TerminateInstances).
# custom:
#   rule: indirect/zones
#   severity: low
#   remediation: Make one call per zone.
#   incident: AWS S3, 2017-02-28
#   avoid: aws ec2 terminate-instances --instance-ids GREENS_IN_ZONE_A GREENS_IN_ZONE_B
#   prefer: aws ec2 terminate-instances --instance-ids GREENS_IN_ZONE_A
warn contains lib.violation("indirect/zones", "(batch)", message, remediation) if {
	input.call.operation == "TerminateInstances"
	protected := [id | some id, target in lib.targets; target.protections.termination == true]
	count(protected) > 0
	zones := {target.facts.zone | some target in lib.targets; is_string(target.facts.zone)}
	count(zones) > 1
	message := sprintf(zones_message, [
		text.operation,
		concat(", ", sort(zones)),
		text.listed(protected),
	])
	remediation := "Make one call per zone, without the protected machines."
}

zones_message := concat(" ", [
	"%s names machines in %s, with termination protection on for %s.",
	"AWS will report an error, but still terminate the machines in the other zones.",
])
