"""The memories of a fleet, for hosts that take turns at every request (see simulated_table.World).

Each opens, for a host whose clock is `ahead_s` seconds wrong, the store, the places of approvals and cutovers, and that
of broken glasses; the latter only where hosts share a table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.config.settings import IN_MEMORY
from guardrails.memory import SqliteStore
from guardrails.memory.approvals import ApprovalFolder, Identity
from guardrails.memory.dynamodb import ApprovalTable, CutoverTable, DynamoStore, Glasses, Place, Table
from guardrails.memory.fleet import FleetStore
from guardrails.memory.sqlite.cutovers import SqliteCutovers
from tests.support.simulated_table import SimulatedTable, World


class DictTable:
    """A table that is a dict."""

    skew_s = 5.0
    scope = "123456789012/eu-west-1"
    asker = Identity("AIDAALICE", "arn:aws:iam::1:user/alice")

    def __init__(self, ignored: str = "") -> None:
        self.world = World(0, ignored=ignored)

    def table(self, ahead_s):
        return SimulatedTable(self.world, ahead_s)

    def store(self, ahead_s):
        return DynamoStore(Place("t"), table=lambda _: self.table(ahead_s))

    def fleet(self, store):
        """The store with the host's own memory beside it."""
        return FleetStore(store, SqliteStore(IN_MEMORY), hosts=4)

    def board(self, ahead_s):
        return ApprovalTable(self.table(ahead_s))

    def cutovers(self, ahead_s):
        return CutoverTable(self.table(ahead_s))

    def glasses(self, ahead_s):
        return Glasses(self.table(ahead_s), dict)


class RealTable(DictTable):
    """A table of a DynamoDB, with the world's time instead of its own."""

    def __init__(self, place: Place, number: int, client: Any) -> None:
        """`number` keeps those of one table apart; all of them use the `client`."""
        super().__init__()
        self.place, self.scope = place, f"{number:012}/eu-west-1"
        self._client = client

    def table(self, ahead_s):
        made = _SteppedTable(self.world, ahead_s, self.place)
        made._client = self._client
        return made


class _SteppedTable(Table):
    def __init__(self, world: World, ahead_s: float, place: Place) -> None:
        super().__init__(place)
        self.world, self.ahead_s = world, ahead_s

    def now(self, local):
        return local - self.ahead_s

    def items(self, keys):
        keys = list(keys)
        return self.world.request(lambda: super(_SteppedTable, self).items(keys))

    def query(self, partition, prefix="", *, most=None):
        return self.world.request(lambda: list(super(_SteppedTable, self).query(partition, prefix, most=most)))

    def update(self, key, expression, values, names, **options):
        def write():
            after = super(_SteppedTable, self).update(key, expression, values, names, **options)
            if "epoch" in after:
                self.world.epochs.append(after["epoch"])
            return after

        return self.world.request(write)


class File:
    """The file of one host, whose processes have one clock."""

    skew_s = 0.0
    scope = DictTable.scope

    def __init__(self, folder: Path) -> None:
        self.world = World(0)
        self._store = SqliteStore(IN_MEMORY)
        self._cutovers = SqliteCutovers(IN_MEMORY)
        self._folder = folder
        self.asker = ApprovalFolder(folder).me()

    def store(self, _ahead_s):
        return _Stepped(self._store, self.world)

    def fleet(self, store):
        """Nothing is beside it."""
        return store

    def board(self, _ahead_s):
        return _Stepped(ApprovalFolder(self._folder), self.world)

    def cutovers(self, _ahead_s):
        return _Stepped(self._cutovers, self.world)

    def glasses(self, _ahead_s):
        return None


class _Stepped:
    """Each method is one request, as a transaction is, and none comes twice."""

    def __init__(self, real: Any, world: World) -> None:
        self._real, self._world = real, world

    def __getattr__(self, name):
        method = getattr(self._real, name)
        return lambda *args, **options: self._world.request(lambda: method(*args, **options), repeats=False)
