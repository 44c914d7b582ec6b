"""Which machines the guards of this host took away or launched recently, by cluster.

A call claims its machines before it is judged, so that two processes see each other when each terminates half of a
cluster at the same moment. Once the call has been decided on, the claim is settled: kept if the call is sent, otherwise
dropped.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from attrs import evolve, field, frozen

from guardrails.memory import liveness, members
from guardrails.memory.claim import IN_DOUBT, SENT, Claim
from guardrails.memory.store import Store
from guardrails.values import Call, Live, Past, Target

# For how long AWS may show a machine as running after it accepted the call that takes it away.
_IN_FLIGHT_S = 120.0
# The same for a call that may not have been carried out: it came back without an answer, or was cancelled.
_IN_DOUBT_S = 30.0
# After this long, a claim that was not settled belongs to a process that died.
_ABANDONED_S = 900.0
_RATE_S = 60.0
_KEPT_S = 86_400.0
# The machines are running again at once.
_COME_BACK = frozenset(("RebootInstances", "SendDiagnosticInterrupt"))
_GOING = {"terminate": "shutting-down", "stop": "stopping"}
_START = "start"


@frozen
class MachineState:
    """What the history needs to know of a machine; `cluster` is "" without a cluster tag.

    `launched_at` is AWS's LaunchTime, the last start (seconds since the epoch), None where it is not known.
    """

    cluster: str
    state: str
    launched_at: float | None = None


@frozen
class _Row:
    kind: str
    name: str
    cluster: str
    at: float
    state: int

    def in_flight(self, now: float) -> bool:
        """Whether AWS may still be about to show what the call did."""
        return self.at > now - (_IN_DOUBT_S if self.state == IN_DOUBT else _IN_FLIGHT_S)


@frozen
class History:
    """What calls did, in a store. Counts cover the last `window_s` seconds. All methods raise StateUnavailable.

    `owner` says which cluster something with certain tags belongs to, None for no cluster.
    """

    store: Store
    owner: Callable[[Mapping[str, str]], str | None]
    window_s: float = field(default=3600.0)

    def past(
        self,
        scope: str,
        call: Call,
        targets: Iterable[Target],
        machines: Mapping[str, MachineState],
        live: Live,
        now: float,
    ) -> Past:
        """What this process and others did before `call`; claims nothing."""
        return self._remember(scope, call, targets, machines, live, now, claims=False)[1]

    def claim(
        self,
        scope: str,
        call: Call,
        targets: Iterable[Target],
        machines: Mapping[str, MachineState],
        live: Live,
        now: float,
    ) -> tuple[Claim, Past]:
        """The same, and the machines of this call are claimed in the same transaction. Always settle the claim.

        `scope` is an account and region, `machines` are all of the region by id, `now` is in seconds since the epoch.
        """
        return self._remember(scope, call, targets, machines, live, now, claims=True)

    def _remember(
        self,
        scope: str,
        call: Call,
        targets: Iterable[Target],
        machines: Mapping[str, MachineState],
        live: Live,
        now: float,
        *,
        claims: bool,
    ) -> tuple[Claim, Past]:
        targets = tuple(targets)
        claim = self._claim(scope, call, targets, machines)
        named = {target.id: members.resource(call, target) for target in targets if target.id not in machines}
        # In a large region this takes longer than the transaction, which other processes wait for.
        seen = self._seen(machines, targets, named)
        with self.store.transaction() as connection:
            past = self._past(connection, claim, machines, {*_named(targets)}, now)
            times = liveness.note(connection, scope, live, now)
            taken_out = members.note(connection, scope, seen, live, times, now)
            if claims:
                connection.executemany(
                    "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
                    [(scope, kind, name, cluster, now, claim.id) for kind, cluster, name in claim.rows],
                )
        taken_out |= {target: taken_out[name] for target, name in named.items() if name in taken_out}
        return claim, evolve(past, live_since=times.live_since, retired_at=times.retired_at, taken_out=taken_out)

    def _claim(self, scope: str, call: Call, targets: Iterable[Target], machines: Mapping[str, MachineState]) -> Claim:
        claim_id = str(uuid.uuid4())
        rows = [(f"call {call.name}", "", claim_id)]
        for kind in _GOING:
            if kind in call.effects and call.operation not in _COME_BACK:
                rows += [(kind, machines[name].cluster, name) for name in _named(targets) if name in machines]
        if call.operation == "StartInstances":
            ids = call.params.get("InstanceIds") or ()
            rows += [(_START, machines[name].cluster, name) for name in ids if name in machines]
        if call.operation == "RunInstances":
            cluster = self._tagged(call)
            rows += [("launch", cluster, f"{claim_id} {number}") for number in range(_size(call))]
        return Claim(claim_id, self.store, scope, tuple(dict.fromkeys(rows)))

    def _tagged(self, call: Call) -> str:
        """The cluster that a launch tags its machines with, or ""."""
        specs = [spec for spec in call.params.get("TagSpecifications") or () if spec.get("ResourceType") == "instance"]
        tags = [tag for spec in specs for tag in spec.get("Tags") or ()]
        return self.owner({str(tag.get("Key")): str(tag.get("Value") or "") for tag in tags}) or ""

    def _seen(
        self, machines: Mapping[str, MachineState], targets: Iterable[Target], named: Mapping[str, str]
    ) -> dict[str, frozenset[str]]:
        """What each machine of the region, and each other target by its own tag, belongs to now."""
        gone = ("terminated", "shutting-down")
        seen = {name: frozenset([each.cluster]) for name, each in machines.items() if each.state not in gone}
        for target in targets:
            if target.id in named and target.role == "target" and target.resolved:
                own = self.owner(target.tags)
                tagged = [own] if own else []
                seen[named[target.id]] = frozenset(target.clusters if target.facts.get("marked") else tagged)
        return seen

    def _past(
        self,
        connection: sqlite3.Connection,
        claim: Claim,
        machines: Mapping[str, MachineState],
        own_machines: Collection[str],
        now: float,
    ) -> Past:
        connection.execute(
            "DELETE FROM event WHERE at < ? OR (sent = 0 AND at < ?)",
            (now - max(_KEPT_S, self.window_s), now - _ABANDONED_S),
        )
        rows = connection.execute(
            "SELECT kind, name, cluster, at, sent FROM event WHERE scope = ? AND at > ?",
            (claim.scope, now - self.window_s),
        )
        own = {(kind, name) for kind, _, name in claim.rows}
        others = [row for row in (_Row(*values) for values in rows) if (row.kind, row.name) not in own]
        calls = [row for row in others if row.kind == claim.rows[0][0]]
        starts = {row.name: row.at for row in others if row.kind == _START and row.state == SENT}
        others = [row for row in others if not (row.kind == "stop" and _started_since(row, machines, starts))]
        return Past(
            going=_going(others, machines, now),
            destroyed=_count(row for row in others if row.kind == "terminate" and _gone(row, machines)),
            # A machine counts once: this call may take one down in another way than before.
            stopped=_count(
                row
                for row in others
                if row.kind == "stop" and row.name not in own_machines and _down(row, machines, now)
            ),
            launched=_count(row for row in others if row.kind == "launch"),
            call_rate=sum(row.at > now - _RATE_S for row in calls),
        )


def _named(targets: Iterable[Target]) -> list[str]:
    """The machines among the targets, and those of the groups, stacks and the like among them."""
    names: list[str] = []
    for target in targets:
        if target.role == "target":
            names += [target.id] if target.type == "instance" else target.facts.get("instances", ())
    return list(dict.fromkeys(names))


def _size(call: Call) -> int:
    size = call.params.get("MaxCount")
    # AWS refuses to start more in one call.
    return min(size, 5000) if isinstance(size, int) else 0


def _going(rows: Iterable[_Row], machines: Mapping[str, MachineState], now: float) -> dict[str, str]:
    """Machines that AWS still shows as running although a call is taking them away, with their next state."""
    going: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.kind):
        machine = machines.get(row.name)
        if machine is None or row.kind not in _GOING or machine.state not in ("running", "pending"):
            continue
        if row.in_flight(now):
            going[row.name] = _GOING[row.kind]
    return going


def _started_since(row: _Row, machines: Mapping[str, MachineState], starts: Mapping[str, float]) -> bool:
    """True for a machine that was stopped, was started again after that, and is running or about to.

    AWS's LaunchTime says so, or a call that it accepted; `starts` has the time of each machine's last one.
    """
    machine = machines.get(row.name)
    started = max(starts.get(row.name, 0), (machine and machine.launched_at) or 0)
    return machine is not None and machine.state in ("running", "pending") and started > row.at


def _gone(row: _Row, machines: Mapping[str, MachineState]) -> bool:
    # One that is shutting down, or about to, counts as in flight.
    return row.name not in machines or machines[row.name].state == "terminated"


def _down(row: _Row, machines: Mapping[str, MachineState], now: float) -> bool:
    machine = machines.get(row.name) or MachineState(row.cluster, "terminated")
    if machine.state == "running":
        return row.in_flight(now)
    return machine.state in ("stopping", "stopped")


def _count(rows: Iterable[_Row]) -> dict[str, int]:
    return dict(Counter(row.cluster for row in rows if row.cluster))
