"""`SimulatedAWS`: moto behind real HTTP on this machine, with a list of every request that arrives."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import boto3

from guardrails.testing.fault import Fault
from guardrails.testing.moto_app import indexed, no_profile, strings
from guardrails.testing.request import Request
from guardrails.testing.server import Server
from guardrails.testing.session import KEY, SECRET, SimulatedSession
from guardrails.testing.throttle import Throttle
from guardrails.values import frozen

_IMAGE = "ami-12345678"
_CIDR = "10.0.0.0/16"


@frozen
class Cluster:
    """What `start_cluster` started. Its Elastic IPs are on the first machines, one each, in this order."""

    name: str
    instance_ids: tuple[str, ...]
    allocation_ids: tuple[str, ...]
    public_ips: tuple[str, ...]
    subnet_id: str | None


class SimulatedAWS:
    """A context manager: AWS on 127.0.0.1, for clients in this and other processes, guarded or not.

    Its own set-up and look-ups (`start_cluster`, `running` …) do not use the network: they are not recorded, faults do
    not affect them and no guard sees them. moto has one state per process, so two instances share it. AWS_PROFILE is
    hidden inside the block.
    """

    region = "eu-west-1"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._running: Server | None = None

    def __enter__(self) -> Self:
        """Start with an empty account. Raises ImportError if moto is not installed."""
        with ExitStack() as stack:
            stack.enter_context(no_profile())
            self._running = Server(self.region)
            stack.callback(self._running.stop)
            self._running.direct.reset()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._running = None

    @property
    def _up(self) -> Server:
        if self._running is None:
            raise RuntimeError("SimulatedAWS is not running; use it in a with statement")
        return self._running

    # -- how to reach it -----------------------------------------------------------------------------------------

    @property
    def endpoint_url(self) -> str:
        """``http://127.0.0.1:PORT``, for every service."""
        return self._up.endpoint_url

    def environment(self) -> dict[str, str]:
        """Environment variables with which a subprocess reaches only the simulated AWS.

        Add them to an environment without other AWS_* variables: an AWS_PROFILE in it would still be used.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def session(self) -> boto3.Session:
        """A boto3 session whose clients use the simulated AWS, regardless of the environment."""
        return SimulatedSession(self.endpoint_url, self.region)

    def client(self, service: str) -> Any:
        """A boto3 client."""
        with self._up.creating:
            return self._up.session.client(service)

    def resource(self, service: str) -> Any:
        """A boto3 resource."""
        with self._up.creating:
            return self._up.session.resource(service)  # type: ignore[call-overload]

    # -- what arrived --------------------------------------------------------------------------------------------

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request that reached the server, in order of arrival."""
        return self._up.door.requests

    def count(self, *operations: str) -> int:
        """How many requests for these operations arrived; every retry counts."""
        return sum(request.operation in operations for request in self.requests)

    def clear(self) -> None:
        """Forget the requests; the state of AWS is kept."""
        self._up.door.clear()

    def reset(self) -> None:
        """Start over: an empty account, no requests, no faults, no delay."""
        self.repair()
        self._up.direct.reset()
        self._up.door.clear()

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def answer(self, operation: str, status: int, code: str, message: str, times: int | None = None) -> None:
        """Answer an operation with an AWS error, `times` times or until `reset`. Raises ValueError if `times` is < 1.

        Works for services with the EC2, query, JSON or REST protocol. botocore retries some codes (throttling) and
        statuses (5xx) itself, and every attempt counts.
        """
        if times is not None and times < 1:
            raise ValueError(f"times is {times}, but must be at least 1")
        self._up.door.set_fault(operation, Fault(status, code, message, times))

    def reply(self, operation: str, document: str, times: int | None = None) -> None:
        """Answer an operation with status 200 and this XML or JSON document, `times` times or until `reset`.

        For answers that the simulation cannot give, such as machines that the account may not see. Raises ValueError if
        `times` is < 1.
        """
        if times is not None and times < 1:
            raise ValueError(f"times is {times}, but must be at least 1")
        self._up.door.set_fault(operation, Fault(200, "", "", times, document))

    def throttle(self, operation: str, size: float, rate: float) -> None:
        """Limit the rate of an operation as AWS does: `size` requests at once, then `rate` per second, else a 503.

        ``RunInstances machines`` limits the machines of all requests for RunInstances, and so for other operations.
        Starts with a full bucket and applies until `reset`; `refused` counts the refused requests.
        """
        self._up.door.set_throttle(operation, Throttle(size, rate))

    def refused(self, operation: str) -> int:
        """How many requests of a throttled operation were answered with RequestLimitExceeded."""
        return self._up.door.refused(operation)

    def boot(self, seconds: float) -> None:
        """Let new machines be pending for some time before they run, until `reset`."""
        self._up.door.launches.boot_s = seconds

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Measure rate limits and boot times by this clock (seconds) instead of the machine's, until `reset`."""
        self._up.door.clock = clock

    def repair(self) -> None:
        """Take back every error, canned reply, rate limit and delay; the state of AWS and the requests are kept."""
        self._up.door.clear_faults()

    def delay(self, seconds: float) -> None:
        """Delay the response to every request by `seconds`; 0 for no delay."""
        self._up.door.delay_s = seconds

    # -- the world -----------------------------------------------------------------------------------------------

    def create_subnet(self, cidr: str) -> str:
        """Create a subnet in a VPC with 10.0.0.0/16; returns its id. AWS reserves five addresses, so a /28 has 11."""
        call = self._up.direct.call
        vpcs = strings(call("DescribeVpcs", {"Filter.1.Name": "cidr", "Filter.1.Value.1": _CIDR}), "vpcSet/item/vpcId")
        vpc = vpcs[0] if vpcs else strings(call("CreateVpc", {"CidrBlock": _CIDR}), "vpc/vpcId")[0]
        return strings(call("CreateSubnet", {"VpcId": vpc, "CidrBlock": cidr}), "subnet/subnetId")[0]

    def start_cluster(
        self,
        name: str,
        size: int,
        *,
        subnet: str | None = None,
        addresses: int = 0,
        tags: Mapping[str, str] | None = None,
        cluster_tag: str = "Cluster",
    ) -> Cluster:
        """Start `size` machines tagged ``{cluster_tag: name}``; the first `addresses` of them get an Elastic IP each.

        Raises ValueError if there are fewer machines than addresses.
        """
        if addresses > size:
            raise ValueError(f"{addresses} addresses need at least as many machines, but size is {size}")
        call = self._up.direct.call
        launch: dict[str, Any] = {
            "ImageId": _IMAGE, "InstanceType": "t3.small", "MinCount": size, "MaxCount": size,
            "TagSpecification.1.ResourceType": "instance",
        }  # fmt: skip
        for number, (key, value) in enumerate({**(tags or {}), cluster_tag: name}.items(), 1):
            launch[f"TagSpecification.1.Tag.{number}.Key"] = key
            launch[f"TagSpecification.1.Tag.{number}.Value"] = value
        if subnet:
            launch["SubnetId"] = subnet
        ids = strings(call("RunInstances", launch), "instancesSet/item/instanceId")
        allocations, ips = [], []
        for machine in ids[:addresses]:
            allocated = call("AllocateAddress", {"Domain": "vpc"})
            allocations += strings(allocated, "allocationId")
            ips += strings(allocated, "publicIp")
            call("AssociateAddress", {"AllocationId": allocations[-1], "InstanceId": machine})
        return Cluster(name, tuple(ids), tuple(allocations), tuple(ips), subnet)

    def machines(self, cluster: str, *, cluster_tag: str = "Cluster") -> tuple[str, ...]:
        """The ids of a cluster's running machines."""
        filters = {"Filter.1.Name": f"tag:{cluster_tag}", "Filter.1.Value.1": cluster}
        filters |= {"Filter.2.Name": "instance-state-name", "Filter.2.Value.1": "running"}
        instances = self._up.direct.call("DescribeInstances", filters)
        return tuple(strings(instances, "reservationSet/item/instancesSet/item/instanceId"))

    def running(self, cluster: str, *, cluster_tag: str = "Cluster") -> int:
        """How many machines of a cluster are running."""
        return len(self.machines(cluster, cluster_tag=cluster_tag))

    def addresses(self, cluster: str, *, cluster_tag: str = "Cluster") -> tuple[str, ...]:
        """The Elastic IPs on a cluster's running machines."""
        machines = self.machines(cluster, cluster_tag=cluster_tag)
        if not machines:
            return ()
        filters = {"Filter.1.Name": "instance-id", **indexed("Filter.1.Value", machines)}
        return tuple(sorted(strings(self._up.direct.call("DescribeAddresses", filters), "addressesSet/item/publicIp")))
