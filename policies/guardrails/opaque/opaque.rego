# METADATA
# title: What nobody can read
# description: >-
#   Commands and automations that run on machines: their text may do anything, so on a live cluster a person confirms them.
# schemas:
#   - input: schema.input
package guardrails.opaque

import data.guardrails.lib
import data.guardrails.text

# An unknown word asks for confirmation.
default level := "confirm"

level := data.guardrails.params.opaque if data.guardrails.params.opaque in {"warn", "allow"}

# METADATA
# title: Commands on live machines are confirmed
# description: Asks before a command or automation runs on machines of a live cluster; the parameter `opaque` says how.
# custom:
#   rule: opaque/command
#   severity: high
#   remediation: Run it on a machine that is not live first.
#   incident: GitLab, 2017-01-31; Facebook, 2021-10-04
#   avoid: aws ssm send-command --document-name AWS-RunShellScript --instance-ids BLUES_MACHINE
#   prefer: aws ssm send-command --document-name AWS-RunShellScript --instance-ids GREENS_MACHINE
confirm contains command(id) if {
	level == "confirm"
	some id in touched
}

# METADATA
# title: Commands on live machines are pointed out
# description: The same where the parameter `opaque` is "warn".
# custom:
#   rule: opaque/command
#   severity: high
#   remediation: Run it on a machine that is not live first.
#   incident: GitLab, 2017-01-31; Facebook, 2021-10-04
warn contains command(id) if {
	level == "warn"
	some id in touched
}

touched contains id if {
	"opaque" in lib.effects
	some id, target in lib.targets
	not elsewhere(id, target)
}

# Proven to run on machines of other clusters, or on none.
elsewhere(id, target) if {
	lib.resolved(target)
	not lib.live_targets[id]
	object.get(target.facts, "traced", true)
	not may_be_live(target)
}

may_be_live(target) if {
	not lib.live_known
	not lib.carries_no_cluster(target)
}

# What names nothing may run anywhere.
touched contains "(anywhere)" if {
	"opaque" in lib.effects
	count(lib.targets) == 0
}

command(id) := lib.violation("opaque/command", id, message, remediation) if {
	message := sprintf("%s runs something on %s that the guard cannot read%s.", [text.operation, place(id), text.forms])
	remediation := "Run it on a machine that is not live first, and name the machines it may touch."
}

place(id) := sprintf("%s of the live cluster %s", [id, text.live_text(id)]) if {
	lib.live_targets[id]
} else := "no machine that it names" if {
	count(lib.targets) == 0
} else := sprintf("%s, of which nobody can tell whether it is live,", [id])
