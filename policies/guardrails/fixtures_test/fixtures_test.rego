# Inputs for the tests: blue is live with three machines, green is complete and not live.
package guardrails.fixtures_test

machine(cluster) := {
	"type": "instance",
	"role": "target",
	"resolved": true,
	"clusters": [cluster],
	"tags": {"Cluster": cluster},
	"state": "running",
	"vpc": "vpc-1",
	"subnet": "subnet-1",
	"private_ips": ["10.0.0.4"],
	"public_ips": [],
	"protections": {},
	"facts": {"elastic_ips": []},
}

untagged := object.union(machine("x"), {"clusters": [], "tags": {}})

unresolved := object.union(machine("x"), {"resolved": false, "clusters": [], "tags": {}, "state": null})

thing(type, clusters) := {
	"type": type,
	"role": "target",
	"resolved": true,
	"clusters": clusters,
	"tags": {},
	"state": null,
	"vpc": "vpc-1",
	"subnet": null,
	"private_ips": [],
	"public_ips": [],
	"protections": {},
	"facts": {},
}

cluster(live, running, total) := {
	"live": live,
	"running": running,
	"total": total,
	"targeted": 0,
	"remaining": running,
	"in_flight": 0,
	"public_ips": [],
	"subnets": ["subnet-1"],
	"live_since": null,
	"retired_at": null,
	"healthy": true,
}

source(name, clusters) := {
	"name": name,
	"clusters": clusters,
	"observed_at": "2023-10-09T15:22:00Z",
	"age_s": 0.1,
	"evidence": "as seen in the test",
}

# An input for one call; tests vary `effects` and `targets`.
request(operation, effects, targets) := {
	"schema": 1,
	"call": {
		"service": "ec2",
		"operation": operation,
		"effects": effects,
		"severity": "critical",
		"forms": [],
		"params": {},
		"tags": null,
		"dry_run": false,
		"presigned": false,
		"region": "eu-west-1",
		"account": null,
		"endpoint": "",
		"real": false,
	},
	"targets": targets,
	"clusters": {"blue": cluster(true, 3, 3), "green": cluster(false, 3, 3)},
	"live": {"known": true, "disputed": false, "clusters": ["blue"], "sources": [source("eip", ["blue"])]},
	"caller": {
		"principal": null,
		"os_user": "op",
		"host": "h",
		"program": "p",
		"interactive": false,
		"notebook": false,
		"pid": 1,
		"test_run": false,
	},
	"history": {"destroyed": {}, "stopped": {}, "out": {}, "launched": {}, "call_rate": 0, "launch_tokens": null},
	"capacity": null,
	"approvals": [],
	"break_glass": null,
	"time": "2023-10-09T15:22:00Z",
	"now_s": 1696864920,
}
