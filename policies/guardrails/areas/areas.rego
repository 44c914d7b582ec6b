# METADATA
# title: The list of areas
# description: >-
#   The sets of every area, by level and area. They are named one by one: data.guardrails[area] would evaluate every rule
#   there is, and the embedded engine would then find rules undefined that it is still evaluating.
package guardrails.areas

answers["deny"] := {
	"addresses": data.guardrails.addresses.deny,
	"caller": data.guardrails.caller.deny,
	"capacity": data.guardrails.capacity.deny,
	"environment": data.guardrails.environment.deny,
	"freeze": data.guardrails.freeze.deny,
	"indirect": data.guardrails.indirect.deny,
	"live_cluster": data.guardrails.live_cluster.deny,
	"network": data.guardrails.network.deny,
	"protection": data.guardrails.protection.deny,
	"remaining": data.guardrails.remaining.deny,
	"rollback": data.guardrails.rollback.deny,
	"unreviewed": data.guardrails.unreviewed.deny,
	"waves": data.guardrails.waves.deny,
}

answers["confirm"] := {
	"addresses": data.guardrails.addresses.confirm,
	"capacity": data.guardrails.capacity.confirm,
	"indirect": data.guardrails.indirect.confirm,
	"live_cluster": data.guardrails.live_cluster.confirm,
	"opaque": data.guardrails.opaque.confirm,
}

answers["warn"] := {
	"capacity": data.guardrails.capacity.warn,
	"environment": data.guardrails.environment.warn,
	"indirect": data.guardrails.indirect.warn,
	"live_cluster": data.guardrails.live_cluster.warn,
	"opaque": data.guardrails.opaque.warn,
	"unreviewed": data.guardrails.unreviewed.warn,
}
