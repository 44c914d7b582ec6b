"""What an ungoverned call costs under the guard, beside a bare client and beside OpenTelemetry's instrumentation.

    python -m tests.benchmarks.overhead [--calls N] [--rounds N]

One process, the variants in turn, many rounds; the answer comes from a stub in the place of the HTTP connection. Prints
the median of the rounds' times per call in us, and the ratios that count. OpenTelemetry runs without an SDK, which is
the least it can cost.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

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


class _Guarded:
    def __enter__(self) -> None:
        guardrails.install({"log": {"enabled": False}})

    def __exit__(self, *_: object) -> None:
        guardrails.uninstall()


class _Traced:
    def __enter__(self) -> None:
        BotocoreInstrumentor().instrument()

    def __exit__(self, *_: object) -> None:
        BotocoreInstrumentor().uninstrument()


VARIANTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "bare": nullcontext,
    "guardrails": _Guarded,
    "opentelemetry": _Traced,
}


def _calls(session) -> dict[str, Callable[[], object]]:
    def client(service: str):
        return session.create_client(
            service, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )

    ec2, ssm, s3 = client("ec2"), client("ssm"), client("s3")
    return {
        "ec2 DescribeInstances": ec2.describe_instances,
        "ssm DescribeParameters": ssm.describe_parameters,
        "s3 ListBuckets": s3.list_buckets,
    }


def measure(calls: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Times per call in us: {call: {variant: one for each round}}."""
    URLLib3Session.send = _stub
    made = _calls(botocore.session.Session())
    times: dict[str, dict[str, list[float]]] = {name: {variant: [] for variant in VARIANTS} for name in made}
    for number in range(rounds + 1):
        for variant, context in VARIANTS.items():
            with context():
                for name, call in made.items():
                    call()
                    started = time.perf_counter()
                    for _ in range(calls):
                        call()
                    took = (time.perf_counter() - started) / calls * 1e6
                    # The first round warms up.
                    if number:
                        times[name][variant].append(took)
    return times


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=200)
    options.add_argument("--rounds", type=int, default=15)
    given = options.parse_args()
    print(f"{'call':<24}{'bare us':>10}{'guard +us':>11}{'OTel +us':>10}{'guard/bare':>12}{'guard/OTel':>12}")
    for name, of in measure(given.calls, given.rounds).items():
        bare = statistics.median(of["bare"])
        # Round by round: what is noisy on this machine is so for all three.
        guard = statistics.median(g - b for g, b in zip(of["guardrails"], of["bare"], strict=True))
        traced = statistics.median(t - b for t, b in zip(of["opentelemetry"], of["bare"], strict=True))
        print(f"{name:<24}{bare:>10.1f}{guard:>11.1f}{traced:>10.1f}{guard / bare:>12.1%}{guard / traced:>12.2f}")


if __name__ == "__main__":
    main()
