"""Governed calls that are allowed: the same except for the guard's own look-ups."""

from __future__ import annotations

from tests.transparency.registry import LAUNCH, MACHINES, NETWORK, PROTECTED, QUOTA, TAKEN, case


def governed(title, *looks_up, decisions=1, **how):
    return case(title, protocol="governed", decisions=decisions, looks_up=looks_up, **how)


@governed("terminate machines that are not live", *TAKEN, *PROTECTED)
def terminate(t):
    ids = t.world["green"]
    ec2 = t.client("ec2")
    return [ec2.terminate_instances(InstanceIds=ids), ec2.describe_instances(InstanceIds=ids)]


@governed("terminate with a client from before the guard, and wait", *TAKEN, *PROTECTED, early="ec2")
def terminate_early(t):
    t.early.terminate_instances(InstanceIds=t.world["green"])
    t.early.get_waiter("instance_terminated").wait(InstanceIds=t.world["green"])


@governed("terminate by a resource and by a collection", *TAKEN, *TAKEN, decisions=2)
def terminate_resource(t):
    ec2 = t.resource("ec2")
    first, second = t.world["green"]
    return [ec2.Instance(first).terminate(), ec2.instances.filter(InstanceIds=[second]).terminate()]


@governed("stop, and start again", *TAKEN, *LAUNCH, "DescribeInstanceTypes", QUOTA, decisions=2)
def stop_and_start(t):
    ec2, ids = t.client("ec2"), t.world["green"]
    stopped = ec2.stop_instances(InstanceIds=ids)
    ec2.get_waiter("instance_stopped").wait(InstanceIds=ids)
    return [stopped, ec2.start_instances(InstanceIds=ids)]


@governed("a rehearsal on a live machine", raises="ClientError")
def dry_run(t):
    t.client("ec2").terminate_instances(InstanceIds=t.world["blue"], DryRun=True)


@governed("take an address, and release it while it is on no machine", *LAUNCH, QUOTA, *MACHINES, decisions=2)
def release(t):
    ec2 = t.client("ec2")
    t.world["blue"]
    return ec2.release_address(AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"])


@governed("delete a subnet without live machines", *MACHINES, *NETWORK)
def delete_subnet(t):
    ec2 = t.client("ec2")
    t.world["blue"]
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    return ec2.delete_subnet(SubnetId=ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.1.0/24")["Subnet"]["SubnetId"])


@governed("throttled: decided once, sent as often as without", *TAKEN, inside=False)
def throttled(t):
    ids = t.world["green"]
    t.control.fault("StopInstances", 503, "RequestLimitExceeded", "slower", 2)
    return t.client("ec2", retries={"mode": "standard", "total_max_attempts": 4}).stop_instances(InstanceIds=ids)


@governed("refused by AWS", *TAKEN, *PROTECTED, inside=False, raises="ClientError")
def refused(t):
    ids = t.world["green"]
    t.control.fault("TerminateInstances", 403, "UnauthorizedOperation", "you may not")
    t.client("ec2").terminate_instances(InstanceIds=ids)


@governed("with a user agent of the script's own, and a handler that adds a header", *TAKEN)
def own_headers(t):
    ids = t.world["green"]
    ec2 = t.client("ec2", user_agent="mine/1")
    ec2.meta.events.register("before-sign.ec2", lambda request, **_: request.headers.add_header("X-Own", "1"))
    return ec2.reboot_instances(InstanceIds=ids)
