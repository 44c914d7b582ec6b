"""Whether memory stays flat: the resident set over many decisions.

    python -m tests.benchmarks.memory [--decisions N]

Three calls in turn: one that the policies deny, one that they allow, and one that is not governed, which counts as no
decision. Each names other machines. A stub in place of the HTTP connection answers them and the guard's look-ups; the
settings are the default ones, but for pacing and the age of facts (a machine that stalls denies nothing), and the
decision log goes to /dev/null. Prints the resident set in MB at
the start, after 10 % and at the end.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from pathlib import Path
from urllib.parse import parse_qs

import boto3
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

import guardrails
from tests.benchmarks.row import Row

COMMAND = "python -m tests.benchmarks.memory"
DECISIONS = 200_000
MOST_GROWTH_MB = 2.0
MACHINES = 40
_EC2 = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'
_ELB = 'xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"'


def machine(number: int) -> str:
    """The id of a machine. Even ones are in the live cluster."""
    return f"i-{number % MACHINES:017x}"


def _instance(number: int) -> str:
    cluster = "green" if number % 2 else "blue"
    return (
        f"<item><instanceId>{machine(number)}</instanceId><instanceState><code>16</code><name>running</name>"
        f"</instanceState><tagSet><item><key>Cluster</key><value>{cluster}</value></item></tagSet></item>"
    )


_RESERVATION = f"<item><ownerId>123456789012</ownerId><instancesSet>{''.join(map(_instance, range(MACHINES)))}"
_INSIDE = {
    "DescribeInstances": f"<reservationSet>{_RESERVATION}</instancesSet></item></reservationSet>",
    "DescribeAddresses": f"<addressesSet><item><publicIp>203.0.113.1</publicIp><instanceId>{machine(0)}</instanceId>"
    "</item></addressesSet>",
    "DescribeInstanceStatus": "<instanceStatusSet/>",
    "DescribeRegions": "<regionInfo/>",
    "DescribeRouteTables": "<routeTableSet/>",
    "RebootInstances": "<return>true</return>",
}
_LISTS = {"DescribeTargetGroups": "TargetGroups", "DescribeLoadBalancers": "LoadBalancers"}


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object):
        yield self._body


def _stub(_: object, request) -> AWSResponse:
    """In the place of URLLib3Session.send, from before the guard: its gate stands before this one."""
    text = request.body if isinstance(request.body, str) else request.body.decode()
    name = parse_qs(text)["Action"][0]
    if name in _LISTS:
        inside, space = f"<{name}Result><{_LISTS[name]}/></{name}Result>", _ELB
    else:
        inside, space = _INSIDE[name], _EC2
    body = f"<{name}Response {space}><requestId>r</requestId>{inside}</{name}Response>"
    return AWSResponse(request.url, 200, {"content-type": "text/xml"}, _Raw(body.encode()))


def resident_mb() -> float:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(decisions: int) -> tuple[float, float, float]:
    """The resident set in MB once everything is loaded, after a tenth of the decisions, and at the end."""
    sends = URLLib3Session.send
    URLLib3Session.send = _stub
    # It reports every denial.
    logging.getLogger("guardrails").setLevel(logging.ERROR)
    fast = "/dev/shm" if Path("/dev/shm").is_dir() else None
    try:
        with tempfile.TemporaryDirectory(dir=fast) as folder:
            state = {"path": str(Path(folder) / "state.db")}
            settings = {"log": {"path": os.devnull}, "state": state, "pacing": {"enabled": False}, "max_fact_age_s": 60}
            guardrails.install(settings)
            client = boto3.client("ec2", "eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")
            seen = []
            for number in range(0, decisions, 2):
                if number in (20, decisions // 10 // 2 * 2):
                    seen.append(resident_mb())
                _three_calls(client, number)
            return (*(seen * 2)[:2], resident_mb())
    finally:
        guardrails.uninstall()
        logging.getLogger("guardrails").setLevel(logging.NOTSET)
        URLLib3Session.send = sends


def _three_calls(client, number: int) -> None:
    try:
        client.reboot_instances(InstanceIds=[machine(number)])
    except guardrails.CallDenied:
        pass
    else:
        raise AssertionError("the live cluster's machine was rebooted")
    client.reboot_instances(InstanceIds=[machine(number + 1)])
    client.describe_regions()


def rows(*, quick: bool = False, decisions: int = DECISIONS) -> list[Row]:
    """One row: how much memory grew after the first tenth of the decisions."""
    decisions = 200 if quick else decisions
    start, tenth, end = measure(decisions)
    figure = f"{start:.1f} MB at the start, {tenth:.1f} after 10 %, {end:.1f} at the end"
    met = end - tenth <= MOST_GROWTH_MB
    goal = f"at most +{MOST_GROWTH_MB:.0f} MB after the first 10 %"
    return [Row(f"resident memory over {decisions:,} decisions", figure, COMMAND, goal=goal, met=met)]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--decisions", type=int, default=DECISIONS)
    given = options.parse_args()
    for row in rows(decisions=given.decisions):
        print(f"{row.what}: {row.figure}")


if __name__ == "__main__":
    main()
