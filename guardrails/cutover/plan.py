"""What a cutover will do: the entrances that users come through, and the states that the steps bring them into.

A state is JSON, as its kind reads it from AWS (kinds/). Going back needs nothing but these: each entrance has the state
that it had before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from attrs import asdict, field, frozen

State = Any


@frozen
class Entrance:
    """Something that users come through. `id` is AWS's name of it, `name` the one that people look for.

    `before` is its state when the plan was made.
    """

    kind: str
    id: str
    name: str
    before: State

    @property
    def key(self) -> str:
        """Unique in a plan."""
        return f"{self.kind} {self.id}"


@frozen
class Move:
    """One entrance and the state that a step brings it into; `what` says so to people."""

    key: str
    state: State
    what: str


@frozen
class Step:
    """What changes together. The users' share of the new side is then `share` percent, where weights can say that.

    `wait_s` is how long it takes at least until all users see it: the TTL of the records that it changes.
    """

    share: int
    moves: tuple[Move, ...]
    wait_s: float = 0.0


@frozen
class Plan:
    """Everything a cutover does. `source` and `to` are clusters; `to` has these `machines` and target `groups`.

    `roles` are what names the live cluster beside what users come through, and moves at the end.
    """

    source: str
    to: str
    account: str
    region: str
    entrances: tuple[Entrance, ...]
    steps: tuple[Step, ...]
    roles: tuple[Move, ...] = ()
    machines: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    bake_s: float = 60.0
    patience_s: float = 120.0
    rollback_s: float = 3600.0

    @property
    def scope(self) -> str:
        """The account and region."""
        return f"{self.account}/{self.region}"

    @property
    def digest(self) -> str:
        """Of everything in it: who confirms a plan confirms exactly this."""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()

    def entrance(self, key: str) -> Entrance:
        """The entrance with this key."""
        return next(each for each in self.entrances if each.key == key)

    def states(self, key: str) -> tuple[State, ...]:
        """Every state that this cutover knows of an entrance, the first one from before it."""
        moves = [move for step in self.steps for move in step.moves] + [*self.roles]
        return (self.entrance(key).before, *(move.state for move in moves if move.key == key))

    def wanted(self, number: int) -> dict[str, State]:
        """The state of each entrance after this many steps, for those that were moved."""
        return {move.key: move.state for step in self.steps[:number] for move in step.moves}

    def share(self, number: int) -> str:
        """What the new side has after this many steps, for people: addresses are counted, only the others have shares.

        ``10 % of the users``, ``1 of 2 addresses`` or ``10 % of the users by weight, 1 of 2 addresses``.
        """
        every = {self.entrance(key).kind for key in self.wanted(len(self.steps))}
        share = f"{self.steps[number - 1].share} % of the users"
        addresses = [entrance.key for entrance in self.entrances if entrance.kind == "address"]
        if not addresses:
            return share
        counted = f"{len(self.wanted(number).keys() & {*addresses})} of {len(addresses)} addresses"
        return f"{share} by weight, {counted}" if every - {"address"} else counted

    def moved_first(self) -> tuple[str, ...]:
        """The keys of all entrances, in the order in which they are moved first."""
        moves = [move for step in self.steps for move in step.moves] + [*self.roles]
        return tuple(dict.fromkeys(move.key for move in moves))

    def document(self) -> dict[str, Any]:
        """As JSON."""
        made: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return made


def read(document: Mapping[str, Any]) -> Plan:
    """The plan from its document. Raises ValueError where it is not one."""
    try:
        parts: dict[str, Any] = {
            "entrances": tuple(Entrance(**each) for each in document["entrances"]),
            "steps": tuple(_step(each) for each in document["steps"]),
            "roles": tuple(Move(**each) for each in document["roles"]),
            **{name: tuple(document[name]) for name in ("machines", "groups", "notes", "checks")},
        }
        return Plan(**{**document, **parts})
    except (LookupError, TypeError) as error:
        raise ValueError("it is not the plan of a cutover, or of another version of guardrails") from error


def _step(document: Mapping[str, Any]) -> Step:
    moves = tuple(Move(**each) for each in document["moves"])
    return Step(document["share"], moves, document["wait_s"])


@frozen
class Record:
    """How far a cutover is. `begun` counts the steps that were begun; `owner` works on it until `owner_until`.

    `note` says why the phase is what it is. Times are in seconds since the epoch, by the shared clock.
    """

    id: str
    plan: Plan
    phase: str
    begun: int = 0
    owner: str = ""
    by: str = ""
    host: str = ""
    owner_until: float = 0.0
    started_at: float = 0.0
    changed_at: float = 0.0
    note: str = ""
    revision: int = field(default=0, eq=False)

    def document(self) -> dict[str, Any]:
        """As JSON, without the revision."""
        made = {**asdict(self, recurse=False), "plan": self.plan.document()}
        made.pop("revision")
        return made

    @classmethod
    def read(cls, document: Mapping[str, Any], revision: int) -> Record:
        """The record from its document. Raises ValueError where it is not one."""
        try:
            return cls(**{**document, "plan": read(document["plan"])}, revision=revision)
        except (LookupError, TypeError) as error:
            raise ValueError("it is not a cutover, or of another version of guardrails") from error


SWITCHING, SWITCHED, FINISHED = "switching", "switched", "finished"
RETURNING, RETURNED, STUCK = "going-back", "went-back", "stuck"
OPEN = frozenset((SWITCHING, SWITCHED, RETURNING, STUCK))
