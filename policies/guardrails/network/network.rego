# METADATA
# title: The network of a live cluster does not change
# description: >-
#   A subnet, route table, network ACL or interface carries the clusters of the machines that use it. There is one rule
#   per type, so that each can be tried out on its own.
# schemas:
#   - input: schema.input
package guardrails.network

import data.guardrails.lib
import data.guardrails.text

remediation := concat(" ", [
	"Make the change in a separate network, start the new cluster there, and move the addresses to it.",
	"This network can be changed once no live cluster uses it.",
])

# The live targets of a call that changes networks, by type.
touched[kind] contains id if {
	"network" in lib.harmful
	not lib.takes_machines_down
	some id, _ in lib.live_targets
	kind := object.get(lib.targets[id], "type", "other")
}

ruled_types := {"subnet", "route-table", "nacl", "eni", "instance"}

# METADATA
# title: Subnets of the live cluster are not changed
# description: Denies deleting or changing a subnet with machines of a live cluster.
# custom:
#   rule: network/subnet
#   severity: critical
#   remediation: Use a separate subnet for the new cluster.
#   incident: PythonAnywhere, 2023-10-09; Azure DevOps, 2023
#   avoid: aws ec2 modify-subnet-attribute --subnet-id BLUES_SUBNET --no-map-public-ip-on-launch
#   prefer: aws ec2 create-subnet --vpc-id VPC --cidr-block 10.0.8.0/24
deny contains lib.violation("network/subnet", id, text.would("change", id), remediation) if {
	some id in touched.subnet
}

# METADATA
# title: Routes of the live cluster are not changed
# description: >-
#   Denies changing a route table that subnets of a live cluster use. A route through a machine may move to another
#   healthy one of the same cluster (failover).
# custom:
#   rule: network/route-table
#   severity: critical
#   remediation: Give the new cluster's subnets a separate route table.
#   incident: Facebook, 2021-10-04
#   avoid: aws ec2 delete-route --route-table-id BLUES_TABLE --destination-cidr-block 0.0.0.0/0
#   prefer: aws ec2 create-route-table --vpc-id VPC
deny contains lib.violation("network/route-table", id, text.would("change the routes of", id), route_remediation) if {
	some id in touched["route-table"]
}

route_remediation := concat(" ", [
	"From a machine, a route may move to another one of the same cluster that is running and passes its health checks.",
	remediation,
]) if {
	input.call.operation == "ReplaceRoute"
} else := remediation

# METADATA
# title: Network ACLs of the live cluster are not changed
# description: Denies changing a network ACL that subnets of a live cluster use.
# custom:
#   rule: network/acl
#   severity: critical
#   remediation: Give the new cluster's subnets a separate network ACL.
#   incident: Facebook, 2021-10-04
#   avoid: aws ec2 replace-network-acl-association --association-id OF_BLUES_SUBNET --network-acl-id OTHER_ACL
#   prefer: aws ec2 create-network-acl --vpc-id VPC
deny contains lib.violation("network/acl", id, text.would("change the rules of", id), remediation) if {
	some id in touched.nacl
}

# METADATA
# title: Interfaces of the live cluster are not changed
# description: Denies detaching or changing a network interface of a machine of a live cluster.
# custom:
#   rule: network/interface
#   severity: critical
#   remediation: Change the interfaces of machines that are not live.
#   incident: Azure DevOps, 2023
#   avoid: aws ec2 detach-network-interface --attachment-id OF_BLUES_ENI
#   prefer: aws ec2 detach-network-interface --attachment-id OF_GREENS_ENI
deny contains lib.violation("network/interface", id, text.would("change or detach", id), remediation) if {
	some id in touched.eni
}

# METADATA
# title: Network settings of live machines are not changed
# description: Denies changing security groups and other network settings of a machine of a live cluster.
# custom:
#   rule: network/machine
#   severity: high
#   remediation: Change the settings of machines that are not live.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 modify-instance-attribute --instance-id BLUES_MACHINE --groups OTHER_GROUP
#   prefer: aws ec2 modify-instance-attribute --instance-id GREENS_MACHINE --groups OTHER_GROUP
deny contains lib.violation("network/machine", id, text.would("change the network settings of", id), remediation) if {
	some id in touched.instance
}

# METADATA
# title: Nothing else that connects the live cluster is changed
# description: Denies network changes to any other resource that carries a live cluster.
# custom:
#   rule: network/other
#   severity: high
#   remediation: Make the change for the new cluster only.
#   incident: Azure DevOps, 2023
#   avoid: aws ec2 detach-internet-gateway --internet-gateway-id BLUES_GATEWAY --vpc-id BLUES_VPC
#   prefer: aws ec2 create-internet-gateway
deny contains lib.violation("network/other", id, text.would("change the network of", id), remediation) if {
	some kind, ids in touched
	not kind in ruled_types
	some id in ids
}
