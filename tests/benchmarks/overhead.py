"""What an ungoverned call costs under the guard, beside a bare client, OpenTelemetry's and Datadog's instrumentation.

    pip install -e '.[bench]'
    python -m tests.benchmarks.overhead [--calls N] [--rounds N] [--sets N]

A process for each, which take turns for some rounds (within one process, changing classes back and forth would itself
slow Python down), and many sets of processes, because two that do the same differ by some per cent. How much is left
of that in the figures is shown by a second bare process, which takes part like the others. The order of the turns is
drawn anew each time. Each round is made at another depth of the stack: Python allocates it in pieces, and a call that
happens to cross from one piece to the next costs far more, with or without the guard. Where a process has its objects
is drawn, too: where they happen to share lines of the processor's cache with the stack, a call costs up to half more,
and any change to a program makes that another call. A stub in place of the HTTP
connection answers at once, so that a call has no share of waiting in which the addition would vanish. The figures are
the processor time of the calling thread: what is added to a call, in per cent of the bare call. OpenTelemetry runs
without an SDK and Datadog without an agent, which is the least that they can cost.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

import guardrails
from tests.benchmarks.row import Row

_COMMAND = "python -m tests.benchmarks.overhead"
_GOAL_ADDED, _GOAL_SHARE = 0.03, 1 / 3
# A piece of the stack holds about this many of `_time`'s frames. The step reaches all of them in turn.
_DEPTHS, _STEP = 108, 7
# By service and method, the parameters.
CALLS: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("ec2", "describe_instances"): {},
    ("s3", "put_object"): {"Bucket": "b", "Key": "k", "Body": b"x"},
    ("s3", "delete_object"): {"Bucket": "b", "Key": "k"},
    ("dynamodb", "get_item"): {"TableName": "t", "Key": {"id": {"S": "1"}}},
    ("ssm", "get_parameter"): {"Name": "n"},
    ("sqs", "send_message"): {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/q", "MessageBody": "m"},
    ("sns", "publish"): {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "m"},
    ("sts", "get_caller_identity"): {},
    ("lambda", "get_function_configuration"): {"FunctionName": "f"},
}
_NAMES = [f"{service} {method}" for service, method in CALLS]
_EC2 = b"<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
_STS = b"<R><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></R>"
_SNS = b"<R><PublishResult><MessageId>1</MessageId></PublishResult></R>"
# What the stub answers, by service: headers and body.
_ANSWERS: Mapping[str, tuple[Mapping[str, str], bytes]] = {
    "ec2": ({}, _EC2), "s3": ({"etag": "1"}, b""), "dynamodb": ({}, b"{}"), "ssm": ({}, b"{}"), "sqs": ({}, b"{}"),
    "sns": ({}, _SNS), "sts": ({}, _STS), "lambda": ({}, b"{}"),
}  # fmt: skip


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body


def _bare() -> None:
    """Nothing is installed."""


def _guarded() -> None:
    guardrails.install({"log": {"enabled": False}})


def _opentelemetry() -> None:
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

    BotocoreInstrumentor().instrument()


def _ddtrace() -> None:
    os.environ |= {"DD_TRACE_STARTUP_LOGS": "0", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "0",
                   "DD_REMOTE_CONFIGURATION_ENABLED": "0"}  # fmt: skip
    import ddtrace

    ddtrace.patch(botocore=True)


# Another process that does what the first one does: what it "adds" is what these figures do not know.
_AGAIN = "bare again"
VARIANTS: dict[str, Callable[[], None]] = {"bare": _bare, _AGAIN: _bare, "guardrails": _guarded}
# Others, by the package that must be installed.
OTHERS = {"opentelemetry": ("opentelemetry", _opentelemetry), "ddtrace": ("ddtrace", _ddtrace)}
VARIANTS |= {name: start for name, (package, start) in OTHERS.items() if importlib.util.find_spec(package)}


def _time(depth: int, call: Callable[[], object], count: int) -> float:
    """The us of this thread's processor time per call, of `count` calls made `depth` frames further down."""
    if depth:
        return _time(depth - 1, call, count)
    started = time.thread_time()
    for _ in range(count):
        call()
    return (time.thread_time() - started) / count * 1e6


def _made() -> dict[str, Callable[[], object]]:
    session = botocore.session.Session()
    clients = {
        service: session.create_client(
            service, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        for service, _ in CALLS
    }
    return {
        f"{service} {method}": functools.partial(getattr(clients[service], method), **params)
        for (service, method), params in CALLS.items()
    }


def _stub(_: object, request: Any) -> AWSResponse:
    """In the place of URLLib3Session.send, from before the guard: its gate stands before this one."""
    host = request.url.partition("//")[2].partition("/")[0]
    service = "s3" if ".s3." in host else host.partition(".")[0]
    headers, body = _ANSWERS[service]
    return AWSResponse(request.url, 200, headers, _Raw(body))


def _moved() -> list[bytes]:
    """Objects of every size that Python keeps pools of (16 to 512 bytes): what is made after them lies elsewhere."""
    overhead = sys.getsizeof(b"")
    sizes = range(48, 513, 16)
    return [bytes(size - overhead) for size in sizes for _ in range(random.randrange(4096 // size * 4))]


def work(variant: str) -> None:
    """One variant in a process of its own: it times each line ``CALL<tab>COUNT<tab>DEPTH`` of its standard input."""
    kept = _moved()
    URLLib3Session.send = _stub
    VARIANTS[variant]()
    made = _made()
    for line in sys.stdin:
        name, count, depth = line.rstrip("\n").split("\t")
        print(_time(int(depth), made[name], int(count)), flush=True)
    del kept


def measure(calls: int, depths: Sequence[int]) -> dict[str, dict[str, list[float]]]:
    """Times per call in us: {call: {variant: one for each depth}}; the variants take turns at every depth."""
    command = [sys.executable, "-m", "tests.benchmarks.overhead", "--worker"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    workers = {variant: subprocess.Popen([*command, variant], **pipes, text=True) for variant in VARIANTS}
    times: dict[str, dict[str, list[float]]] = {name: {variant: [] for variant in VARIANTS} for name in _NAMES}
    # The first round warms up.
    for number, depth in enumerate([0, *depths]):
        for name in _NAMES:
            for variant, worker in random.sample(list(workers.items()), len(workers)):
                worker.stdin.write(f"{name}\t{calls}\t{depth}\n")
                worker.stdin.flush()
                took = float(worker.stdout.readline())
                if number:
                    times[name][variant].append(took)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    return times


def rows(*, quick: bool = False, calls: int = 50, rounds: int = 3, sets: int = 24) -> Iterator[Row]:
    """A row for each call, and one for OpenTelemetry and Datadog where they are installed."""
    if quick:
        calls, rounds, sets = 2, 1, 1
    depths = [number * _STEP % _DEPTHS for number in range(sets * rounds)]
    every = [measure(calls, depths[at : at + rounds]) for at in range(0, len(depths), rounds)]
    for name in _NAMES:
        of = {variant: [took for times in every for took in times[name][variant]] for variant in VARIANTS}
        yield _row(name, of)


def _row(name: str, of: Mapping[str, list[float]]) -> Row:
    bare = statistics.median(of["bare"])
    # Round by round: what is noisy on this machine is so for all.
    added = {
        variant: statistics.median(took - before for took, before in zip(times, of["bare"], strict=True))
        for variant, times in of.items()
    }
    beside = "".join(f"; {variant} {added[variant] / bare:+.1%}" for variant in (_AGAIN, *OTHERS) if variant in added)
    goal, met = f"at most {_GOAL_ADDED:.0%}", added["guardrails"] <= _GOAL_ADDED * bare
    if "opentelemetry" in added:
        beside += f"; {added['guardrails'] / added['opentelemetry']:.2f} of opentelemetry's addition"
        goal += " and a third of opentelemetry's addition"
        met = met and added["guardrails"] <= added["opentelemetry"] * _GOAL_SHARE
    else:
        beside += "; opentelemetry is not installed"
    return Row(
        what=f"ungoverned {name}",
        figure=f"{added['guardrails'] / bare:+.1%}{beside}",
        cpu=f"{bare + added['guardrails']:.0f} us, bare {bare:.0f} us",
        requests="0 added",
        fsyncs="0",
        goal=goal,
        met=met,
        command=_COMMAND,
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=50)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--sets", type=int, default=24)
    options.add_argument("--worker", choices=VARIANTS, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        work(given.worker)
        return
    for row in rows(calls=given.calls, rounds=given.rounds, sets=given.sets):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
