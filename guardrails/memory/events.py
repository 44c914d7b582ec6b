"""What calls did, or are about to do, to machines; and how that is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from guardrails.values import Past, frozen

# What is known of the call of an event; 0 is a call that is being decided on.
SENT, IN_DOUBT = 1, 2
# For how long AWS may show a machine as running after it accepted the call that takes it away.
IN_FLIGHT_S = 120.0
# The same for a call that may not have been carried out: it came back without an answer, or was cancelled.
_IN_DOUBT_S = 30.0
# After this long, a claim that was not settled belongs to a process that died. It counts on only for named machines
# that AWS shows as gone or down: the call was sent.
ABANDONED_S = 900.0
RATE_S = 60.0
GOING = {"terminate": "shutting-down", "stop": "stopping"}
# Of these, AWS's own answer confirms what became of a machine.
CONFIRMED = tuple(GOING)
START = "start"
# Out of service in another way, or one of machines that the call does not name; only where machines go in waves.
TAKE = "take"
# Out of service by a load balancer or its group, and still running.
OUT = "out"
LAUNCH = "launch"


@frozen
class MachineState:
    """What the history needs to know of a machine; `cluster` is "" without a cluster tag.

    `launched_at` is AWS's LaunchTime, the last start (seconds since the epoch), None where it is not known.
    """

    cluster: str
    state: str
    launched_at: float | None = None


class Event(NamedTuple):
    """A call did `kind` to the machine `name`; `state` is what is known of its outcome.

    The name is "" where machines are only counted; then it always counts. A tuple, because a decision may read
    thousands.
    """

    kind: str
    name: str
    cluster: str
    at: float
    state: int

    def in_flight(self, now: float) -> bool:
        """Whether AWS may still be about to show what the call did."""
        return self.in_flight_until > now

    @property
    def in_flight_until(self) -> float:
        """The end of that time."""
        return self.at + (_IN_DOUBT_S if self.state == IN_DOUBT else IN_FLIGHT_S)


def is_under_way(event: Event, now: float) -> bool:
    """Whether a call is being decided on, or AWS may still be about to show what it did."""
    return event.at > now - ABANDONED_S if event.state == 0 else event.in_flight(now)


def counts_longer(event: Event, before: Event) -> bool:
    """Of two calls for the same machine, the one in flight for longer counts; of two starts, the last."""
    if event.kind == START:
        return event.at > before.at
    return event.in_flight_until > before.in_flight_until


def past(
    events: Iterable[Event],
    own: Collection[tuple[str, str, str]],
    operation: str,
    machines: Mapping[str, MachineState],
    own_machines: Collection[str],
    now: float,
    *,
    whole: bool = True,
) -> Past:
    """What was done before, without the call's own events; calls like this one are of the kind `operation`.

    Where `machines` are not the `whole` region, one that is not among them may still be down.
    """
    mine = {(kind, name) for kind, _, name in own}
    others = [event for event in events if (event.kind, event.name) not in mine]
    calls = [event for event in others if event.kind == operation]
    starts = {event.name: event.at for event in others if event.kind == START and event.state == SENT}
    others = [event for event in others if not (event.kind == "stop" and _started_since(event, machines, starts))]
    counted = {*own_machines, *(event.name for event in others if event.kind in GOING)}
    return Past(
        going=_going(others, machines, now),
        destroyed=_count(event for event in others if event.kind == "terminate" and _gone(event, machines)),
        # A machine counts once: this call may take one down in another way than before.
        stopped=_count(
            event
            for event in others
            if event.kind == "stop" and event.name not in own_machines and _down(event, machines, now, whole=whole)
        ),
        # What is terminated or stopped after that counts there.
        out=_count(
            event
            for event in others
            if event.kind == OUT and event.name not in counted and _runs(event, machines, whole=whole)
        ),
        launched=_count(event for event in others if event.kind == LAUNCH),
        call_rate=sum(event.at > now - RATE_S for event in calls),
    )


def _going(events: Iterable[Event], machines: Mapping[str, MachineState], now: float) -> dict[str, str]:
    """Machines that AWS still shows as running although a call is taking them away, with their next state."""
    going: dict[str, str] = {}
    for event in sorted(events, key=lambda event: event.kind):
        machine = machines.get(event.name)
        if machine is None or event.kind not in GOING or machine.state not in ("running", "pending"):
            continue
        if event.in_flight(now):
            going[event.name] = GOING[event.kind]
    return going


def _started_since(event: Event, machines: Mapping[str, MachineState], starts: Mapping[str, float]) -> bool:
    """True for a machine that was stopped, was started again after that, and is running or about to.

    AWS's LaunchTime says so, or a call that it accepted; `starts` has the time of each machine's last one.
    """
    machine = machines.get(event.name)
    started = max(starts.get(event.name, 0), (machine and machine.launched_at) or 0)
    return machine is not None and machine.state in ("running", "pending") and started > event.at


def _gone(event: Event, machines: Mapping[str, MachineState]) -> bool:
    # One that is shutting down, or about to, counts as in flight.
    return event.name not in machines or machines[event.name].state == "terminated"


def _down(event: Event, machines: Mapping[str, MachineState], now: float, *, whole: bool) -> bool:
    if not whole and event.name not in machines:
        return True
    if not event.name:
        return True
    machine = machines.get(event.name) or MachineState(event.cluster, "terminated")
    if machine.state == "running":
        return event.in_flight(now)
    return machine.state in ("stopping", "stopped")


def _runs(event: Event, machines: Mapping[str, MachineState], *, whole: bool) -> bool:
    if not event.name or (not whole and event.name not in machines):
        return True
    return event.name in machines and machines[event.name].state in ("running", "pending")


def _count(events: Iterable[Event]) -> dict[str, int]:
    return dict(Counter(event.cluster for event in events if event.cluster))
