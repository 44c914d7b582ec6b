"""The ways of aiobotocore and aioboto3; see cases.py."""

from __future__ import annotations

import asyncio
import sys
import time

from tests.bypass.cases import BLUE, FORM, GREEN, _request, fetch, guard, into, report

CASES = {}
TITLES = {}


def case(title):
    def register(function):
        CASES[function.__name__] = function
        TITLES[function.__name__] = title
        return function

    return register


def client(**options):
    from aiobotocore.session import get_session

    return get_session().create_client("ec2", **options)


@case("aiobotocore: client method")
async def aio_client():
    guard()
    async with client() as ec2:
        await ec2.terminate_instances(InstanceIds=[BLUE])


@case("aiobotocore: client that existed before install")
async def aio_old_client():
    async with client() as ec2:
        guard()
        await ec2.terminate_instances(InstanceIds=[BLUE])


@case("aiobotocore: httpx instead of aiohttp")
async def aio_httpx():
    from aiobotocore.config import AioConfig
    from aiobotocore.httpxsession import HttpxSession

    guard()
    async with client(config=AioConfig(http_session_cls=HttpxSession)) as ec2:
        await ec2.terminate_instances(InstanceIds=[BLUE])


@case("aiobotocore: presigned URL")
async def aio_presigned():
    guard()
    async with client() as ec2:
        fetch(await ec2.generate_presigned_url("terminate_instances", Params={"InstanceIds": [BLUE]}))


@case("aiobotocore: `_endpoint.make_request`")
async def aio_endpoint():
    guard()
    async with client() as ec2:
        made = _request(ec2)
        await ec2._endpoint.make_request(made[0], made[1])


@case("aiobotocore: handlers unregistered")
async def aio_unregistered():
    guard()
    async with client() as ec2:
        await ec2.describe_instances()
        for identity in list(ec2.meta.events._emitter._unique_id_handlers):
            ec2.meta.events.unregister("before-call", unique_id=identity)
        await ec2.terminate_instances(InstanceIds=[BLUE])


async def _change(event, change):
    guard()
    async with client() as ec2:
        await ec2.describe_instances()
        ec2.meta.events.register_last(event, change)
        await ec2.terminate_instances(InstanceIds=[GREEN])


@case("aiobotocore: request changed in a `before-send` handler")
async def aio_changed():
    await _change("before-send", into(bytes.decode))


@case("aiobotocore: request changed into a file in a `before-send` handler")
async def aio_changed_into_a_file():
    from io import BytesIO

    await _change("before-send", into(BytesIO))


@case("aiobotocore: request changed in a `before-sign` handler")
async def aio_changed_before_sign():
    def change(request, **_):
        request.data = dict(FORM)

    await _change("before-sign", change)


@case("aioboto3: resource action")
async def aio_resource():
    import aioboto3

    guard()
    async with aioboto3.Session().resource("ec2") as ec2:
        machine = await ec2.Instance(BLUE)
        await machine.terminate()


# Not a bypass: what must keep working.
async def aio_allowed():
    guard()
    async with client() as ec2:
        await ec2.describe_instances()
        await ec2.terminate_instances(InstanceIds=[GREEN])


# Not a bypass: what the loop does while a decision waits for its look-ups.
async def loop_goes_on():
    guard()
    longest = 0.0

    async def tick():
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - before)

    async with client() as ec2:
        await ec2.describe_regions()
        ticking = asyncio.create_task(tick())
        started = time.perf_counter()
        try:
            await ec2.terminate_instances(InstanceIds=[BLUE])
        except Exception as error:
            print(type(error).__name__, time.perf_counter() - started, longest)
        ticking.cancel()


if __name__ == "__main__":
    name = sys.argv[1]
    report(lambda: asyncio.run(CASES[name]() if name in CASES else globals()[name]()))
