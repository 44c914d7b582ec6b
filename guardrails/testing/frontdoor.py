"""In front of moto: records requests, answers with faults, and enforces rate limits and subnet sizes like AWS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from guardrails.testing.fault import WSGI, Fault, StartResponse, answer
from guardrails.testing.launches import Launches
from guardrails.testing.moto_app import Direct, strings
from guardrails.testing.request import Request, machines_of, read
from guardrails.testing.throttle import Throttle


class FrontDoor:
    """A WSGI application around moto's. Thread-safe, because the server uses a thread per connection."""

    def __init__(self, app: WSGI, direct: Direct, region: str) -> None:
        self._app = app
        self._direct = direct
        self._lock = threading.Lock()
        self._launching = threading.Lock()
        self._requests: list[Request] = []
        self._faults: dict[str, Fault] = {}
        self._throttles: dict[str, Throttle] = {}
        self.delay_s = 0.0
        # For rate limits and boot times, in seconds; a test may have a time of its own.
        self.clock: Callable[[], float] = time.monotonic
        self.launches = Launches(region)

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request since the last `clear`, in order of arrival."""
        with self._lock:
            return tuple(self._requests)

    def clear(self) -> None:
        """Forget the requests."""
        with self._lock:
            self._requests.clear()

    def set_fault(self, operation: str, fault: Fault) -> None:
        """Answer this operation with the fault, which replaces an earlier one."""
        with self._lock:
            self._faults[operation] = fault

    def set_throttle(self, operation: str, throttle: Throttle) -> None:
        """Limit the rate of this operation, with a new bucket."""
        with self._lock:
            self._throttles[operation] = throttle

    def refused(self, operation: str) -> int:
        """How many requests of this operation its rate limit refused."""
        with self._lock:
            throttle = self._throttles.get(operation)
            return 0 if throttle is None else throttle.refused

    def clear_faults(self) -> None:
        """Remove all faults, rate limits and the delay."""
        with self._lock:
            self._faults.clear()
            self._throttles.clear()
        with self._launching:
            self.launches.clear()
        self.delay_s = 0.0
        self.clock = time.monotonic

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = read(environ)
        with self._lock:
            # Recorded first, because a request that is answered late or with an error has also arrived.
            self._requests.append(request)
            fault = self._due(request)
        if self.delay_s:
            time.sleep(self.delay_s)
        if fault is not None:
            return answer(fault, request, environ, start_response)
        if request.operation != "RunInstances":
            if self.launches.boot_s:
                with self._launching:
                    self.launches.tick(self.clock())
            return self._app(environ, start_response)
        with self._launching:
            return self._launch(request, environ, start_response)

    def _launch(self, request: Request, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        first = self.launches.repeated(request, start_response)
        if isinstance(first, list):
            return first
        refusal = first or self._full_subnet(request)
        if refusal is not None:
            return answer(refusal, request, environ, start_response)
        return self.launches.launch(self._app, request, environ, start_response, self.clock())

    def _due(self, request: Request) -> Fault | None:
        operation = request.operation
        for name, tokens in ((operation, 1), (f"{operation} machines", machines_of(request))):
            throttle = self._throttles.get(name)
            refusal = None if throttle is None else throttle.admit(self.clock(), tokens)
            if refusal is not None:
                return refusal
        fault = self._faults.get(operation)
        if fault is None or fault.left is None:
            return fault
        fault.left -= 1
        if fault.left <= 0:
            del self._faults[operation]
        return fault

    def _full_subnet(self, request: Request) -> Fault | None:
        """AWS's error for a launch that does not fit into its subnet.

        moto hands out the last addresses and then answers 500, so this counts for it. Like AWS it refuses a launch if
        MinCount does not fit. (If it fits, AWS starts up to MaxCount machines, but moto only MinCount.)
        """
        subnet = request.params.get("SubnetId") or request.params.get("NetworkInterface.1.SubnetId")
        if not subnet:
            return None
        subnets = self._direct.call("DescribeSubnets", {"Filter.1.Name": "subnet-id", "Filter.1.Value.1": subnet})
        free = strings(subnets, "subnetSet/item/availableIpAddressCount")
        wanted = request.params.get("MinCount", "1")
        if not free or not wanted.isdecimal() or int(wanted) <= int(free[0]):
            return None
        return Fault(
            400,
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in subnet '{subnet}' to satisfy the requested number of instances.",
        )
