"""What a scenario consists of, and all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from guardrails.testing import SimulatedAWS

# What `arrange` built, by whatever names the scenario gives it.
World = Any
SCENARIOS: dict[str, Scenario] = {}


@frozen
class Scenario:
    """One incident: `harm` does it, `happened` sees whether it was done; `innocent` is the sibling that must pass.

    `rule` is what stops it, `config` what the guard is configured with besides its defaults. `harmful` are the
    operations of which none may arrive at the server.
    """

    incident: str
    rule: str
    harmful: tuple[str, ...]
    arrange: Callable[[SimulatedAWS], World]
    harm: Callable[[SimulatedAWS, World], object]
    happened: Callable[[SimulatedAWS, World], bool]
    innocent: Callable[[SimulatedAWS, World], object]
    passed: Callable[[SimulatedAWS, World], bool]
    config: Mapping[str, Any] = field(factory=dict)


def scenario(cls: type) -> type:
    """Register a class whose attributes are those of a Scenario; its functions take (aws, world)."""
    members = {name: value for name, value in vars(cls).items() if not name.startswith("_")}
    SCENARIOS[cls.__name__] = Scenario(**members)
    return cls
