package guardrails.live_cluster_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.live_cluster

template(clusters) := object.union(fixtures.thing("launch-template", []), {"facts": {"starts": clusters}})

deleting(operation, clusters) := fixtures.request(operation, ["indirect"], {"lt-1": template(clusters)})

test_what_the_live_cluster_starts_from_is_not_deleted if {
	some entry in live_cluster.deny with input as deleting("DeleteLaunchTemplate", ["green", "blue"])
	entry.rule == "live-cluster/launch-source"
	contains(entry.message, "would delete lt-1, from which Auto Scaling starts machines of the live cluster blue.")
}

test_other_templates_and_new_versions_are_fine if {
	count(live_cluster.deny) == 0 with input as deleting("DeleteLaunchTemplate", ["green"])
	count(live_cluster.deny) == 0 with input as deleting("CreateLaunchTemplateVersion", ["blue"])
	protected := fixtures.request("DeleteLaunchTemplate", ["protection"], {"lt-1": template(["blue"])})
	count(live_cluster.deny) == 0 with input as protected
}
