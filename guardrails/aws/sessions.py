"""Botocore sessions for the guard's own use."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ProfileNotFound
from botocore.loaders import Loader

from guardrails.errors import ConfigError


def without_profile(loader: Any = None, credentials: Any = None, *, handlers: bool = True) -> botocore.session.Session:
    """A session that ignores the profile in the environment, which may not exist.

    `loader` is another session's data loader, which has read some of botocore's models already. Without `handlers`
    its clients do not have botocore's own, of which most are for one operation of one service.
    """
    session = botocore.session.Session(
        session_vars={"profile": (None, None, None, None)}, include_builtin_handlers=handlers
    )
    if loader is not None:
        session.register_component("data_loader", loader)
    if credentials is not None:
        session._credentials = credentials  # type: ignore[attr-defined]
    return session


def models() -> botocore.session.Session:
    """A session that lends its service models, and its region where a service has none. Raises ConfigError."""
    made = botocore.session.Session(include_builtin_handlers=False)
    try:
        usual = made.get_component("data_loader")
    except ProfileNotFound:
        # The script may have its own sessions, with another profile.
        made = without_profile()
        usual = made.get_component("data_loader")
    except BotoCoreError as error:
        raise ConfigError(f"AWS's own configuration does not load: {error}; fix or remove that file") from error
    made.register_component("data_loader", _loader(tuple(usual.search_paths)))
    return made


# A guard that is installed again, as in a fixture of tests, does not read botocore's data again.
@lru_cache(maxsize=1)
def _loader(search_paths: tuple[str, ...]) -> Loader:
    return OneAtATime(list(search_paths), include_default_search_paths=False)


class OneAtATime(Loader):
    """Reads each of botocore's files once, also where several threads ask for the same one at first.

    A service model takes a tenth of a second of processor time, and botocore's own loader reads it in every thread that
    asks before the first one is done: eight threads that start together spent two seconds on it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._start_over()

    def _start_over(self) -> None:
        self._pid = os.getpid()
        self._turn = threading.RLock()

    def load_service_model(self, *args: Any, **kwargs: Any) -> Any:
        """As botocore's. Raises its errors."""
        with self._my_turn():
            return super().load_service_model(*args, **kwargs)

    def load_data(self, *args: Any, **kwargs: Any) -> Any:
        """As botocore's. Raises its errors."""
        with self._my_turn():
            return super().load_data(*args, **kwargs)

    def _my_turn(self) -> threading.RLock:
        # A thread that a forked child does not have may have been reading.
        if self._pid != os.getpid():
            self._start_over()
        return self._turn
