"""What a scenario consists of, and all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen

from guardrails.testing import SimulatedAWS

# What `arrange` built, under names the scenario chooses.
World = Any
SCENARIOS: dict[str, Scenario] = {}


@frozen
class Scenario:
    """One incident: `harm` causes it, `happened` tells whether it did; `innocent` is the sibling that must pass.

    `rule` is what stops it, `config` what the guard is configured with besides its defaults (or a function that makes
    that, given an empty folder). `harmful` are the operations of which none may arrive at the server. `stopped` says
    how: the call is ``denied``, or only ``slowed`` down; or the guard is broken and so ``not installed``.
    """

    incident: str
    harmful: tuple[str, ...]
    arrange: Callable[[SimulatedAWS], World]
    harm: Callable[[SimulatedAWS, World], object]
    happened: Callable[[SimulatedAWS, World], bool]
    innocent: Callable[[SimulatedAWS, World], object]
    passed: Callable[[SimulatedAWS, World], bool]
    rule: str = ""
    config: Mapping[str, Any] | Callable[[Path], Mapping[str, Any]] = field(factory=dict)
    stopped: Literal["denied", "slowed", "not installed"] = "denied"


def scenario(cls: type) -> type:
    """Register a class whose attributes are those of a Scenario; its functions take (aws, world)."""
    members = {name: value for name, value in vars(cls).items() if not name.startswith("_")}
    SCENARIOS[cls.__name__] = Scenario(**members)
    return cls
