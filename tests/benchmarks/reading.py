"""What it costs the guard to read a machine, beside botocore's own client: ``python -m tests.benchmarks.reading``.

Both ask the stand-in (stand_in.py) for all machines of an account, page by page, and take turns. The figures are this
process's processor time for a machine, from the request to the parsed answer. The guard's connection is new in each
round, so that it has read none of the machines before; how long it takes for a page that it has read stands beside it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import boto3
import botocore.session
from attrs import evolve
from botocore.credentials import Credentials

from guardrails.resolve.connection import Connection
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.own_requests import OwnRequests
from guardrails.values import Answer, Lookup, Origin
from tests.benchmarks import stand_in
from tests.benchmarks.row import Row

_GOAL_MS, _GOAL_SHARE = 0.4, 1 / 3
_FIRST_PAGE = evolve(INSTANCES, first_page=True)


def _cpu_ms(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return (time.process_time() - started) * 1000


def _expect(connection: Connection, lookup: Lookup, machines: int) -> None:
    answer = connection.ask(lookup)
    assert isinstance(answer, Answer), answer
    assert len(answer.items) == machines


def rows(*, quick: bool = False, machines: int = 2000, rounds: int = 5) -> Iterator[Row]:
    """One row."""
    if quick:
        machines, rounds = 20, 1
    with stand_in.account(machines) as address:
        client = boto3.client(
            "ec2", "eu-west-1", endpoint_url=address, aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        origin = Origin(Credentials("testing", "testing"), "eu-west-1", "ec2", address)
        loader = botocore.session.Session().get_component("data_loader")
        page = min(machines, stand_in.PAGE)

        def ours() -> tuple[float, float]:
            connection = Connection(origin, 60.0, loader, OwnRequests(None))
            # This makes the client.
            connection.ask(ADDRESSES)
            first = _cpu_ms(lambda: _expect(connection, INSTANCES, machines))
            _expect(connection, _FIRST_PAGE, page)
            return first / machines, _cpu_ms(lambda: _expect(connection, _FIRST_PAGE, page)) / page

        def botocores() -> None:
            pages = client.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 1000})
            assert sum(len(page["Reservations"]) for page in pages) == machines

        # In the first round botocore reads its models.
        took = [(*ours(), _cpu_ms(botocores) / machines) for _ in range(rounds + 1)][1:]
    own, again, its = (statistics.median(each) for each in zip(*took, strict=True))
    share = statistics.median(mine / theirs for mine, _, theirs in took)
    yield Row(
        what="read one machine",
        figure=f"{share:.2f} of botocore's own client",
        cpu=f"{own:.2f} ms, {again:.3f} ms where it is as before; botocore {its:.2f} ms",
        requests=f"1 for {stand_in.PAGE:,} machines",
        goal=f"at most {_GOAL_MS} ms, or a third of botocore",
        met=own <= _GOAL_MS or share <= _GOAL_SHARE,
        command="python -m tests.benchmarks.reading",
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--machines", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    for row in rows(machines=given.machines, rounds=given.rounds):
        print(row.line)


if __name__ == "__main__":
    main()
