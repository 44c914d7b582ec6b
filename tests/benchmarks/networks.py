"""What changes of networks cost in a large region: requests, round trips, and whether they are decided in time.

    python -m tests.benchmarks.networks [--machines N ...] [--delay-ms N] [--calls N]

Calls on subnets, routes and gateways, with the default settings but for pacing, at the stand-in of accounts.py: each
machine has an interface, 250 are in a subnet, and 6 subnets in a VPC with a NAT gateway. The same call is made on a
network without a live machine, where it has to be sent, and on that of the live machine, where it has to be denied.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from tests.benchmarks import stand_in
from tests.benchmarks.accounts import calls, guarded
from tests.benchmarks.row import Row
from tests.benchmarks.stand_in_machines import interface_id, place_of

_COMMAND = "python -m tests.benchmarks.networks"
_KEYS = {"region_name": "eu-west-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def changes(machine: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Calls, as a client's methods and their parameters, on the networks that this machine is in."""
    subnet, vpc, _ = place_of(machine)
    table, other = f"rtb-{subnet[7:]}", f"rtb-{vpc[4:]}"
    yield "modify_subnet_attribute", {"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": True}}
    yield "delete_subnet", {"SubnetId": subnet}
    yield "replace_route_table_association", {"AssociationId": f"rtbassoc-{table[4:]}", "RouteTableId": other}
    yield "delete_network_interface", {"NetworkInterfaceId": interface_id(machine)}
    yield "delete_nat_gateway", {"NatGatewayId": f"nat-{vpc[4:]}"}


def rows(
    *, quick: bool = False, machines: Iterable[int] = (10_000,), delay_s: float = 0.05, count: int = 3
) -> Iterator[Row]:
    """A row for each call and account."""
    if quick:
        machines, delay_s, count = (50,), 0.0, 1
    for size in machines:
        with stand_in.account(size) as address, tempfile.TemporaryDirectory() as folder:
            client = boto3.client("ec2", endpoint_url=address, **_KEYS)
            live, other = dict(changes(0)), dict(changes(size - 1))
            for method in [*live][:1] if quick else live:
                yield _row(client, method, live[method], other[method], address, delay_s, count, Path(folder), size)


def _row(
    client: Any,
    method: str,
    live: Mapping[str, Any],
    other: Mapping[str, Any],
    address: str,
    delay_s: float,
    count: int,
    folder: Path,
    size: int,
) -> Row:
    send = getattr(client, method)
    bare = calls(partial(send, **other), address, count, delay_s)
    made = guarded(partial(send, **other), address, delay_s, count, folder)
    harmful = guarded(partial(send, **live), address, delay_s, 0, folder)
    return Row(
        what=f"{method} among {size:,} machines: {made.outcome}; of the live cluster: {harmful.outcome}",
        figure=f"{made.delayed_s / bare.wall_s:.1f} x the bare call's time at {delay_s * 1000:.0f} ms",
        cpu=f"{made.cpu_s / bare.cpu_s:.0f} x bare",
        requests=(
            f"{made.requests:.0f} in {made.trips:.0f} trips, the first of a process {made.first_requests:.0f} in "
            f"{made.first_trips:.0f}, the first ever {made.ever_requests:.0f} in {made.ever_trips:.0f}; bare 1"
        ),
        goal="sent, and denied for the live cluster",
        met=made.outcome == "sent" and harmful.outcome.startswith("denied"),
        command=f"{_COMMAND} --machines {size}",
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--machines", type=int, nargs="+", default=[10_000])
    options.add_argument("--delay-ms", type=float, default=50)
    options.add_argument("--calls", type=int, default=3)
    given = options.parse_args()
    for row in rows(machines=given.machines, delay_s=given.delay_ms / 1000, count=given.calls):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
