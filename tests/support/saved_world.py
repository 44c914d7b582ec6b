"""A simulated account that many tests begin with: built once per process, then put back as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field, frozen
from moto.core.base_backend import BackendDict, BaseBackend

World = TypeVar("World")


@frozen
class _Saved:
    """The state of each of moto's backends: by service, account and region."""

    backends: list[tuple[BackendDict[Any], str, str, BaseBackend]]
    state: list[dict[str, Any]]


@define
class SavedWorlds:
    """What was built, by name."""

    _saved: dict[str, tuple[_Saved, Any]] = field(factory=dict)

    def once(self, name: str, build: Callable[[], World]) -> World:
        """What `build` returns and has made in the account, which must be empty; from then on a copy of both."""
        if name in self._saved:
            saved, world = self._saved[name]
            _put_back(saved)
        else:
            world = build()
            self._saved[name] = (_save(), world)
        return copy.deepcopy(world)


def _save() -> _Saved:
    backends = [
        (service, account, region, backend)
        for service in BackendDict._instances
        for account, region, backend in service.iter_backends()
    ]
    # Backends refer to each other; each keeps its identity.
    memo = {id(backend): backend for *_, backend in backends}
    return _Saved(backends, [copy.deepcopy(backend.__dict__, memo) for *_, backend in backends])


def _put_back(saved: _Saved) -> None:
    now = [service[account][region] for service, account, region, _ in saved.backends]
    memo = {id(then[-1]): backend for then, backend in zip(saved.backends, now, strict=True)}
    for backend, state in zip(now, saved.state, strict=True):
        backend.__dict__ = copy.deepcopy(state, memo)
