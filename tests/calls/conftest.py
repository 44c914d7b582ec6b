"""What tests of calls share."""

from __future__ import annotations

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
