"""What a guarded process passes to the processes that multiprocessing starts, so that they are guarded as well."""

from __future__ import annotations

import functools
import pickle
from typing import Any

from guardrails.activation.hook import arm, public_install


class Inherited:
    """Travels in the preparation data of a spawned process; unpickled, it arms the hook with the same settings."""

    def __init__(self, settings: bytes) -> None:
        """`settings` are pickled already, so that a child that never uses AWS need not import their classes."""
        self._settings = settings

    @classmethod
    def of(cls, settings: Any) -> Inherited:
        """From the guard's settings."""
        return cls(pickle.dumps(settings))

    def __reduce__(self) -> tuple[Any, ...]:
        return _arm_child, (self._settings,)


def hand_on(original: Any, inherited: Any) -> Any:
    """A gate for multiprocessing's `get_preparation_data` that adds `inherited()` to the data."""

    @functools.wraps(original)
    def get_preparation_data(name: str) -> dict[str, Any]:
        # Spawned processes and those of a fork server unpickle everything, and ignore keys they do not know.
        return {**original(name), "guardrails": inherited()}

    return get_preparation_data


def _arm_child(settings: bytes) -> None:
    from multiprocessing import spawn as module  # noqa: PLC0415  (imported already: it started this process)

    spawn: Any = module
    original = spawn.get_preparation_data
    # This process may start others before it imports botocore.
    spawn.get_preparation_data = hand_on(original, lambda: Inherited(settings))

    def install() -> None:
        spawn.get_preparation_data = original
        public_install()(pickle.loads(settings))  # noqa: S301  (it comes from the parent, which could run anything here)

    arm("its parent process is", install)
