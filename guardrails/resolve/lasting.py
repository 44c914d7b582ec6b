"""Which answers stay good after a call that was sent: those about what it cannot have changed.

A script that deletes a hundred snapshots would otherwise ask for all machines a hundred times, and AWS takes only some
look-ups a second. They are asked again once they are older than `max_fact_age_s`.
"""

from __future__ import annotations

from guardrails.values import Call

_BALANCERS = frozenset(
    ("elbv2:DescribeTargetGroups", "elbv2:DescribeTargetHealth", "elbv2:DescribeLoadBalancers",
     "elbv2:DescribeListeners", "elbv2:DescribeRules", "elb:DescribeLoadBalancers", "elb:DescribeInstanceHealth")
)  # fmt: skip
# Machines, addresses, and what is behind load balancers.
_MACHINES = _BALANCERS | {"ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeAddresses"}
# No call to these services starts, stops or moves a machine, or changes what is behind a load balancer.
_ELSEWHERE = frozenset(
    ("dynamodb", "ecr", "elasticache", "elasticfilesystem", "events", "fsx", "iam", "kinesis", "kms", "logs",
     "monitoring", "rds", "redshift", "route53", "s3", "secretsmanager", "sns", "sqs")
)  # fmt: skip
# Nor does a call of EC2 about nothing but these.
_KINDS = frozenset(("ami", "snapshot"))
# Calls to these services may add what serves in a form that is not governed: Cloud Control creates listeners.
_ADDING = frozenset(
    ("autoscaling", "cloudcontrolapi", "cloudformation", "codedeploy", "ecs", "elb", "elbv2", "globalaccelerator",
     "states")
)  # fmt: skip


def lasting(call: Call | None) -> frozenset[str]:
    """The look-ups (``service:Operation``) whose answers a call does not change; none for an unknown call."""
    if call is None:
        return frozenset()
    about_kinds = call.service == "ec2" and call.targets and {target.type for target in call.targets} <= _KINDS
    return _MACHINES if call.service in _ELSEWHERE or about_kinds else frozenset()


def spare(call: Call | None) -> frozenset[str]:
    """The look-ups whose answers are used again after a call where AWS's limits do not allow to ask anew at once.

    A call of EC2 puts nothing behind a load balancer: what machines are behind one then, machines and addresses show.
    """
    return _BALANCERS if call is not None and call.service == "ec2" else frozenset()


def adds(call: Call) -> bool:
    """Whether a call that is not governed in its form may add something that serves."""
    return call.service in _ADDING
