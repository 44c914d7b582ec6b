"""Run in an environment with aiobotocore: a plan of its clients. Prints the planned calls and their answers."""

from __future__ import annotations

import asyncio
import json
import sys

from aiobotocore.session import get_session

import guardrails


async def main(endpoint: str, machines: list[str]) -> None:
    guardrails.install({"log": {"enabled": False}, "state": {"enabled": False}, "lookup_timeout_s": 60})
    async with get_session().create_client("ec2", endpoint_url=endpoint, region_name="eu-west-1") as ec2:
        with guardrails.plan() as planned:
            gone = await ec2.terminate_instances(InstanceIds=machines)
            await ec2.get_waiter("instance_terminated").wait(InstanceIds=machines)
            try:
                await ec2.generate_presigned_url("terminate_instances", {"InstanceIds": machines})
            except guardrails.NotSentInPlan as error:
                refused = str(error)
        await ec2.describe_instances(InstanceIds=machines)
    state = gone["TerminatingInstances"][0]["CurrentState"]["Name"]
    print(json.dumps([[each.operation for each in planned.plan.entries], state, refused]))


asyncio.run(main(sys.argv[1], sys.argv[2:]))
