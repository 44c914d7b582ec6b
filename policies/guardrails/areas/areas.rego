# METADATA
# title: What every area says
# description: >-
#   The sets of all areas, by level and area. Named one by one: asking for data.guardrails[area] asks for every rule there
#   is, in the middle of which the embedded engine finds rules undefined that are being asked for.
package guardrails.areas

answers["deny"] := {
	"addresses": data.guardrails.addresses.deny,
	"live_cluster": data.guardrails.live_cluster.deny,
	"network": data.guardrails.network.deny,
	"protection": data.guardrails.protection.deny,
}

answers["confirm"] := {"live_cluster": data.guardrails.live_cluster.confirm}

answers["warn"] := {"live_cluster": data.guardrails.live_cluster.warn}
