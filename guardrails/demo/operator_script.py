"""A script for blue/green deploys, in plain boto3; it does not know that there is a guard.

deploy --start green --subnet subnet-1 --count 6    start machines, one by one; --at-once: in one call
deploy --start green ... --register                 and register them with the target group green
deploy --cutover blue green                         move the public addresses of blue to green
deploy --weights blue=90,green=10 green=100         share the load balancer's users by weights, in these steps
deploy --cluster green --terminate                  terminate a cluster
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError


def machines_of(ec2: Any, cluster: str) -> list[str]:
    """The ids of a cluster's pending and running machines."""
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[
            {"Name": "tag:Cluster", "Values": [cluster]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]
    )
    return [
        machine["InstanceId"]
        for page in pages
        for reservation in page["Reservations"]
        for machine in reservation["Instances"]
    ]


def terminate(ec2: Any, cluster: str) -> int:
    """Terminate every machine of a cluster."""
    machines = machines_of(ec2, cluster)
    if not machines:
        sys.stderr.write(f"{cluster} has no running machines\n")
        return 1
    ec2.terminate_instances(InstanceIds=machines)
    sys.stdout.write(f"terminated {len(machines)} machines of {cluster}\n")
    return 0


def start(ec2: Any, cluster: str, subnet: str, batches: list[int]) -> int:
    """Start machines with one call per batch; go on if one fails."""
    started, count = 0, sum(batches)
    for number, batch in enumerate(batches, 1):
        try:
            response = ec2.run_instances(
                ImageId="ami-12345678",
                InstanceType="t3.small",
                MinCount=1,
                MaxCount=batch,
                SubnetId=subnet,
                TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": cluster}]}],
            )
            started += len(response["Instances"])
        except ClientError as error:
            sys.stderr.write(f"call {number} for {cluster}: {error}\n")
    sys.stdout.write(f"started {started} of {count} machines of {cluster}\n")
    return 0 if started == count else 1


def cut_over(ec2: Any, old: str, new: str) -> int:
    """Move every public address of the old cluster to a machine of the new one."""
    holders = machines_of(ec2, old)
    addresses = [address for address in ec2.describe_addresses()["Addresses"] if address.get("InstanceId") in holders]
    destinations = machines_of(ec2, new)
    if not addresses or len(destinations) < len(addresses):
        sys.stderr.write(f"{old} has {len(addresses)} addresses, {new} has {len(destinations)} machines to take them\n")
        return 1
    for address, machine in zip(addresses, destinations, strict=False):
        ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=machine, AllowReassociation=True)
    sys.stdout.write(f"moved {len(addresses)} addresses from {old} to {new}\n")
    return 0


def register(elbv2: Any, cluster: str, machines: list[str]) -> int:
    """Register machines with the target group of their cluster."""
    (group,) = elbv2.describe_target_groups(Names=[cluster])["TargetGroups"]
    elbv2.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": machine} for machine in machines])
    sys.stdout.write(f"registered {len(machines)} machines with target group {cluster}\n")
    return 0


def share(elbv2: Any, steps: list[dict[str, int]]) -> int:
    """Give the target groups of the load balancer these weights, one step after the other."""
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    groups = {
        group["TargetGroupName"]: group["TargetGroupArn"] for group in elbv2.describe_target_groups()["TargetGroups"]
    }
    for weights in steps:
        shares = [{"TargetGroupArn": arn, "Weight": weights.get(name, 0)} for name, arn in groups.items()]
        forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}]
        elbv2.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=forward)
        sys.stdout.write(f"{balancer['LoadBalancerName']} shares its users: {weights}\n")
    return 0


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="deploy")
    parser.add_argument("--start", metavar="CLUSTER")
    parser.add_argument("--subnet")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--at-once", action="store_true")
    parser.add_argument("--cutover", nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--register", action="store_true")
    parser.add_argument("--weights", nargs="+", metavar="CLUSTER=WEIGHT,…")
    parser.add_argument("--cluster")
    parser.add_argument("--terminate", action="store_true")
    options = parser.parse_args()
    if not (options.start or options.cutover or options.weights or (options.cluster and options.terminate)):
        parser.error("nothing to do: --start, --cutover, --weights, or --cluster with --terminate")
    ec2 = boto3.client("ec2")
    if options.start:
        batches = [options.count] if options.at_once else [1] * options.count
        code = start(ec2, options.start, options.subnet, batches)
        if options.register:
            code |= register(boto3.client("elbv2"), options.start, machines_of(ec2, options.start))
        return code
    if options.cutover:
        return cut_over(ec2, *options.cutover)
    if options.weights:
        steps = [dict(pair.split("=") for pair in step.split(",")) for step in options.weights]
        numbers = [{name: int(weight) for name, weight in step.items()} for step in steps]
        return share(boto3.client("elbv2"), numbers)
    return terminate(ec2, options.cluster)


if __name__ == "__main__":
    sys.exit(main())
