"""A fast stand-in for EC2 and Elastic Load Balancing, for accounts that a simulation is too slow for.

It knows the look-ups of terminations and of changes of networks only. Lists answer filters and pages as AWS does, with
items of the size that AWS sends; an id of a machine that does not exist is an error, one in a filter is not. The first
machine has the one Elastic IP, and there is no load balancer. What changes something is accepted and changes nothing.
The lists are written beforehand, so almost all of a call's time is the client's.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs

from attrs import frozen

from tests.benchmarks.stand_in_machines import Machines, UnknownFilter, interface_id, machine_id
from tests.benchmarks.stand_in_networks import Networks

PAGE = 1000
CLUSTER = 100
# Accepted, too.
NETWORK_CALLS = ("ModifySubnetAttribute", "DeleteSubnet", "ReplaceRouteTableAssociation", "DeleteNatGateway",
                 "DeleteNetworkInterface")  # fmt: skip
_EC2 = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'
_ELB = 'xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"'


def cluster_size(machines: int) -> int:
    """How many machines a cluster has: CLUSTER, or half of a smaller account. The first cluster is live."""
    return min(CLUSTER, machines // 2)


def _canned() -> dict[str, bytes]:
    address = (
        "<item><publicIp>203.0.113.1</publicIp><allocationId>eipalloc-1</allocationId><domain>vpc</domain>"
        f"<instanceId>{machine_id(0)}</instanceId><associationId>eipassoc-1</associationId>"
        f"<networkInterfaceId>{interface_id(0)}</networkInterfaceId><privateIpAddress>10.0.0.0</privateIpAddress>"
        "</item>"
    )
    off = b"<disableApiTermination><value>false</value></disableApiTermination>"
    answers = {
        "DescribeInstanceAttribute": _ec2("DescribeInstanceAttribute", off),
        "DescribeAddresses": _ec2("DescribeAddresses", f"<addressesSet>{address}</addressesSet>".encode()),
        "DescribeInstanceStatus": _ec2("DescribeInstanceStatus", b"<instanceStatusSet/>"),
        "TerminateInstances": _ec2("TerminateInstances", b"<instancesSet/>"),
        "DescribeNetworkAcls": _ec2("DescribeNetworkAcls", b"<networkAclSet/>"),
        **{name: _ec2(name, b"<return>true</return>") for name in NETWORK_CALLS},
    }
    for name, member in (("DescribeTargetGroups", "TargetGroups"), ("DescribeLoadBalancers", "LoadBalancers")):
        inside = f"<{name}Result><{member}/></{name}Result>"
        answers[name] = f"<{name}Response {_ELB}>{inside}</{name}Response>".encode()
    return answers


def _ec2(operation: str, inside: bytes) -> bytes:
    return b"".join(
        (f"<{operation}Response {_EC2}><requestId>r</requestId>".encode(), inside, f"</{operation}Response>".encode())
    )


def _error(code: str, message: str) -> tuple[int, bytes]:
    inside = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    return 400, f"<Response>{inside}<RequestID>r</RequestID></Response>".encode()


def _listed(form: Mapping[str, Sequence[str]], prefix: str) -> list[str]:
    """The values of ``PREFIX.1``, ``PREFIX.2`` …"""
    values = []
    while (name := f"{prefix}.{len(values) + 1}") in form:
        values.append(form[name][0])
    return values


def _describe_instances(machines: Machines, form: Mapping[str, Sequence[str]]) -> tuple[int, bytes]:
    ids = _listed(form, "InstanceId")
    most = int(form.get("MaxResults", [str(PAGE)])[0])
    if ids and "MaxResults" in form:
        return _error("InvalidParameterCombination", "instancesSet and maxResults cannot be used in the same request")
    if not 5 <= most <= PAGE:
        return _error("InvalidParameterValue", f"Value ( {most} ) for parameter maxResults is invalid")
    try:
        found = machines.found(_filters(form))
        if ids:
            named = machines.found([("instance-id", ids)])
            if len(named) < len(set(ids)):
                return _error("InvalidInstanceID.NotFound", "The instance IDs do not exist")
            found = sorted(set(named) & set(found))
    except UnknownFilter as error:
        return _error("InvalidParameterValue", f"The filter '{error}' is invalid")
    return _page("DescribeInstances", "reservationSet", [machines.documents[number] for number in found], form)


def _filters(form: Mapping[str, Sequence[str]]) -> list[tuple[str, list[str]]]:
    filters: list[tuple[str, list[str]]] = []
    while (name := f"Filter.{len(filters) + 1}.Name") in form:
        filters.append((form[name][0], _listed(form, f"Filter.{len(filters) + 1}.Value")))
    return filters


def _page(operation: str, element: str, found: Sequence[bytes], form: Mapping[str, Sequence[str]]) -> tuple[int, bytes]:
    # Without MaxResults, AWS answers a request for everything whole.
    start = int(form.get("NextToken", ["0"])[0])
    end = start + int(form["MaxResults"][0]) if "MaxResults" in form else len(found)
    more = f"<nextToken>{end}</nextToken>" if end < len(found) else ""
    inside = b"".join(found[start:end])
    return 200, _ec2(operation, b"".join((f"<{element}>".encode(), inside, f"</{element}>{more}".encode())))


@frozen
class Asked:
    """A request: its operation, and when it came and was answered (seconds on one clock)."""

    operation: str
    came: float
    answered: float


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    machines: ClassVar[Machines]
    networks: ClassVar[Networks]
    canned: ClassVar[dict[str, bytes]] = _canned()
    asked: ClassVar[list[tuple[str, float, float]]] = []
    delay_s: ClassVar[float] = 0.0

    def do_POST(self) -> None:
        came = time.monotonic()
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        action = form["Action"][0]
        time.sleep(self.delay_s)
        if action == "DescribeInstances":
            status, body = _describe_instances(self.machines, form)
        elif action in self.canned:
            status, body = 200, self.canned[action]
        else:
            status, body = self._list(action, form)
        self.asked.append((action, came, time.monotonic()))
        self._send(status, body)

    def _list(self, action: str, form: Mapping[str, Sequence[str]]) -> tuple[int, bytes]:
        try:
            element, found = self.networks.found(action, _filters(form))
        except KeyError as error:
            return _error("InvalidAction", f"the stand-in does not know {action}, or its filter {error}")
        return _page(action, element, found, form)

    def do_GET(self) -> None:
        """Says what was asked since the last time; the path is the delay from now on, in seconds."""
        asked = json.dumps(self.asked).encode()
        self.asked.clear()
        type(self).delay_s = float(self.path.lstrip("/"))
        self._send(200, asked)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _serve(machines: int, started: Any) -> None:
    _Handler.machines, _Handler.networks = Machines(machines, cluster_size(machines)), Networks(machines)
    server = _Server(("127.0.0.1", 0), _Handler)
    started.send(server.server_port)
    server.serve_forever()


@contextmanager
def account(machines: int) -> Iterator[str]:
    """The address of a stand-in with so many machines, in a process of its own."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(machines, its), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def recorded(address: str, delay_s: float = 0.0) -> list[Asked]:
    """The requests since the last time, in order of their answers. From now on each answer comes after `delay_s`."""
    with urllib.request.urlopen(f"{address}/{delay_s}") as answer:
        return [Asked(*each) for each in json.load(answer)]


def asked(address: str, delay_s: float = 0.0) -> Counter[str]:
    """How often each operation was asked for since the last time. From now on each answer comes after `delay_s`."""
    return Counter(each.operation for each in recorded(address, delay_s))


def trips(requests: Sequence[Asked]) -> int:
    """The longest chain of requests of which each came after the one before was answered."""
    depths: list[tuple[float, int]] = []
    for each in sorted(requests, key=lambda each: each.came):
        depth = 1 + max((depth for answered, depth in depths if answered <= each.came), default=0)
        depths.append((each.answered, depth))
    return max((depth for _, depth in depths), default=0)


if __name__ == "__main__":
    sys.exit(__doc__)
