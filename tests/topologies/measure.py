"""Builds a topology, tries everything with a guard in place, and counts at the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen
from botocore.exceptions import ClientError

import guardrails
from guardrails.resolve.lookups import Fetched, Lookups
from guardrails.testing import SimulatedAWS
from tests.faults.proxy import LOOKUP
from tests.topologies.world import Act, Topology, World

Install = Callable[..., guardrails.Guard]
# With this code AWS says that nothing was done; after another one, some of several machines may be gone.
ARRIVED = "UnauthorizedOperation"


@frozen
class LookUps:
    """What a decision asked AWS: how many requests, in how many rounds of which each waits for the one before."""

    requests: int
    rounds: int


@define
class Row:
    """What became of every call: the rules that denied it, none where it arrived."""

    topology: Topology
    live: dict[str, frozenset[str]] = field(factory=dict)
    other: dict[str, frozenset[str]] = field(factory=dict)
    wrong: dict[str, frozenset[str]] = field(factory=dict)
    switch: list[frozenset[str]] = field(factory=list)
    names_after: tuple[str, ...] = ()
    new_live: dict[str, frozenset[str]] = field(factory=dict)
    window: dict[str, frozenset[str]] = field(factory=dict)
    after_window: dict[str, frozenset[str]] = field(factory=dict)
    first: LookUps = LookUps(0, 0)
    later: LookUps = LookUps(0, 0)
    each: list[LookUps] = field(factory=list)


class _Trial:
    """Makes calls in a topology, and counts."""

    def __init__(self, aws: SimulatedAWS, world: World) -> None:
        self._aws, self._world = aws, world
        self._clients: dict[str, Any] = {}
        self.rounds = 0

    def attempt(self, act: Act, *, sent: bool = False) -> frozenset[str]:
        """The rules that deny a call, none where it arrived; that one is done if `sent`, else refused by AWS."""
        client = self._clients.get(act.service) or self._aws.client(act.service)
        self._clients[act.service] = client
        operation = client.meta.method_to_api_mapping[act.method]
        for name, document in act.replies.items():
            self._aws.reply(name, document)
        if not sent:
            self._aws.answer(act.request or operation, 403, ARRIVED, "it arrived")
        before = self._arrived()
        try:
            with act.around():
                getattr(client, act.method)(**act.params)
        except guardrails.CallDenied as denied:
            assert self._arrived() == before, operation
            return frozenset(each.rule for each in denied.decision.violations) or frozenset(["unavailable"])
        except ClientError as error:
            if error.response["Error"]["Code"] != ARRIVED:
                raise
        finally:
            self._aws.repair()
            self._world.canned()
        assert self._arrived() == before + 1, operation
        return frozenset()

    def all(self, acts: dict[str, Act]) -> dict[str, frozenset[str]]:
        """The same of each, by name."""
        return {name: self.attempt(act) for name, act in acts.items()}

    def look_ups(self, act: Act) -> LookUps:
        """What the decision on a call asks."""
        before, self.rounds = len(self._aws.requests) - self._arrived(), 0
        self.attempt(act)
        return LookUps(len(self._aws.requests) - self._arrived() - before, self.rounds)

    def _arrived(self) -> int:
        """How many requests arrived that are not the guard's own look-ups."""
        return sum(LOOKUP not in request.user_agent for request in self._aws.requests)


@contextmanager
def _counting(trial: _Trial) -> Iterator[None]:
    """Counts the rounds in which the guard asks AWS: what it asks side by side is one."""
    original = Lookups.fetch

    def fetch(self: Lookups, *args: Any) -> Fetched:
        fetched = original(self, *args)
        trial.rounds += fetched.requests > 0
        return fetched

    Lookups.fetch = fetch  # type: ignore[method-assign]
    try:
        yield
    finally:
        Lookups.fetch = original  # type: ignore[method-assign]


def measure(topology: Topology, aws: SimulatedAWS, install: Install) -> Row:
    """Everything that the table says of a topology."""
    aws.reset()
    world = topology.build(aws)
    world.canned()
    trial, row = _Trial(aws, world), Row(topology)
    live, other = dict(world.harms[world.live]), dict(world.harms[world.other])
    guard = install(**_config(topology, window_s=3600))
    with _counting(trial):
        row.first = trial.look_ups(other["terminate"])
        row.live, row.other = trial.all(live), trial.all(other)
        # Each of these arrives, after which the guard remembers no answer.
        row.later = trial.look_ups(other["terminate"])
        row.each = [trial.look_ups(act) for act in other.values()]
    for name, act in world.wrong.items():
        # A call that arrives makes the guard forget what it was answered.
        trial.attempt(other["terminate"])
        row.wrong[name] = trial.attempt(act, sent=True)
    trial.attempt(other["terminate"])
    row.switch = [trial.attempt(act, sent=True) for act in world.switch]
    world.moved()
    row.names_after = guard.live(aws.client("ec2")).live.clusters
    row.new_live, row.window = (
        trial.all({**other, **world.gained}),
        trial.all({name: live[name] for name in ("terminate", "stop")}),
    )
    guardrails.uninstall()
    install(**_config(topology, window_s=0))
    row.after_window = trial.all({"terminate": live["terminate"]})
    guardrails.uninstall()
    return row


def _config(topology: Topology, *, window_s: float) -> dict[str, Any]:
    params = {**(topology.config.get("params") or {}), "rollback_window_s": window_s}
    return {**topology.config, "params": params}
