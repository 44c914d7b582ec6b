"""What a decision asks where a region has many load balancers, and whether it is made, under AWS's own limits.

    python -m tests.benchmarks.balancers [--balancers N ...] [--calls N]

The simulated AWS answers what reads load balancers from one bucket, as AWS documents: 40 requests at once, then 10 a
second. All balancers lead to the machines of one cluster, or each to a cluster of its own. Machines of a cluster behind
none are terminated one after another, and a machine of a live cluster is named at the end. Where the default settings
deny all of that, a further row takes each step that the denial names.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define, field

import guardrails
from guardrails.testing import SimulatedAWS
from guardrails.testing.throttle import Throttle
from tests.benchmarks.row import Row

_COMMAND = "python -m tests.benchmarks.balancers"
_READS = ("DescribeTargetGroups", "DescribeLoadBalancers", "DescribeListeners", "DescribeRules", "DescribeTargetHealth")
# So many listeners are named where the denial says to name them.
_NAMED = 10


@define
class _Region:
    """`number` balancers, each with one listener and one target group."""

    aws: SimulatedAWS
    number: int
    alike: bool
    listeners: list[str] = field(factory=list)
    live: tuple[str, ...] = ()
    idle: list[str] = field(factory=list)

    def build(self) -> _Region:
        aws, elbv2 = self.aws, self.aws.client("elbv2")
        self.live = aws.start_cluster("blue", 3, addresses=1).instance_ids
        self.idle = [*aws.start_cluster("green", 10).instance_ids]
        owners = () if self.alike else range(self.number)
        behind = tuple(aws.start_cluster(f"own{each}", 1).instance_ids[0] for each in owners)
        subnets = aws.client("ec2").describe_subnets()["Subnets"][:2]
        for each in range(self.number):
            made = elbv2.create_load_balancer(Name=f"lb{each}", Subnets=[subnet["SubnetId"] for subnet in subnets])
            arn = made["LoadBalancers"][0]["LoadBalancerArn"]
            group = elbv2.create_target_group(Name=f"t{each}", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])
            target = group["TargetGroups"][0]["TargetGroupArn"]
            machine = behind[each] if behind else self.live[each % 3]
            elbv2.register_targets(TargetGroupArn=target, Targets=[{"Id": machine}])
            actions = [{"Type": "forward", "TargetGroupArn": target}]
            made = elbv2.create_listener(LoadBalancerArn=arn, Port=80, Protocol="HTTP", DefaultActions=actions)
            self.listeners.append(made["Listeners"][0]["ListenerArn"])
        self.live = behind or self.live
        return self

    def terminate(self, machine: str) -> tuple[str, int, float]:
        """Sent or the rule that denied it, the requests about load balancers, and the seconds it took."""
        client, began = self.aws.client("ec2"), time.monotonic()
        self.aws.clear()
        outcome = "sent"
        try:
            client.terminate_instances(InstanceIds=[machine])
        except guardrails.CallDenied as error:
            unavailable = re.search(r"failed with (\w+)", str(error)) if error.decision.unavailable else None
            outcome = unavailable[1] if unavailable else ", ".join({each.rule for each in error.decision.violations})
        assert self.aws.count("TerminateInstances") == (outcome == "sent")
        return outcome, self.aws.count(*_READS), time.monotonic() - began


def _row(region: _Region, step: str, settings: Mapping[str, Any], folder: Path, calls: int) -> Row:
    bucket = Throttle(40, 10)
    # The same one for all.
    for operation in _READS:
        region.aws._up.door.set_throttle(operation, bucket)
    region.aws.delay(0.03)
    idle = [region.idle.pop() for _ in range(calls)]
    guardrails.install({"log": {"path": str(folder / "log.jsonl")}, **settings})
    try:
        made = [region.terminate(machine) for machine in idle]
        harmful = region.terminate(region.live[0])
    finally:
        guardrails.uninstall()
        region.aws.repair()
    outcomes = {outcome for outcome, *_ in made}
    there = "that lead to one cluster" if region.alike else "with a cluster each"
    return Row(
        what=f"{region.number} balancers {there}, {step}: {', '.join(sorted(outcomes))}; live: {harmful[0]}",
        figure=f"{max(asked for _, asked, _ in made)} look-ups of load balancers a decision",
        cpu=f"{', '.join(f'{seconds:.1f} s' for *_, seconds in made)}",
        requests=f"{bucket.refused} refused by AWS",
        goal="sent, and denied for the live cluster",
        met=outcomes == {"sent"} and harmful[0] not in ("sent", "TooManyBalancers"),
        command=f"{_COMMAND} --balancers {region.number}",
    )


def rows(*, quick: bool = False, balancers: Iterable[int] = (10, 60, 120), calls: int = 3) -> Iterator[Row]:
    """A row for each region and step."""
    for number in (6,) if quick else balancers:
        for alike in (True, False):
            with ExitStack() as stack:
                aws = stack.enter_context(SimulatedAWS())
                stack.enter_context(patch.dict(os.environ, aws.environment()))
                region = _Region(aws, number, alike).build()
                folders = (Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(3))
                first = _row(region, "default settings", {}, next(folders), 1 if quick else calls)
                yield first
                if "TooManyBalancers" in first.what:
                    named = {"live": {"listeners": region.listeners[:_NAMED]}}
                    yield _row(region, f"{_NAMED} listeners named", named, next(folders), calls)
                    lookups = 2 + number * (1 if alike else 2)
                    seconds = max(1, (lookups - 32) / 8 / 0.85 + 2)
                    older = {"max_fact_age_s": seconds, "lookup_timeout_s": seconds + 7}
                    yield _row(region, f"max_fact_age_s = {seconds:.0f}", older, next(folders), min(calls, 2))


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--balancers", type=int, nargs="+", default=[10, 60, 120])
    options.add_argument("--calls", type=int, default=3)
    given = options.parse_args()
    for row in rows(balancers=given.balancers, calls=given.calls):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
