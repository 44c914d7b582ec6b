# METADATA
# title: What every area says
# description: >-
#   The sets of all areas, by level and area. Named one by one: asking for data.guardrails[area] asks for every rule there
#   is, in the middle of which the embedded engine finds rules undefined that are being asked for.
package guardrails.areas

answers["deny"] := {
	"addresses": data.guardrails.addresses.deny,
	"capacity": data.guardrails.capacity.deny,
	"environment": data.guardrails.environment.deny,
	"indirect": data.guardrails.indirect.deny,
	"live_cluster": data.guardrails.live_cluster.deny,
	"network": data.guardrails.network.deny,
	"protection": data.guardrails.protection.deny,
	"remaining": data.guardrails.remaining.deny,
	"rollback": data.guardrails.rollback.deny,
	"unreviewed": data.guardrails.unreviewed.deny,
}

answers["confirm"] := {
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
