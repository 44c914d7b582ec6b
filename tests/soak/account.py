"""The account of the soak: two sides that take turns in serving, and a third cluster that nobody needs.

Everything that arrives is judged before the simulation carries it out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

from attrs import Factory, define
from moto.ec2.models import ec2_backends

from guardrails.testing import SimulatedAWS
from guardrails.testing.request import Request, read

ACCOUNT = "123456789012"
# Fewer than a side has, so the guard does not take them for a side that may serve.
SPARES = 4
# How long a side must have served before a change of its network or addresses counts as harm: a decision may use facts
# that are some seconds old, and take some seconds.
SETTLED_S = 30.0
# How long a terminated machine is shown, in seconds.
FORGOTTEN_S = 60.0

_TAKES_AWAY = frozenset({"TerminateInstances", "StopInstances"})
_HURTS_WHO_SERVES = frozenset(
    {"RebootInstances", "ReleaseAddress", "DisassociateAddress", "ModifySubnetAttribute", "ModifyInstanceAttribute"}
    | {"DeleteTags", "CreateTags", "DetachVolume", "DeleteSecurityGroup"}
)


@define
class Account:
    """Blue and green, with two addresses that one of them holds; `harm` has each harmful request that arrived."""

    aws: SimulatedAWS
    sides: dict[str, tuple[str, ...]] = Factory(dict)
    spares: tuple[str, ...] = ()
    allocations: tuple[str, ...] = ()
    subnet: str = ""
    serving: str = "blue"
    since: float = 0.0
    switched: bool = False
    harm: list[str] = Factory(list)
    arrived: Counter[str] = Factory(Counter)
    # When a spare machine was first seen terminated; AWS shows one for a while, too.
    _gone: dict[str, float] = Factory(dict)
    _app: Any = None
    # moto is not made for many threads, and a machine that is gone is taken out of its lists.
    _lock: Any = Factory(threading.RLock)

    def begin(self) -> None:
        """Start the clusters, and judge what arrives from now on."""
        self.subnet = self.aws.create_subnet("10.0.8.0/24")
        blue = self.aws.start_cluster("blue", 6, addresses=2, subnet=self.subnet)
        green = self.aws.start_cluster("green", 7, subnet=self.aws.create_subnet("10.0.9.0/24"))
        self.sides = {"blue": blue.instance_ids, "green": green.instance_ids}
        self.allocations = blue.allocation_ids
        self.since = time.time()
        self.refill()
        door = self.aws._up.door
        self._app, door._app = door._app, self._judged

    def refill(self) -> None:
        """Start spare machines, so that there are always some, and forget those that were terminated a while ago."""
        with self._lock:
            backend = ec2_backends[ACCOUNT][self.aws.region]
            for name, reservation in [*backend.reservations.items()]:
                reservation.instances = [each for each in reservation.instances if not self._forgotten(each)]
                if not reservation.instances:
                    del backend.reservations[name]
            missing = SPARES - len(self.aws.machines("spare"))
            if missing > 0:
                self.aws.start_cluster("spare", missing)
            self._tag_again()
            self.spares = self.aws.machines("spare")
        self.aws.clear()

    def _tag_again(self) -> None:
        """A machine that left its side while that did not serve, which the guard allows, comes back to it."""
        backend = ec2_backends[ACCOUNT][self.aws.region]
        for name, machines in self.sides.items():
            for machine in {*machines} - {*self._tagged(name)}:
                backend.create_tags([machine], {"Cluster": name})

    def _tagged(self, name: str) -> list[str]:
        """The machines of a side that have its tag now."""
        backend = ec2_backends[ACCOUNT][self.aws.region]
        return [each for each in self.sides[name] if backend.tags[each].get("Cluster") == name]

    def _forgotten(self, machine: Any) -> bool:
        if machine.state != "terminated":
            return False
        return time.time() - self._gone.setdefault(machine.id, time.time()) > FORGOTTEN_S

    def _judged(self, environ: dict[str, Any], start_response: Any) -> Any:
        with self._lock:
            request = read(environ)
            self.arrived[request.operation] += 1
            reason = self.harmful(request)
            if reason:
                self.harm.append(reason)
                print(f"HARM: {reason}", flush=True)
            answer = [b"".join(self._app(environ, start_response))]
            if request.operation == "AssociateAddress":
                self._look()
            return answer

    def harmful(self, request: Request) -> str:
        """Why this request must not have arrived; "" if it may."""
        named = {*request.params.values()}
        operation = request.operation
        # The one that served before is kept for a rollback, which the run never outlasts.
        if operation in _TAKES_AWAY and (hit := named & {*self.sides["blue"], *self.sides["green"]}):
            return f"{operation} of {', '.join(sorted(hit))}"
        settled = time.time() - self.since > SETTLED_S
        live = {*self._tagged(self.serving), *self.allocations, *self._associations()}
        if self.serving == "blue":
            live.add(self.subnet)
        if operation in _HURTS_WHO_SERVES and settled and (hit := named & live):
            return f"{operation} of {', '.join(sorted(hit))}"
        if operation == "AssociateAddress" and named & {*self.allocations} and named & {*self.spares}:
            return f"AssociateAddress gives an address of {self.serving} to a spare machine"
        return ""

    def _associations(self) -> list[str]:
        backend = ec2_backends[ACCOUNT][self.aws.region]
        return [each.association_id for each in backend.describe_addresses() if each.association_id]

    def _look(self) -> None:
        """Who holds both addresses now."""
        backend = ec2_backends[ACCOUNT][self.aws.region]
        holders = {each.instance.id for each in backend.describe_addresses() if each.instance}
        for name, machines in self.sides.items():
            if len(holders & {*machines}) == len(self.allocations) and name != self.serving:
                self.serving, self.since = name, time.time()
