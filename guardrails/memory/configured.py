"""The memory that a configuration names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails import caller
from guardrails.config.places import state_home
from guardrails.config.settings import STANDARD_ERROR, Settings
from guardrails.memory.approvals import ApprovalFolder, Board
from guardrails.memory.cutovers import Cutovers, FleetCutovers
from guardrails.memory.fleet import FleetStore
from guardrails.memory.sqlite import SqliteStore
from guardrails.memory.sqlite.cutovers import SqliteCutovers
from guardrails.memory.store import Store

if TYPE_CHECKING:
    from guardrails.memory.dynamodb import Glasses, Place

# Imported when a configuration names a table: most processes start without one.
_DYNAMODB = "guardrails.memory.dynamodb"


def store(settings: Settings) -> Store:
    """The memory that guards share, and in a fleet that of this host beside it."""
    host, state = SqliteStore(state_file(settings)), settings.state
    if state.store == "sqlite":
        return host
    shared = import_module(_DYNAMODB).DynamoStore(table(settings), caller.claimant)
    return FleetStore(shared, host, state.hosts, state.fallback == "host")


def post(settings: Settings) -> Callable[[Mapping[str, Any]], Callable[[], None]] | None:
    """What shows other hosts which rules are set aside here, and returns what ends that; None without a table."""
    if not settings.state.enabled or settings.state.store == "sqlite":
        return None
    return glasses(settings).post


def glasses(settings: Settings) -> Glasses:
    """The broken glasses of a fleet."""
    dynamodb = import_module(_DYNAMODB)
    made: Glasses = dynamodb.Glasses(dynamodb.Table(table(settings)), caller.claimant)
    return made


def board(settings: Settings) -> Board:
    """Where approvals are asked for and given: in the table that hosts share, or in a folder of this host."""
    if settings.state.enabled and settings.state.store == "dynamodb":
        dynamodb = import_module(_DYNAMODB)
        shared: Board = dynamodb.ApprovalTable(dynamodb.Table(table(settings)))
        return shared
    return ApprovalFolder(settings.approval_folder)


def cutovers(settings: Settings) -> Cutovers:
    """Where the state of a cutover is kept: in a file of this host, or in the table that hosts share."""
    host = SqliteCutovers(state_file(settings))
    if settings.state.store == "sqlite":
        return host
    dynamodb = import_module(_DYNAMODB)
    return FleetCutovers(dynamodb.CutoverTable(dynamodb.Table(table(settings))), host)


def table(settings: Settings) -> Place:
    """Where the memory of a fleet is."""
    state = settings.state
    place: Place = import_module(_DYNAMODB).Place(state.table, state.region, state.profile, state.timeout_s)
    return place


def state_file(settings: Settings) -> Path:
    """The file of the memory of this host."""
    beside = state_home() if settings.log.path == STANDARD_ERROR else settings.log.path.parent
    return settings.state.path or beside / "state.db"
