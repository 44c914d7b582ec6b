"""Which machines guards took away or launched recently, by cluster.

A call claims its machines before it is judged, so that two processes see each other when each terminates half of a
cluster at the same moment. Once the call has been decided on, the claim is settled: kept if the call is sent, otherwise
dropped.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve, field

from guardrails.memory import earlier_waves, members, waves
from guardrails.memory.buckets import Bucket
from guardrails.memory.claim import Claim
from guardrails.memory.events import GOING, LAUNCH, OUT, START, MachineState, past
from guardrails.memory.pacer import Pacer
from guardrails.memory.rate_limits import LAUNCH_LIMIT
from guardrails.memory.store import Asked, Remembered, Store
from guardrails.memory.waves import Leaving, leaving
from guardrails.values import EMPTY, Call, Live, Past, Target, frozen

_KEPT_S = 86_400.0
# The machines are running again at once.
_COME_BACK = frozenset(("RebootInstances", "SendDiagnosticInterrupt"))


@frozen
class History:
    """What calls did, in a store. Counts cover the last `window_s` seconds. All methods raise StateUnavailable.

    `owner` says which cluster something with certain tags belongs to, None for no cluster. `pacer` has the rate limits
    that launches draw on; None where calls are not paced. `wave_pause_s` is how long after a wave the next one may
    begin; None where nothing goes in waves.
    """

    store: Store
    owner: Callable[[Mapping[str, str]], str | None]
    window_s: float = field(default=3600.0)
    pacer: Pacer | None = None
    wave_pause_s: float | None = None

    def past(
        self,
        scope: str,
        call: Call,
        targets: Iterable[Target],
        machines: Mapping[str, MachineState],
        live: Live,
        now: float,
        *,
        whole: bool = True,
        reused: bool = False,
    ) -> Past:
        """What this process and others did before `call`; claims nothing."""
        return self._remember(scope, call, targets, machines, live, now, claims=False, whole=whole, reused=reused)[1]

    def claim(
        self,
        scope: str,
        call: Call,
        targets: Iterable[Target],
        machines: Mapping[str, MachineState],
        live: Live,
        now: float,
        *,
        whole: bool = True,
        reused: bool = False,
    ) -> tuple[Claim, Past]:
        """The same, and the machines of this call are claimed in the same transaction. Always settle the claim.

        `scope` is an account and region, `machines` are those of the region by id (all if `whole`), `now` is in seconds
        since the epoch. `live` is `reused` where an earlier decision was made on some of the same answers.
        """
        return self._remember(scope, call, targets, machines, live, now, claims=True, whole=whole, reused=reused)

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
        whole: bool,
        reused: bool,
    ) -> tuple[Claim, Past]:
        targets = tuple(targets)
        taken = leaving(call, targets, machines) if self.wave_pause_s is not None else {}
        claim = self._claim(scope, call, targets, machines, taken)
        named = {each.id: members.resource(call, each) for each in targets if each.id not in machines}
        asked = Asked(
            *(scope, claim.id, claim.events[0][0], live, now),
            claim.events if claims else (),
            self._seen(machines, targets, named),
            frozenset(name for target in targets for name in target.clusters),
            self._launches(call),
            self.window_s,
            kept_s=max(_KEPT_S, self.window_s),
            whole=whole,
            reused=reused,
        )
        known = self.store.remember(asked)  # no longer than this has the store its lock
        return claim, evolve(
            past(known.events, claim.events, claim.events[0][0], machines, {*_named(targets)}, known.now, whole=whole),
            live_since=known.times.live_since,
            retired_at=known.times.retired_at,
            was_live_until=known.times.was_live_until,
            outdated=known.times.outdated,
            taken_out=_by_target(known.taken_out, named),
            **self._shared(known, taken, machines),
        )

    def _shared(
        self, known: Remembered, taken: Mapping[str, Leaving], machines: Mapping[str, MachineState]
    ) -> dict[str, Any]:
        """What guards did together, as fields of Past."""
        own = frozenset(name for part in taken.values() for name in part.names)
        pause_s, now = self.wave_pause_s, known.now
        return {
            "launch_tokens": self.pacer.left(LAUNCH_LIMIT, *known.levels) if self.pacer and known.levels else None,
            "hosts": known.hosts,
            "unshared": known.unshared,
            "freezes": known.freezes,
            "earlier": EMPTY if pause_s is None else earlier_waves.earlier(known.events, own, machines, now, pause_s),
        }

    def freezes(self, now: float) -> Past:
        """Nothing but what is frozen now, for a call of which nothing is known that could be counted."""
        return Past(freezes=self.store.freezes(now))

    def _launches(self, call: Call) -> tuple[Bucket, ...]:
        """The bucket that limits how fast what a call takes away can be started again."""
        return (self.pacer.bucket(LAUNCH_LIMIT),) if self.pacer and "terminate" in call.effects else ()

    def _claim(
        self,
        scope: str,
        call: Call,
        targets: Iterable[Target],
        machines: Mapping[str, MachineState],
        taken: Mapping[str, Leaving],
    ) -> Claim:
        claim_id = str(uuid.uuid4())
        events = [(f"call {call.name}", "", claim_id)]
        for kind in GOING:
            if kind in call.effects and call.operation not in _COME_BACK:
                events += [(kind, machines[name].cluster, name) for name in _named(targets) if name in machines]
        if call.takes_out:
            events += [(OUT, machines[name].cluster, name) for name in _named(targets) if name in machines]
        if call.operation == "StartInstances":
            ids = call.params.get("InstanceIds") or ()
            events += [(START, machines[name].cluster, name) for name in ids if name in machines]
        if call.operation == "RunInstances":
            cluster = self._tagged(call)
            events += [(LAUNCH, cluster, f"{claim_id} {number}") for number in range(_size(call))]
        events += waves.events(claim_id, taken, events)
        return Claim(claim_id, self.store, scope, tuple(dict.fromkeys(events)))

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


def _by_target(
    taken_out: Mapping[str, Mapping[str, float]], named: Mapping[str, str]
) -> dict[str, Mapping[str, float]]:
    """What was taken out, by the names under which it is remembered and by the ids of the call's targets."""
    return {**taken_out, **{target: taken_out[name] for target, name in named.items() if name in taken_out}}


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
