package guardrails.protection_test

import data.guardrails.fixtures_test as fixtures

# A machine of the live cluster eks/prod without a cluster tag.
node(tags) := object.union(object.remove(fixtures.machine("eks/prod"), ["tags"]), {"tags": tags})

by_kubernetes := {"kubernetes.io/cluster/prod": "owned", "Name": "node"}

with_live_nodes(target, change) := object.union(tagging(target, change), {
	"live": {"known": true, "disputed": false, "clusters": ["eks/prod"], "sources": [fixtures.source("target-group", ["eks/prod"])]},
	"clusters": {"eks/prod": object.union(fixtures.cluster(true, 3, 3), {"kind": "eks"})},
})

test_tags_that_show_the_live_cluster_stay if {
	every key, value in {
		"kubernetes.io/cluster/prod": "owned",
		"eks:cluster-name": "prod",
		"alpha.eksctl.io/cluster-name": "prod",
		"elasticbeanstalk:environment-name": "prod",
	} {
		target := node({key: value, "Name": "node"})
		denied(with_live_nodes(target, {"removed": [key]})) == retag
		denied(with_live_nodes(target, {"removes_all": true})) == retag
		denied(with_live_nodes(target, {"set": {key: "other"}})) == retag
		count(denied(with_live_nodes(target, {"set": {key: value}}))) == 0
		count(denied(with_live_nodes(target, {"removed": ["Name"]}))) == 0
		count(denied(with_live_nodes(target, {"set": {"Name": "other", "Disk": "owned"}}))) == 0
	}
}

test_a_live_node_joins_no_other_cluster if {
	joined := {"kubernetes.io/cluster/dev": "owned"}
	denied(with_live_nodes(node({}), {"set": joined})) == retag
	denied(with_live_nodes(node({}), {"set": {"eks:cluster-name": "dev"}})) == retag
	count(denied(with_live_nodes(node(by_kubernetes), {"set": {"eks:cluster-name": "prod"}}))) == 0
	count(denied(with_live_nodes(node(by_kubernetes), {"set": {"kubernetes.io/cluster/dev": "shared"}}))) == 0
	count(denied(with_live_nodes(node({"eks:cluster-name": "prod"}), {"set": by_kubernetes}))) == 0
}

test_tags_of_other_nodes_may_change if {
	other := object.union(object.remove(node(by_kubernetes), ["clusters"]), {"clusters": ["eks/dev"]})
	count(denied(with_live_nodes(other, {"removed": ["kubernetes.io/cluster/prod"]}))) == 0
	count(denied(with_live_nodes(other, {"set": {"eks:cluster-name": "x"}}))) == 0
}

test_a_cluster_tag_counts_before_them if {
	tagged := node(object.union(by_kubernetes, {"Cluster": "prod"}))
	count(denied(with_live_nodes(tagged, {"removed": ["kubernetes.io/cluster/prod"]}))) == 0
	empty := node(object.union(by_kubernetes, {"Cluster": ""}))
	denied(with_live_nodes(empty, {"removed": ["kubernetes.io/cluster/prod"]})) == retag
}

test_on_what_is_no_machine_they_say_less if {
	subnet := object.union(fixtures.thing("subnet", ["eks/prod"]), {"tags": by_kubernetes})
	count(denied(with_live_nodes(subnet, {"removed": ["kubernetes.io/cluster/prod"]}))) == 0
}

test_a_machine_that_was_not_found_keeps_them if {
	missing := object.union(node({}), {"resolved": false})
	denied(with_live_nodes(missing, {"removed": ["eks:cluster-name"]})) == retag
}

test_a_tag_that_is_not_there_can_be_removed if {
	count(denied(with_live_nodes(node(by_kubernetes), {"removed": ["eks:cluster-name"]}))) == 0
}

test_the_live_tag_does_not_take_them_along if {
	moved := object.union(object.remove(node(by_kubernetes), ["clusters", "tags"]), {
		"clusters": ["blue"],
		"tags": object.union(by_kubernetes, {"Live": "true"}),
	})
	seen := [fixtures.source("target-group", ["eks/prod"]), fixtures.source("tag", ["blue"])]
	both := object.union(with_live_nodes(moved, {"removed": ["Live"]}), {"live": {
		"known": true,
		"disputed": true,
		"clusters": ["blue", "eks/prod"],
		"sources": seen,
	}})
	count(denied(both)) == 0
	denied(object.union(both, {"call": {"tags": {"removed": ["Live", "kubernetes.io/cluster/prod"]}}})) == retag
}
