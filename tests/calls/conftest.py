"""What tests of calls share."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from guardrails.testing import SimulatedAWS
from tests.support.places import both
from tests.support.saved_world import SavedWorlds


@pytest.fixture
def places(aws: SimulatedAWS, worlds: SavedWorlds) -> Any:
    """Blue and green, each with one of everything; blue is live where its address counts. No request is recorded."""
    built = worlds.once("places", lambda: both(aws))
    aws.clear()
    return built


@pytest.fixture
def hosts_without_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore puts the account in front of S3 Control's host, which no server on the loopback has."""
    find = socket.getaddrinfo

    def found(host: Any, *more: Any) -> Any:
        return find(host.removeprefix("123456789012.") if isinstance(host, str) else host, *more)

    monkeypatch.setattr(socket, "getaddrinfo", found)
