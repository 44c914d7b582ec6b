# METADATA
# title: Tests of the area network
package guardrails.network_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.network

rules(entries) := {entry.rule | some entry in entries}

on(type, cluster, effects) := fixtures.request("X", effects, {"x-1": fixtures.thing(type, [cluster])})

# The rule for each type; types without their own rule fall under the last.
ruled := {
	"subnet": "network/subnet",
	"route-table": "network/route-table",
	"nacl": "network/acl",
	"eni": "network/interface",
	"instance": "network/machine",
	"nat-gateway": "network/other",
	"other": "network/other",
}

test_each_type_has_its_rule if {
	every type, rule in ruled {
		rules(network.deny) == {rule} with input as on(type, "blue", ["network"])
	}
}

test_networks_of_other_clusters_may_change if {
	every type, _ in ruled {
		count(network.deny) == 0 with input as on(type, "green", ["network"])
	}
}

test_only_network_changes_count if {
	every type, _ in ruled {
		count(network.deny) == 0 with input as on(type, "blue", ["ip", "traffic", "protection", "indirect"])
	}
}

test_a_shared_subnet_is_live if {
	shared := fixtures.request("DeleteSubnet", ["network"], {"subnet-1": fixtures.thing("subnet", ["blue", "green"])})
	rules(network.deny) == {"network/subnet"} with input as shared
}

test_terminating_covers_the_network if {
	count(network.deny) == 0 with input as on("instance", "blue", ["network", "terminate"])
	count(network.deny) == 0 with input as on("instance", "blue", ["network", "stop"])
	rules(network.deny) == {"network/machine"} with input as on("instance", "blue", ["network", "storage"])
}

test_each_target_has_its_violation if {
	targets := {
		"subnet-1": fixtures.thing("subnet", ["blue"]),
		"subnet-2": fixtures.thing("subnet", ["blue"]),
		"subnet-3": fixtures.thing("subnet", ["green"]),
	}
	entries := network.deny with input as fixtures.request("X", ["network"], targets)
	{entry.target | some entry in entries} == {"subnet-1", "subnet-2"}
}

test_a_target_without_a_type_is_still_protected if {
	targets := {"x-1": object.remove(fixtures.thing("subnet", ["blue"]), ["type"])}
	rules(network.deny) == {"network/other"} with input as fixtures.request("X", ["network"], targets)
}

test_destinations_are_not_changed if {
	destination := object.union(fixtures.thing("subnet", ["blue"]), {"role": "destination"})
	count(network.deny) == 0 with input as fixtures.request("X", ["network"], {"subnet-1": destination})
}

test_message_and_remediation if {
	entries := network.deny with input as on("subnet", "blue", ["network"])
	some entry in entries
	entry.message == "X would change x-1, a subnet of the live cluster blue (3 of 3 machines running)."
	startswith(entry.remediation, "Make the change in a separate network")
	detached := network.deny with input as on("eni", "blue", ["network"])
	some other in detached
	startswith(other.message, "X would change or detach x-1, a network interface")
}

verbs := {
	"subnet": "change",
	"route-table": "change the routes of",
	"nacl": "change the rules of",
	"eni": "change or detach",
	"instance": "change the network settings of",
	"nat-gateway": "change the network of",
}

test_each_rule_says_what_the_call_would_do if {
	every type, verb in verbs {
		entries := network.deny with input as on(type, "blue", ["network"])
		some entry in entries
		startswith(entry.message, sprintf("X would %s x-1, ", [verb]))
		endswith(entry.message, " of the live cluster blue (3 of 3 machines running).")
	}
}

test_remediation_in_full if {
	entries := network.deny with input as on("subnet", "blue", ["network"])
	[entry.remediation | some entry in entries] == [concat("", [
		"Make the change in a separate network, start the new cluster there, and move the addresses to it. ",
		"This network can be changed once no live cluster uses it.",
	])]
}

test_where_a_route_may_go if {
	every operation, start in {"ReplaceRoute": "From a machine, a route may move", "DeleteRoute": "Make the change in"} {
		asked := fixtures.request(operation, ["network"], {"x-1": fixtures.thing("route-table", ["blue"])})
		entries := network.deny with input as asked
		some entry in entries
		startswith(entry.remediation, start)
	}
}
