"""Botocore sessions for the guard's own use."""

from __future__ import annotations

from typing import Any

import botocore.session


def without_profile(loader: Any = None, credentials: Any = None) -> botocore.session.Session:
    """A session that ignores the profile in the environment, which may not exist.

    `loader` is another session's data loader, which has read some of botocore's models already.
    """
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    if loader is not None:
        session.register_component("data_loader", loader)
    if credentials is not None:
        session._credentials = credentials  # type: ignore[attr-defined]
    return session
