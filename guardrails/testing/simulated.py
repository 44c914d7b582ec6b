"""`SimulatedAWS`: moto behind real HTTP on this machine, with a record of every request that arrives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import boto3
from attrs import frozen

from guardrails.testing.fault import Fault
from guardrails.testing.moto_app import indexed, no_profile, texts
from guardrails.testing.request import Request
from guardrails.testing.server import Server
from guardrails.testing.session import KEY, SECRET, SimulatedSession
from guardrails.testing.throttle import Throttle

_IMAGE = "ami-12345678"
_CIDR = "10.0.0.0/16"


@frozen
class Cluster:
    """What `start_cluster` made. Its Elastic IPs are on the first machines, one each and in this order."""

    name: str
    instance_ids: tuple[str, ...]
    allocation_ids: tuple[str, ...]
    public_ips: tuple[str, ...]
    subnet_id: str | None


class SimulatedAWS:
    """A context manager: AWS on 127.0.0.1, for clients of this process and of others, guarded or not.

    The double's own set-up and look-ups (`start_cluster`, `running` …) go past the network: they are not recorded,
    no fault meets them and no guard sees them. moto keeps its state per process, so two at the same time share it.
    AWS_PROFILE is hidden inside the block.
    """

    region = "eu-west-1"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._running: Server | None = None

    def __enter__(self) -> Self:
        """Start with an empty account. Raises ImportError where moto is not installed."""
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
        """What a subprocess needs to reach the simulated AWS and nothing else.

        Add it to an environment without other AWS_* variables: an AWS_PROFILE left there would still be looked for.
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
        """A boto3 session all of whose clients talk to the simulated AWS, whatever the environment says."""
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
        """How many requests for these operations arrived; retries count, each of them."""
        return sum(request.operation in operations for request in self.requests)

    def clear(self) -> None:
        """Forget the requests; the state of AWS stays."""
        self._up.door.clear()

    def reset(self) -> None:
        """Begin again: an empty account, no requests, no faults, no delay."""
        self._up.door.clear_faults()
        self._up.direct.reset()
        self._up.door.clear()

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def answer(self, operation: str, status: int, code: str, message: str, times: int | None = None) -> None:
        """Answer an operation with an AWS error, `times` times or until `reset`.

        For services that speak the EC2, query, JSON or REST protocols. botocore retries some codes (throttling) and
        statuses (5xx) by itself, and every attempt counts.
        """
        if times is not None and times < 1:
            raise ValueError(f"times is {times}, must be at least 1")
        self._up.door.set_fault(operation, Fault(status, code, message, times))

    def throttle(self, operation: str, size: float, rate: float) -> None:
        """Limit the rate of an operation as AWS does: `size` at once, `rate` a second after that, else a 503.

        It begins with a full bucket and holds until `reset`; `refused` counts what it turned away.
        """
        self._up.door.set_throttle(operation, Throttle(size, rate))

    def refused(self, operation: str) -> int:
        """How many requests of a throttled operation were answered with RequestLimitExceeded."""
        return self._up.door.refused(operation)

    def delay(self, seconds: float) -> None:
        """Let every request wait that long on the server before it is answered; 0 ends it."""
        self._up.door.delay_s = seconds

    # -- the world -----------------------------------------------------------------------------------------------

    def create_subnet(self, cidr: str) -> str:
        """The id of a new subnet in a VPC with 10.0.0.0/16. AWS keeps five addresses: a /28 has 11 for machines."""
        call = self._up.direct.call
        found = texts(call("DescribeVpcs", {"Filter.1.Name": "cidr", "Filter.1.Value.1": _CIDR}), "vpcSet/item/vpcId")
        vpc = found[0] if found else texts(call("CreateVpc", {"CidrBlock": _CIDR}), "vpc/vpcId")[0]
        return texts(call("CreateSubnet", {"VpcId": vpc, "CidrBlock": cidr}), "subnet/subnetId")[0]

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
        """Start `size` machines tagged ``{cluster_tag: name}``; the first `addresses` get an Elastic IP each."""
        if addresses > size:
            raise ValueError(f"{addresses} addresses need as many machines, there are {size}")
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
        ids = texts(call("RunInstances", launch), "instancesSet/item/instanceId")
        allocations, ips = [], []
        for machine in ids[:addresses]:
            allocated = call("AllocateAddress", {"Domain": "vpc"})
            allocations += texts(allocated, "allocationId")
            ips += texts(allocated, "publicIp")
            call("AssociateAddress", {"AllocationId": allocations[-1], "InstanceId": machine})
        return Cluster(name, tuple(ids), tuple(allocations), tuple(ips), subnet)

    def machines(self, cluster: str, *, cluster_tag: str = "Cluster") -> tuple[str, ...]:
        """The ids of a cluster's running machines."""
        asked = {"Filter.1.Name": f"tag:{cluster_tag}", "Filter.1.Value.1": cluster}
        asked |= {"Filter.2.Name": "instance-state-name", "Filter.2.Value.1": "running"}
        found = self._up.direct.call("DescribeInstances", asked)
        return tuple(texts(found, "reservationSet/item/instancesSet/item/instanceId"))

    def running(self, cluster: str, *, cluster_tag: str = "Cluster") -> int:
        """How many machines of a cluster run now."""
        return len(self.machines(cluster, cluster_tag=cluster_tag))

    def addresses(self, cluster: str, *, cluster_tag: str = "Cluster") -> tuple[str, ...]:
        """The Elastic IPs on a cluster's running machines: what a visitor would reach."""
        machines = self.machines(cluster, cluster_tag=cluster_tag)
        if not machines:
            return ()
        asked = {"Filter.1.Name": "instance-id", **indexed("Filter.1.Value", machines)}
        return tuple(sorted(texts(self._up.direct.call("DescribeAddresses", asked), "addressesSet/item/publicIp")))
