"""What an ungoverned call costs under the guard, beside a bare client and beside OpenTelemetry's instrumentation.

    python -m tests.benchmarks.overhead [--calls N] [--rounds N] [--sets N]

A process for each, which take turns for many rounds (within one process, changing classes back and forth would itself
slow Python down), and several sets of processes, because two that do the same differ by a few us, too. The rounds are
made at different depths of the stack: Python allocates it in pieces, and a call that happens to cross from one piece
to the next costs about 5 us more, with or without the guard. A stub in place of the HTTP connection answers.
Prints the median of the rounds' times per call in us, and the ratios that count. OpenTelemetry runs without an SDK,
which is the least it can cost.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

import guardrails

XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><reservationSet/>
</DescribeInstancesResponse>"""
JSON = b'{"Parameters": []}'
S3 = b'<?xml version="1.0"?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object):
        yield self._body


def _stub(_: object, request) -> AWSResponse:
    """In the place of URLLib3Session.send, from before the guard: its gate stands before this one."""
    host = request.url.partition("//")[2]
    body = XML if host.startswith("ec2") else JSON if host.startswith("ssm") else S3
    return AWSResponse(request.url, 200, {"content-type": "text/xml"}, _Raw(body))


def _guarded() -> None:
    guardrails.install({"log": {"enabled": False}})


def _traced() -> None:
    BotocoreInstrumentor().instrument()


VARIANTS: dict[str, Callable[[], None]] = {"bare": lambda: None, "guardrails": _guarded, "opentelemetry": _traced}
CALLS = ("ec2 DescribeInstances", "ssm DescribeParameters", "s3 ListBuckets")


def _made() -> dict[str, Callable[[], object]]:
    session = botocore.session.Session()

    def client(service: str):
        return session.create_client(
            service, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )

    ec2, ssm, s3 = client("ec2"), client("ssm"), client("s3")
    return dict(zip(CALLS, (ec2.describe_instances, ssm.describe_parameters, s3.list_buckets), strict=True))


def _time(depth: int, call: Callable[[], object], count: int) -> float:
    """The us per call of `count` calls, made `depth` frames further down."""
    if depth:
        return _time(depth - 1, call, count)
    started = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - started) / count * 1e6


def work(variant: str) -> None:
    """One variant in a process of its own: it times each line ``CALL<tab>COUNT<tab>DEPTH`` of its standard input."""
    URLLib3Session.send = _stub
    VARIANTS[variant]()
    made = _made()
    for line in sys.stdin:
        name, count, depth = line.rstrip("\n").split("\t")
        print(_time(int(depth), made[name], int(count)), flush=True)


def measure(calls: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Times per call in us: {call: {variant: one for each round}}; the variants take turns in every round."""
    command = [sys.executable, "-m", "tests.benchmarks.overhead", "--worker"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = {variant: subprocess.Popen([*command, variant], **pipes) for variant in VARIANTS}
    times: dict[str, dict[str, list[float]]] = {name: {variant: [] for variant in VARIANTS} for name in CALLS}
    for number in range(rounds + 1):
        for name in CALLS:
            for variant, worker in workers.items():
                worker.stdin.write(f"{name}\t{calls}\t{number * 7 % 100}\n")
                worker.stdin.flush()
                took = float(worker.stdout.readline())
                # The first round warms up.
                if number:
                    times[name][variant].append(took)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    return times


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=100)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--sets", type=int, default=3)
    options.add_argument("--worker", choices=VARIANTS, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        work(given.worker)
        return
    sets = [measure(given.calls, given.rounds) for _ in range(given.sets)]
    print(f"{'call':<24}{'bare us':>10}{'guard +us':>11}{'OTel +us':>10}{'guard/bare':>12}{'guard/OTel':>12}")
    for name in CALLS:
        of = {variant: [took for times in sets for took in times[name][variant]] for variant in VARIANTS}
        bare = statistics.median(of["bare"])
        # Round by round: what is noisy on this machine is so for all three.
        guard = statistics.median(g - b for g, b in zip(of["guardrails"], of["bare"], strict=True))
        traced = statistics.median(t - b for t, b in zip(of["opentelemetry"], of["bare"], strict=True))
        print(f"{name:<24}{bare:>10.1f}{guard:>11.1f}{traced:>10.1f}{guard / bare:>12.1%}{guard / traced:>12.2f}")


if __name__ == "__main__":
    main()
