package guardrails.capacity_test

import data.guardrails.fixtures_test as fixtures

place := {
	"subnets": ["subnet-1"],
	"zones": ["a"],
	"needed": 8,
	"free": 3,
	"fits": 3,
	"reserved": 0,
	"alternatives": [{"id": "subnet-2", "free": 200, "zone": "a"}, {"id": "subnet-3", "free": 90, "zone": "b"}],
}

launching(changes) := object.union(
	fixtures.request("RunInstances", ["capacity"], {}),
	{"capacity": object.union(
		{"machines": 8, "least": 1, "grows": "green", "places": [], "quotas": [], "unknown": []},
		changes,
	)},
)

at(changes) := launching({"places": [object.union(place, changes)]})

rules(entries) := {entry.rule | some entry in entries}
