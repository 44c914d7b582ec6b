"""Add a listener with aiobotocore, then stop a machine behind it. Run ``aio_listener.py BALANCER GROUP LIVE MACHINE``.

Before, it tries to stop a machine that is live. Prints ``denied`` for each that was not stopped.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiobotocore.session import get_session

import guardrails

BALANCER, GROUP, LIVE, MACHINE = sys.argv[1:]


async def stop(ec2: Any, machine: str) -> None:
    try:
        await ec2.stop_instances(InstanceIds=[machine])
    except guardrails.CallDenied:
        print("denied")


async def main() -> None:
    guardrails.install({"max_fact_age_s": 60, "pacing": {"enabled": False}, "log": {"enabled": False}})
    async with get_session().create_client("ec2") as ec2, get_session().create_client("elbv2") as elbv2:
        # What it looked at for a denied call is kept for a minute.
        await stop(ec2, LIVE)
        forward = [{"Type": "forward", "TargetGroupArn": GROUP}]
        await elbv2.create_listener(LoadBalancerArn=BALANCER, Protocol="HTTP", Port=443, DefaultActions=forward)
        await stop(ec2, MACHINE)


asyncio.run(main())
