"""Makes the calls whose decisions state.py counts, with the guardrails on PYTHONPATH: this checkout or another one.

Prints how many were decided in a second, and the processor time of each in ms.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any

import boto3

import guardrails


def _connect_anew() -> None:
    """Let each transaction open a connection of its own, and close it at the next one."""
    from guardrails.memory.sqlite.connection import Connection

    kept = Connection.get

    def get(connection: Connection, timeout_s: float) -> Any:
        connection.close()
        return kept(connection, timeout_s)

    Connection.get = get  # type: ignore[method-assign]


def work(address: str, folder: str, calls: int, threads: int, machine: str) -> None:
    """Terminate the machine so many times in each thread, and print the figures."""
    guardrails.install({"log": {"path": f"{folder}/log"}, "pacing": {"enabled": False}})
    clients = [
        boto3.client(
            "ec2", "eu-west-1", endpoint_url=address, aws_access_key_id=f"testing{number}", aws_secret_access_key="x"
        )
        for number in range(threads)
    ]

    def call(client: Any) -> None:
        for _ in range(calls):
            with contextlib.suppress(guardrails.CallDenied):
                client.terminate_instances(InstanceIds=[machine])

    if calls:
        # Connections are opened by a call that is not counted.
        clients[0].describe_addresses()
    began, started = time.perf_counter(), time.process_time()
    workers = [threading.Thread(target=call, args=(client,)) for client in clients]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    made = max(1, calls * threads)
    print(made / (time.perf_counter() - began), (time.process_time() - started) / made * 1000)


if __name__ == "__main__":
    address, folder, calls, threads, machine, anew = sys.argv[1:]
    if int(anew):
        _connect_anew()
    work(address, folder, int(calls), int(threads), machine)
