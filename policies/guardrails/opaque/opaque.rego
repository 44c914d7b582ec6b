# METADATA
# title: Commands with unknown effects
# description: >-
#   Commands and automations may do anything to the machines they run on, so on a live cluster they need confirmation.
# schemas:
#   - input: schema.input
package guardrails.opaque

import data.guardrails.lib
import data.guardrails.text

# An unknown value asks for confirmation.
default level := "confirm"

level := data.guardrails.params.opaque if data.guardrails.params.opaque in {"warn", "allow"}

# METADATA
# title: Commands on live machines need confirmation
# description: Asks before a command or automation runs on machines of a live cluster. The parameter `opaque` may relax this.
# custom:
#   rule: opaque/command
#   severity: high
#   remediation: Try it on a machine that is not live first.
#   incident: GitLab, 2017-01-31; Facebook, 2021-10-04
#   avoid: aws ssm send-command --document-name AWS-RunShellScript --instance-ids BLUES_MACHINE
#   prefer: aws ssm send-command --document-name AWS-RunShellScript --instance-ids GREENS_MACHINE
confirm contains command(id) if {
	"opaque" in lib.effects
	level == "confirm"
	some id in touched
}

# METADATA
# title: Commands on live machines get a warning
# description: The same where the parameter `opaque` is "warn".
# custom:
#   rule: opaque/command
#   severity: high
#   remediation: Try it on a machine that is not live first.
#   incident: GitLab, 2017-01-31; Facebook, 2021-10-04
warn contains command(id) if {
	"opaque" in lib.effects
	level == "warn"
	some id in touched
}

touched contains id if {
	some id, target in lib.targets
	not elsewhere(id, target)
}

# Proven to run only on machines that are not live.
elsewhere(id, target) if {
	lib.resolved(target)
	not lib.live_targets[id]
	object.get(target.facts, "traced", true)
	not may_be_live(target)
	not lib.partly_unknown(target)
}

may_be_live(target) if {
	not lib.live_known
	not lib.nothing_live
	not free(target)
}

# It carries no cluster, and is no selector: what that finds may belong to any.
free(target) if {
	lib.carries_no_cluster(target)
	not target.type in {"tagged", "tag-selector"}
}

# A command without a target may run anywhere.
touched contains "(anywhere)" if {
	count(lib.targets) == 0
	not only_gone
}

# A command runs on what it names, and Systems Manager refuses it where that is terminated. What else runs may act on
# other machines, too.
only_gone if {
	input.call.operation == "SendCommand"
	count(input.targets) > 0
}

command(id) := lib.violation("opaque/command", id, message, remediation) if {
	message := sprintf("%s would run something that the guard cannot inspect %s%s.", [
		text.operation,
		place(id),
		text.forms,
	])
	remediation := "Try it on a machine that is not live first, and name the machines it may run on."
}

place(id) := sprintf("on %s of the live cluster %s", [id, text.live_text(id)]) if {
	lib.live_targets[id]
} else := sprintf("on machines that it does not name; it names only %s, which no longer exist", [names]) if {
	count(lib.targets) == 0
	count(input.targets) > 0
	names := text.listed(object.keys(input.targets))
} else := "on machines that it does not name" if {
	count(lib.targets) == 0
} else := sprintf("in %s, whose machines cannot be seen from here", [id]) if {
	lib.targets[id].type == "location"
} else := sprintf("on %s, which may be live", [id])
