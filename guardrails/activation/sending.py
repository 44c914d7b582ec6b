"""Hold back what a process sends while the guard is being installed in it.

A thread may use botocore as soon as its modules are loaded, and another one may still be compiling policies then.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

# By module: what every call of a client goes through, and what everything else does as well.
_SENDERS: Mapping[str, tuple[str, str]] = {
    "botocore.client": ("BaseClient", "_make_api_call"),
    "botocore.httpsession": ("URLLib3Session", "send"),
    "awscli.botocore.client": ("BaseClient", "_make_api_call"),
    "awscli.botocore.httpsession": ("URLLib3Session", "send"),
    "aiobotocore.client": ("AioBaseClient", "_make_api_call"),
    "aiobotocore.httpsession": ("AIOHTTPSession", "send"),
    "aiobotocore.httpxsession": ("HttpxSession", "send"),
}
_HELD = "guardrails_held"


def sends(name: str) -> bool:
    """Whether the module `name` has a sender."""
    return name in _SENDERS


def hold(module: ModuleType, waited: Callable[[], bool]) -> None:
    """Before a sender of a loaded module sends, call `waited`; what had to wait then goes through the guard.

    A module without one is left alone.
    """
    of, name = _SENDERS.get(module.__name__, ("", ""))
    owner = getattr(module, of, None)
    original = getattr(owner, name, None)
    if owner is None or original is None:
        return

    @functools.wraps(original)
    def send(sender: Any, *args: Any, **kwargs: Any) -> Any:
        if waited():
            return getattr(sender, name)(*args, **kwargs)
        return original(sender, *args, **kwargs)

    # Not True: who wraps it copies what it has.
    vars(send)[_HELD] = send
    setattr(owner, name, send)


def let_go(function: Any) -> Any:
    """What `hold` has put something in front of; for the gates, which take that place for good."""
    held = getattr(function, _HELD, None) is function
    return let_go(function.__wrapped__) if held else function
