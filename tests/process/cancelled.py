"""Cancel a call of aiobotocore at one moment, then make another one. Run ``cancelled.py MOMENT CONFIG ID ID ID ID``.

Terminates the first two machines and the last two, and prints ``arrived`` or the rules for the second call.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path

import aiobotocore.httpsession
from aiobotocore.session import get_session

import guardrails
from guardrails.pipeline import Pipeline

MOMENT, CONFIG, IDS = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
reached = threading.Event()
go_on = threading.Event()


def hang_while_deciding():
    """The decision stops at the policies until the task has been cancelled."""
    evaluate = Pipeline._evaluate

    def slow(*arguments):
        Pipeline._evaluate = evaluate
        reached.set()
        go_on.wait(20)
        return evaluate(*arguments)

    Pipeline._evaluate = slow


async def hang_before_sending(**_):
    """A handler of the script's own, after the decision."""
    reached.set()
    await asyncio.sleep(20)


def hang_in_flight():
    """The server has the request, and its answer does not come."""
    send = aiobotocore.httpsession.AIOHTTPSession.send

    async def slow(session, request):
        response = await send(session, request)
        if "TerminateInstances" in str(request.body):
            aiobotocore.httpsession.AIOHTTPSession.send = send
            reached.set()
            await asyncio.sleep(20)
        return response

    aiobotocore.httpsession.AIOHTTPSession.send = slow


def wait_for_the_log():
    """Until it says that the call was not sent."""
    log, until = Path(CONFIG["log"]["path"]), time.monotonic() + 20
    while (
        MOMENT != "in flight"
        and "not-sent" not in (log.read_text() if log.exists() else "")
        and time.monotonic() < until
    ):
        time.sleep(0.05)


async def main():
    """Cancel the first call, make the second."""
    if MOMENT == "in flight":
        hang_in_flight()
    guardrails.install(CONFIG)
    async with get_session().create_client("ec2") as ec2:
        if MOMENT == "deciding":
            hang_while_deciding()
        if MOMENT == "before sending":
            ec2.meta.events.register_last("before-sign.ec2.TerminateInstances", hang_before_sending, "hang")
        task = asyncio.create_task(ec2.terminate_instances(InstanceIds=IDS[:2]))
        await asyncio.to_thread(reached.wait, 20)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError), outcome
        go_on.set()
        ec2.meta.events.unregister("before-sign.ec2.TerminateInstances", unique_id="hang")
        await asyncio.to_thread(wait_for_the_log)
        try:
            await ec2.terminate_instances(InstanceIds=IDS[2:])
        except guardrails.CallDenied as error:
            print(*{violation.rule for violation in error.decision.violations})
        else:
            print("arrived")


asyncio.run(main())
