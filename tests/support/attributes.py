"""What EC2 answers about the attributes of a machine."""

from __future__ import annotations


def protected(machine: str) -> str:
    """The answer to DescribeInstanceAttribute for a machine with termination protection."""
    return (
        f"<DescribeInstanceAttributeResponse><instanceId>{machine}</instanceId><disableApiTermination><value>true</value>"
        "</disableApiTermination></DescribeInstanceAttributeResponse>"
    )
