"""What a guarded process passes to the processes that it starts, so that they are guarded as well.

Those of multiprocessing and its like have it in what they unpickle, all others in the environment.
"""

from __future__ import annotations

import base64
import functools
import os
import pickle
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from guardrails.activation.descendants import PLANS, execute, start_process
from guardrails.activation.hook import arm, public_install
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


class Inherited:
    """Travels in the preparation data of a spawned process; unpickled, it arms the hook with the same settings."""

    def __init__(self, settings: bytes) -> None:
        """`settings` are pickled already, so that a child that never uses AWS need not import their classes."""
        self._settings = settings
        # The server that forks the process may have been started before the plan, or in one that is over.
        self._plans = {name: os.environ.get(name) for name in PLANS}

    @classmethod
    def of(cls, settings: Any) -> Inherited:
        """From the guard's settings."""
        return cls(pickle.dumps(settings))

    def __reduce__(self) -> tuple[Any, ...]:
        return _arm_child, (self._settings, self._plans)


def gates(settings: Any) -> Mapping[str, Callable[[Any], Any]]:
    """The gates on the ways to start a process, by kind (see intercept/gates.py)."""
    return {
        "spawn": lambda original: hand_on(original, lambda: Inherited.of(settings)),
        "popen": start_process,
        "exec": execute,
    }


def install(packed: str) -> None:
    """Install the guard of the parent process, by what it put into the environment; "" is what is found here."""
    try:
        settings = pickle.loads(zlib.decompress(base64.b64decode(packed))) if packed else None  # noqa: S301
    except Exception as error:
        # Another version of guardrails, whose settings look different.
        _logger.warning("the parent's configuration cannot be read (%s); this process uses the one it finds", error)
        settings = None
    public_install()(_as_now(settings)).inherited = True  # type: ignore[attr-defined]


def _as_now(settings: Any) -> Any:
    """The parent's settings with what was edited in their file since; a running parent takes that over as well."""
    from guardrails.config.load import reload  # noqa: PLC0415  (a child that never uses AWS need not import it)

    try:
        return settings if settings is None else reload(settings)
    except Exception as error:
        # Whatever it is: the parent goes on with these, too.
        _logger.warning("the configuration on disk does not load: %s. What its parent started with is in force.", error)
        return settings


def install_found(folder: str | None) -> None:
    """Install the guard with the configuration that is found from `folder` upward."""
    from guardrails.config.load import load  # noqa: PLC0415  (a child that never uses AWS need not import it)

    public_install()(load(None, directory=Path(folder) if folder is not None else None))


def hand_on(original: Any, inherited: Any) -> Any:
    """A gate for `get_preparation_data` of multiprocessing and its like that adds `inherited()` to the data."""

    @functools.wraps(original)
    def get_preparation_data(*args: Any, **kwargs: Any) -> dict[str, Any]:
        # Spawned processes and those of a fork server unpickle everything, and ignore keys they do not know.
        return {**original(*args, **kwargs), "guardrails": inherited()}

    return get_preparation_data


def _arm_child(settings: bytes, plans: Mapping[str, str | None]) -> None:
    for name, folder in plans.items():
        os.environ.pop(name, None)
        if folder is not None:
            os.environ[name] = folder
    from multiprocessing import spawn as module  # noqa: PLC0415  (imported already: it started this process)

    spawn: Any = module
    original = spawn.get_preparation_data
    # This process may start others before it imports botocore.
    spawn.get_preparation_data = hand_on(original, lambda: Inherited(settings))

    def install() -> None:
        spawn.get_preparation_data = original
        # It comes from the parent, which could run anything here.
        public_install()(_as_now(pickle.loads(settings)))  # noqa: S301

    arm("its parent process is", install)
