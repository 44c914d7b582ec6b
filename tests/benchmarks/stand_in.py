"""A fast stand-in for EC2 and Elastic Load Balancing, for accounts that a simulation is too slow for.

It knows the look-ups of a termination only: DescribeInstances in pages of 1,000 machines (of the size that AWS sends),
one Elastic IP on the first machine, no load balancer. TerminateInstances is accepted and changes nothing. Answers are
written beforehand, so almost all of a call's time is the client's.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs

PAGE = 1000
CLUSTER = 50
_EC2 = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'
_ELB = 'xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"'


def machine_id(number: int) -> str:
    """The id of a machine; CLUSTER machines in turn are in one cluster."""
    return f"i-{number:017x}"


def cluster(number: int) -> str:
    """The cluster of a machine. The first one is live."""
    return f"c{number // CLUSTER}"


def _tags(**tags: str) -> str:
    return "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in tags.items())


def _machine(number: int) -> str:
    ip = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    tags = _tags(Name=f"web-{number}", Cluster=cluster(number), Team="shop", Env="prod", Owner="ops")
    disks = "".join(
        f"<item><deviceName>/dev/xvd{letter}</deviceName><ebs><volumeId>vol-{letter}{number:016x}</volumeId>"
        "<status>attached</status><attachTime>2026-10-01T12:00:01.000Z</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination></ebs></item>"
        for letter in "ab"
    )
    group = "<groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>web</groupName></item></groupSet>"
    interface = (
        f"<item><networkInterfaceId>eni-{number:017x}</networkInterfaceId><subnetId>subnet-1</subnetId>"
        "<vpcId>vpc-1</vpcId><description/><ownerId>123456789012</ownerId><status>in-use</status>"
        f"<macAddress>0a:00:00:00:00:01</macAddress><privateIpAddress>{ip}</privateIpAddress>"
        f"<privateDnsName>ip.eu-west-1.compute.internal</privateDnsName><sourceDestCheck>true</sourceDestCheck>{group}"
        f"<attachment><attachmentId>eni-attach-{number:017x}</attachmentId><deviceIndex>0</deviceIndex>"
        "<networkCardIndex>0</networkCardIndex><status>attached</status>"
        "<attachTime>2026-10-01T12:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></attachment>"
        f"<privateIpAddressesSet><item><privateIpAddress>{ip}</privateIpAddress><primary>true</primary></item>"
        "</privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType></item>"
    )
    return (
        f"<item><reservationId>r-{number:017x}</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet>"
        f"<item><instanceId>{machine_id(number)}</instanceId><imageId>ami-0abcdef1234567890</imageId><instanceState>"
        "<code>16</code><name>running</name></instanceState>"
        "<privateDnsName>ip.eu-west-1.compute.internal</privateDnsName><dnsName/><reason/><keyName>ops</keyName>"
        "<amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>m5.large</instanceType>"
        "<launchTime>2026-10-01T12:00:00.000Z</launchTime><placement><availabilityZone>eu-west-1a</availabilityZone>"
        "<groupName/><tenancy>default</tenancy></placement><monitoring><state>disabled</state></monitoring>"
        f"<subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><privateIpAddress>{ip}</privateIpAddress>"
        f"<sourceDestCheck>true</sourceDestCheck>{group}<architecture>x86_64</architecture>"
        "<rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>"
        f"<blockDeviceMapping>{disks}</blockDeviceMapping><virtualizationType>hvm</virtualizationType>"
        f"<clientToken>fleet-0123</clientToken><tagSet>{tags}</tagSet><hypervisor>xen</hypervisor>"
        f"<networkInterfaceSet>{interface}</networkInterfaceSet><ebsOptimized>false</ebsOptimized>"
        "<enaSupport>true</enaSupport><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore>"
        "</cpuOptions><metadataOptions><state>applied</state><httpTokens>required</httpTokens>"
        "<httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>"
        "<enclaveOptions><enabled>false</enabled></enclaveOptions><bootMode>uefi-preferred</bootMode>"
        "<platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation>"
        "<usageOperationUpdateTime>2026-10-01T12:00:00.000Z</usageOperationUpdateTime>"
        "<maintenanceOptions><autoRecovery>default</autoRecovery></maintenanceOptions></item></instancesSet></item>"
    )


def _answers(machines: int) -> dict[tuple[str, str], bytes]:
    """What is sent, by operation and page."""
    answers = {}
    for start in range(0, machines, PAGE):
        end = min(start + PAGE, machines)
        more = f"<nextToken>{end}</nextToken>" if end < machines else ""
        inside = "".join(map(_machine, range(start, end)))
        token = str(start) if start else ""
        answers["DescribeInstances", token] = _ec2(
            "DescribeInstances", f"<reservationSet>{inside}</reservationSet>{more}"
        )
    address = (
        "<item><publicIp>203.0.113.1</publicIp><allocationId>eipalloc-1</allocationId><domain>vpc</domain>"
        f"<instanceId>{machine_id(0)}</instanceId><associationId>eipassoc-1</associationId>"
        f"<networkInterfaceId>eni-{0:017x}</networkInterfaceId><privateIpAddress>10.0.0.0</privateIpAddress></item>"
    )
    answers["DescribeAddresses", ""] = _ec2("DescribeAddresses", f"<addressesSet>{address}</addressesSet>")
    answers["DescribeInstanceStatus", ""] = _ec2("DescribeInstanceStatus", "<instanceStatusSet/>")
    answers["TerminateInstances", ""] = _ec2("TerminateInstances", "<instancesSet/>")
    for name, member in (("DescribeTargetGroups", "TargetGroups"), ("DescribeLoadBalancers", "LoadBalancers")):
        inside = f"<{name}Result><{member}/></{name}Result>"
        answers[name, ""] = f"<{name}Response {_ELB}>{inside}</{name}Response>".encode()
    return answers


def _ec2(operation: str, inside: str) -> bytes:
    return f"<{operation}Response {_EC2}><requestId>r</requestId>{inside}</{operation}Response>".encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answers: ClassVar[dict[tuple[str, str], bytes]] = {}
    asked: ClassVar[Counter[str]] = Counter()
    delay_s: ClassVar[float] = 0.0

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        action, token = form["Action"][0], form.get("NextToken", [""])[0]
        self.asked[action] += 1
        time.sleep(self.delay_s)
        self._send(self.answers.get((action, token)))

    def do_GET(self) -> None:
        """Says what was asked since the last time; the path is the delay from now on, in seconds."""
        asked = json.dumps(self.asked).encode()
        self.asked.clear()
        type(self).delay_s = float(self.path.lstrip("/"))
        self._send(asked)

    def _send(self, body: bytes | None) -> None:
        self.send_response(400 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _serve(machines: int, started: Any) -> None:
    _Handler.answers.update(_answers(machines))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
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


def asked(address: str, delay_s: float = 0.0) -> Counter[str]:
    """What was asked since the last time, by operation. From now on each answer comes after `delay_s` seconds."""
    with urllib.request.urlopen(f"{address}/{delay_s}") as answer:
        return Counter(json.load(answer))


if __name__ == "__main__":
    sys.exit(__doc__)
