"""What an engine is, and the only shape of result that is accepted as an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast, get_args

from guardrails.values import EMPTY, Action, Enforcement, Violation, frozen

ENTRYPOINT = "data.guardrails.main.decision"
_ACTIONS = get_args(Action)
_ENFORCEMENTS = get_args(Enforcement)
_MEMBERS = ("rule", "target", "message", "remediation")


class EngineFailure(Exception):
    """The engine gave no usable answer, so the governed call is blocked. The message says what happened."""


@frozen
class Evaluation:
    """The result document, the revision of the policies that gave it, and OPA's timers (``timer_…_ns``).

    `loaded_at` is when the policies were loaded, in seconds since the epoch; 0 where only a server knows. `behind` is
    why the files on disk, or a new bundle, do not load now; "" where they do. `checked_at` is when fetched bundles were
    last checked at their source, 0 where there are none.
    """

    result: Mapping[str, Any]
    revision: str
    metrics: Mapping[str, int] = EMPTY
    loaded_at: float = 0.0
    behind: str = ""
    checked_at: float = 0.0


class Engine(Protocol):
    """Answers an `input` document with the result document of ENTRYPOINT. Raises only EngineFailure."""

    @property
    def revision(self) -> str: ...

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation: ...


def read_result(result: object) -> tuple[Action, tuple[Violation, ...]]:
    """Action and violations of a result document. Raises EngineFailure for anything undefined, missing or malformed."""
    if not isinstance(result, Mapping):
        raise EngineFailure(f"{ENTRYPOINT} is {'undefined' if result is None else 'not an object'}")
    action, entries = result.get("action"), result.get("violations")
    if action not in _ACTIONS:
        raise EngineFailure(f"{ENTRYPOINT}.action is {action!r}; it must be one of {', '.join(_ACTIONS)}")
    if not isinstance(entries, list):
        raise EngineFailure(f"{ENTRYPOINT}.violations is not a list")
    violations = tuple(_violation(entry) for entry in entries)
    if _strongest(violations) != action:
        raise EngineFailure(
            f"{ENTRYPOINT}.action is {action!r}, but its violations amount to {_strongest(violations)!r}"
        )
    return cast("Action", action), violations


def _violation(entry: object) -> Violation:
    if not isinstance(entry, Mapping) or not all(isinstance(entry.get(key), str) and entry[key] for key in _MEMBERS):
        raise EngineFailure(f"a violation lacks one of {', '.join(_MEMBERS)}: {entry!r}")
    if entry.get("action") not in _ENFORCEMENTS:
        raise EngineFailure(f"the violation of {entry['rule']} has an unknown action: {entry.get('action')!r}")
    return Violation(entry["rule"], entry["target"], entry["message"], entry["remediation"], entry["action"])


def _strongest(violations: tuple[Violation, ...]) -> Action:
    actions = {violation.action for violation in violations}
    order: tuple[Action, ...] = ("deny", "confirm", "warn")
    return next((action for action in order if action in actions), "allow")
